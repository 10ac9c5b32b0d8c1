/**
 * Serves the pages on this machine only. A request is answered from the
 * database only: no part of it becomes a file's path.
 */
import { damagedDatabase, openDatabase } from "../database/sqlite.ts";
import { html } from "../report/components/html.ts";
import { evaluationPage } from "./pages/evaluation_page.ts";
import { diffPage, filePage, jsonOf } from "./pages/file_page.ts";
import { logListPage } from "./pages/log_list_page.ts";
import { logPage } from "./pages/log_page.ts";
import { overviewPage, problemsPage } from "./pages/overview_page.ts";
import { browsePage, POLICY } from "./pages/page.ts";
import { NotFound, Site } from "./site.ts";

/** How to serve. */
export interface ServeOptions {
  /** The path of the database. */
  readonly database: string;
  /** 0, or nothing, for any free port. */
  readonly port?: number;
  readonly onListen?: (url: string) => void;
  /** Called for a page that could not be made. */
  readonly onFailure?: (error: unknown) => void;
  readonly signal?: AbortSignal;
}

const HEADERS: Readonly<Record<string, string>> = {
  "content-security-policy": POLICY,
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "cache-control": "no-store",
};

/**
 * Serves a database on 127.0.0.1 until the signal aborts.
 *
 * @throws {StorageError} When the database cannot be opened.
 * @throws {Deno.errors.AddrInUse} When the port is taken.
 */
export async function serveBrowse(
  { database: path, port = 0, onListen, onFailure, signal }: ServeOptions,
): Promise<void> {
  const database = openDatabase(path);
  try {
    const site = new Site(database);
    let own = "";
    const server = Deno.serve(
      {
        ...{ hostname: "127.0.0.1", port, onListen() {} },
        onError: (error) => {
          const damage = damagedDatabase(path, error);
          onFailure?.(damage ?? error);
          return refuse(500, damage?.message ?? "This page could not be made");
        },
      },
      (request) => answer(site, request, own),
    );
    own = `127.0.0.1:${server.addr.port}`;
    const stop = () => void server.shutdown();
    signal?.addEventListener("abort", stop, { once: true });
    if (signal?.aborted) stop();
    onListen?.(`http://${own}/`);
    await server.finished;
    signal?.removeEventListener("abort", stop);
  } finally {
    database.close();
  }
}

/**
 * Answers a request.
 *
 * @param host The only host, with its port, that it may name.
 */
export function answer(site: Site, request: Request, host: string): Response {
  const { headers, method } = request;
  const [, port = ""] = host.split(":");
  const hosts = [host, `localhost:${port}`];
  const named = headers.get("host") ?? new URL(request.url).host;
  if (!hosts.includes(named)) {
    return refuse(403, `Open http://${host}/ instead`);
  }
  if (method !== "GET") {
    return refuse(405, "Pages can only be read");
  }
  const origin = headers.get("origin");
  const isForeign = origin !== null &&
    !hosts.some((one) => origin === `http://${one}`);
  const from = headers.get("sec-fetch-site") ?? "none";
  if (isForeign || !["none", "same-origin"].includes(from)) {
    return refuse(403, "Requests of other sites are refused");
  }
  try {
    return route(site, new URL(request.url));
  } catch (error) {
    if (error instanceof NotFound) {
      return refuse(404, "There is no such record");
    }
    throw error;
  }
}

function route(site: Site, { pathname, searchParams }: URL): Response {
  const [, top = "", id = "", part = "", ...more] = pathname.split("/")
    .map(decoded);
  const depth = [top, id, part].filter((one) => one !== "").length;
  if (more.length > 0) throw new NotFound();
  const pages: Readonly<Record<string, () => string>> = {
    "": () => overviewPage(site, searchParams),
    logs: () => logListPage(site, searchParams),
    log: () => logPage(site, searchParams),
    problems: () => problemsPage(site),
  };
  if (depth < 2 && Object.hasOwn(pages, top)) return page(pages[top]!());
  if (depth === 1 && top === "json") {
    return new Response(jsonOf(site, searchParams), {
      headers: {
        ...HEADERS,
        "content-type": "application/json; charset=utf-8",
      },
    });
  }
  if (top === "files" && depth === 2) {
    return page(filePage(site, id, searchParams));
  }
  if (top === "files" && part === "diff") {
    return page(diffPage(site, id, searchParams));
  }
  if (top === "evaluations" && depth === 2) {
    return page(evaluationPage(site, id, searchParams));
  }
  throw new NotFound();
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new NotFound();
  }
}

function page(text: string, status = 200): Response {
  const type = { "content-type": "text/html; charset=utf-8" };
  return new Response(text, { status, headers: { ...HEADERS, ...type } });
}

function refuse(status: number, reason: string): Response {
  const body = html`<h1>${reason}</h1>`;
  return page(browsePage({ title: reason, body }), status);
}
