/** Sends the spans of a database to an endpoint, for `otlp --endpoint`, and says what became of them. */
import type { DatabaseSync } from "node:sqlite";
import { Session } from "../api/session.ts";
import { logOnly, type Observer } from "../core/observer.ts";
import type { Runtime } from "../core/runtime.ts";
import type { Expected } from "../otlp/counts.ts";
import type { SpanFilters } from "../otlp/filter.ts";
import { type SendResult, sendSpans } from "../otlp/send.ts";
import {
  type Endpoint,
  endpointWarnings,
  HEADERS_VARIABLE,
  readEndpoint,
} from "../otlp/send_endpoint.ts";
import { Journal, journalPath } from "../otlp/send_journal.ts";
import { sendText, unsentOf } from "../otlp/send_text.ts";
import { readSpans } from "../otlp/spans.ts";
import { drawBar } from "../ui/progress.ts";
import { bytes, count, escapeControls } from "../ui/text.ts";
import { DEFAULT_PATIENCE_MS } from "./defaults.ts";
import { EXIT, failureOf } from "./exit_codes.ts";
import type { Flags } from "./options.ts";
import { untilInterrupted } from "./until_interrupted.ts";

/** What is sent. */
export interface SendInput {
  readonly endpoint: Endpoint;
  readonly database: DatabaseSync;
  readonly databasePath: string;
  readonly filters: SpanFilters;
  readonly expected: Expected;
}

/** After Ctrl-C, the time for the request that is on its way, in milliseconds. */
const GRACE_MS = 3_000;
/** Time between two updates of the bar, in milliseconds. */
const SHOW_EVERY_MS = 200;

/**
 * Reads where spans go, hides what of it is secret, and prints what should be known.
 *
 * @param address What the user typed for `--endpoint`.
 * @throws {UsageError} When it, or the variable of the headers, cannot be used.
 */
export function endpointOf(
  address: string,
  target: Endpoint["target"],
  { env, terminal }: Pick<Runtime, "env" | "terminal">,
): Endpoint {
  const endpoint = readEndpoint(address, env(HEADERS_VARIABLE), target);
  for (const secret of endpoint.server.secrets) terminal.hide?.(secret);
  for (const warning of endpointWarnings(endpoint)) {
    terminal.err(`warn: ${warning}\n`);
  }
  return endpoint;
}

/**
 * Sends what the endpoint has not accepted yet, until Ctrl-C.
 *
 * @returns The exit code: 3 where spans were refused or are left.
 * @throws {UsageError} When another run sends to the same endpoint.
 * @throws {StorageError} On a disk error.
 * @throws What ended the run before anything was sent.
 */
export async function sendToEndpoint(
  input: SendInput,
  flags: Pick<
    Flags,
    "limit" | "resend" | "patienceMs" | "json" | "quiet" | "verbose"
  >,
  runtime: Runtime,
): Promise<number> {
  const { endpoint, database, databasePath, filters, expected } = input;
  const { disk, terminal, clock } = runtime;
  const startMs = clock.monotonicMs();
  const path = journalPath(databasePath, endpoint);
  using journal = await Journal.open(disk, path, endpoint);
  if (flags.resend) journal.clear();
  const bar = sendBar(flags, runtime, expected.wantedLogs);
  const observer = sendObserver(flags, runtime, bar);
  const target = endpoint.target ?? undefined;
  const { limit } = flags;
  const send = (signal: AbortSignal) =>
    withGrace(runtime, signal, (stop) =>
      sendSpans({
        spans: () => readSpans(database, filters, target),
        ...{ endpoint, journal, signal, log: observer.log },
        ...limit === undefined ? {} : { limit },
        onProgress: bar.show,
        session: new Session({
          ...{ runtime, observer, signal: stop, concurrency: 1 },
          ...{ apiUrl: endpoint.url, server: endpoint.server },
          patienceMs: flags.patienceMs ?? DEFAULT_PATIENCE_MS,
        }),
      }));
  const result = await untilInterrupted(runtime, send).finally(bar.end);
  const refusals = await journal.writeRefusals(disk);
  if (result.requests === 0 && result.ended !== null) throw result.ended;
  const failure = result.ended === null ? null : failureOf(result.ended);
  const unsent = unsentOf(result, expected);
  const exitCode = failure?.code ??
    (result.refused > 0 || unsent > 0 && !result.isLimited
      ? EXIT.incomplete
      : EXIT.complete);
  const tookMs = clock.monotonicMs() - startMs;
  if (flags.json) {
    const { ended: _, oldest, newest, ...counted } = result;
    const document = {
      exitCode,
      ...{ endpoint: endpoint.url, target: endpoint.target },
      ...counted,
      ...{ unsent, logs: expected.logs, wantedLogs: expected.wantedLogs },
      oldest: oldest === null ? null : String(oldest),
      newest: newest === null ? null : String(newest),
      ...{ journal: path, refusalsFile: refusals, tookMs },
      error: failure?.message ?? null,
    };
    terminal.out(`${JSON.stringify(document)}\n`);
  } else if (!flags.quiet || exitCode !== EXIT.complete) {
    const text = sendText(result, {
      ...{ url: endpoint.url, refusals, expected, tookMs },
    });
    terminal.out(escapeControls(text, "\n"));
  }
  if (failure !== null) {
    const kept = failure.code === EXIT.internalError ? "\n" : "";
    terminal.err(
      `error: ${
        escapeControls(failure.message, kept)
      }; the same command goes on\n`,
    );
  }
  return exitCode;
}

