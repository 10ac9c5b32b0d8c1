/**
 * Serves a workspace on loopback as Humanloop does: the endpoints that an
 * export reads, with the API's envelopes, errors and paging, over a workspace.
 */
import type { Clock } from "../core/runtime/runtime.ts";
import { prettyPrint } from "./pretty_print.ts";
import { type PagingOptions, Refusal, route } from "./routes.ts";
import type { Workspace } from "./workspace.ts";

/** How the server behaves. */
export interface DemoServerOptions extends PagingOptions {
  /** 0 for any free port. */
  readonly port?: number;
  /** The only key that it accepts. */
  readonly key: string;
  /** Called before each answer; what it returns is sent instead, if anything. */
  readonly before?: (
    url: URL,
    request: Request,
  ) => Promise<Response | undefined> | Response | undefined;
  /** Whether answers have white space between all tokens. */
  readonly pretty?: boolean;
  /** Sends one answer at a time, and waits so long before each, in milliseconds. */
  readonly delayMs?: number;
  /** The clock for the waits. */
  readonly clock?: Pick<Clock, "sleep">;
}

/** A server that runs. */
export interface DemoServer extends AsyncDisposable {
  /** The API's address. */
  readonly url: string;
}

/**
 * Serves a workspace on 127.0.0.1.
 *
 * @throws {Deno.errors.AddrInUse} When the port is taken.
 */
export function serveDemo(
  workspace: Workspace,
  options: DemoServerOptions,
): DemoServer {
  const stopped = new AbortController();
  const waitForTurn = turns(options, stopped.signal);
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: options.port ?? 0, onListen() {} },
    async (request) => {
      await waitForTurn();
      return await answerRequest(workspace, options, request);
    },
  );
  return {
    url: `http://127.0.0.1:${server.addr.port}/v5`,
    [Symbol.asyncDispose]: () => {
      stopped.abort();
      return server.shutdown();
    },
  };
}

/**
 * Lets requests pass one by one, with a wait before each; all at once when
 * stopped.
 */
function turns(
  { delayMs = 0, clock }: Pick<DemoServerOptions, "delayMs" | "clock">,
  signal: AbortSignal,
): () => Promise<void> {
  let turn = Promise.resolve();
  return () =>
    turn = turn.then(async () => {
      if (delayMs === 0 || signal.aborted) return;
      await clock?.sleep(delayMs, { signal }).catch(() => {});
    });
}

/** Answers one request, as the server does. */
export async function answerRequest(
  workspace: Workspace,
  options: Omit<DemoServerOptions, "port">,
  request: Request,
): Promise<Response> {
  const url = new URL(request.url);
  const instead = await options.before?.(url, request);
  if (instead !== undefined) return instead;
  try {
    if (request.headers.get("x-api-key") !== options.key) {
      throw new Refusal(401, "Invalid API key.");
    }
    if (request.method !== "GET") throw new Refusal(405, "Method Not Allowed");
    const text = route(workspace, options, url);
    return json(options.pretty ? prettyPrint(text) : text);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return json(JSON.stringify({ detail: error.detail }), error.status);
  }
}

function json(text: string, status = 200): Response {
  const headers = { "content-type": "application/json" };
  return new Response(text, { status, headers });
}