/** Works with a second signal, which aborts a little after the first. */
async function withGrace<T>(
  { clock }: Pick<Runtime, "clock">,
  signal: AbortSignal,
  work: (stop: AbortSignal) => Promise<T>,
): Promise<T> {
  const stop = new AbortController();
  const done = new AbortController();
  const onAbort = () => {
    clock.sleep(GRACE_MS, { signal: done.signal }).then(
      () => stop.abort(signal.reason),
      // The work is done.
      () => {},
    );
  };
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    return await work(stop.signal);
  } finally {
    signal.removeEventListener("abort", onAbort);
    done.abort();
  }
}

/** Shows how far a run is. */
interface SendBar {
  readonly show: (result: SendResult) => void;
  readonly waiting: (reason: string, untilMs: number) => void;
  /** Takes the bar away, until it is shown the next time. */
  readonly end: () => void;
}

function sendBar(
  { quiet }: Pick<Flags, "quiet">,
  { terminal, clock }: Runtime,
  total: number,
): SendBar {
  if (!terminal.errIsTerminal || quiet) {
    return { show() {}, waiting() {}, end() {} };
  }
  let shownMs = -Infinity;
  const draw = (text: string) => {
    const line = text.slice(0, Math.max(0, terminal.columns() - 1));
    terminal.err(`\r\x1b[2K${line}`);
    shownMs = clock.monotonicMs();
  };
  return {
    show: ({ accepted, refused, skipped, sentBytes }) => {
      if (clock.monotonicMs() - shownMs < SHOW_EVERY_MS) return;
      const done = accepted + refused + skipped;
      draw(
        `${drawBar(done, total)} ${count(done)} of ${count(total)} spans, ${
          bytes(sentBytes)
        } sent`,
      );
    },
    waiting: (reason, untilMs) => {
      const time = new Date(untilMs).toISOString().slice(11, 19);
      draw(`${reason} at ${time} UTC`);
    },
    end: () => {
      if (shownMs !== -Infinity) terminal.err("\r\x1b[2K");
      shownMs = -Infinity;
    },
  };
}

function sendObserver(
  { quiet, verbose }: Pick<Flags, "quiet" | "verbose">,
  { terminal }: Runtime,
  bar: SendBar,
): Observer {
  const shown = verbose ? ["INFO", "WARN"] : quiet ? [] : ["WARN"];
  return {
    ...logOnly((level, message) => {
      // The error that ends the run is printed at its end.
      if (!shown.includes(level)) return;
      bar.end();
      terminal.err(`${level.toLowerCase()}: ${escapeControls(message)}\n`);
    }),
    waiting: bar.waiting,
  };
}
