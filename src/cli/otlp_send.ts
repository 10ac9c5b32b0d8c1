/** Sends the spans of a database to an endpoint, for `otlp --endpoint`, and prints the result. */
import { basename, join, resolve } from "@std/path";
import { Session } from "../api/session/session.ts";
import { logOnly, type Observer } from "../core/observer.ts";
import { UsageError } from "../core/errors.ts";
import type { Disk, Runtime } from "../core/runtime/runtime.ts";
import { expectedSpans } from "../otlp/counts.ts";
import type { SpanFilters } from "../otlp/filter.ts";
import {
  reachEndpoint,
  type SendResult,
  sendSpans,
} from "../otlp/send/send.ts";
import {
  type Endpoint,
  endpointWarnings,
  HEADERS_VARIABLE,
  readEndpoint,
} from "../otlp/send/endpoint.ts";
import { Journal, journalPath } from "../otlp/send/journal.ts";
import { isWhole, sendDocument, sendText } from "../otlp/send/result_text.ts";
import { readSpans } from "../otlp/spans/spans.ts";
import { orNull } from "../tree/write/atomic_file.ts";
import { type LineBar, lineBar } from "../ui/line_bar.ts";
import { drawBar } from "../ui/progress.ts";
import { bytes, count, escapeControls } from "../ui/text.ts";
import type { OpenDatabase } from "./database_file.ts";
import { DEFAULT_PATIENCE_MS } from "./options/defaults.ts";
import { EXIT, exitCodeOf, failureOf } from "./exit_codes.ts";
import type { Flags } from "./options/options.ts";
import { printLine, printResult } from "./output.ts";

/** What is sent. */
export interface SendInput extends OpenDatabase {
  readonly endpoint: Endpoint;
  readonly dirs: readonly string[];
  readonly filters: SpanFilters;
  readonly flags: Flags;
  readonly runtime: Runtime;
}

/** After Ctrl-C, the time for the request in flight, in milliseconds. */
const GRACE_MS = 3_000;

/**
 * Reads where spans go, hides its secrets, and prints warnings about it.
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
    printLine({ terminal }, "warn", warning);
  }
  return endpoint;
}

/**
 * Makes sure that no export has a journal beside another database than this
 * one: its spans would be sent twice.
 *
 * @param path The journal of this run.
 * @throws {UsageError} When one has.
 * @throws {StorageError} When the disk fails.
 */
export async function expectOneJournal(
  disk: Disk,
  dirs: readonly string[],
  path: string,
): Promise<void> {
  for (const dir of dirs) {
    const other = join(dir, basename(path));
    if (resolve(other) === resolve(path)) continue;
    const info = await orNull(`look at ${other}`, () => disk.lstat(other));
    if (info === null) continue;
    throw new UsageError(
      `what an earlier run sent to this endpoint is recorded in ${
        escapeControls(other)
      }, and would be sent twice; give the same exports in the same order as then, or remove that file to send it again`,
    );
  }
}

/**
 * Sends what the endpoint has not accepted yet, until the user interrupts.
 *
 * @returns The exit code: 3 if spans were refused or are left, or if the
 * database lacks some.
 * @throws {UsageError} When another run sends to the same endpoint.
 * @throws {StorageError} On a disk error.
 * @throws What ended the run before anything was accepted or refused.
 */
export async function sendToEndpoint(input: SendInput): Promise<number> {
  const { endpoint, database, filters, flags, runtime, signal } = input;
  const { disk, clock } = runtime;
  const { limit } = flags;
  const startMs = clock.monotonicMs();
  const expected = expectedSpans(database, filters);
  const bar = lineBar(flags, runtime);
  const observer = sendObserver(flags, runtime, bar);
  const { log } = observer;
  const path = journalPath(input.path, endpoint);
  if (!flags.resend) await expectOneJournal(disk, input.dirs, path);
  const work = async (stop: AbortSignal) => {
    const session = new Session({
      ...{ runtime, observer, signal: stop, concurrency: 1 },
      ...{ apiUrl: endpoint.url, server: endpoint.server },
      patienceMs: flags.patienceMs ?? DEFAULT_PATIENCE_MS,
    });
    const hasGzip = await reachEndpoint(session, log);
    using journal = await Journal.open(disk, path, endpoint);
    if (flags.resend) journal.clear();
    const result = await sendSpans({
      spans: () => readSpans(database, filters, endpoint.target ?? undefined),
      ...{ endpoint, session, journal, hasGzip, limit, signal, log },
      onProgress: (result) =>
        bar.show(() => progressText(result, expected.wantedLogs)),
    });
    return { result, refusalsFile: await journal.writeRefusals(disk) };
  };
  const { result, refusalsFile } = await withGrace(runtime, signal, work)
    .finally(bar.end);
  const { ended, accepted, refused } = result;
  if (ended !== null && accepted + refused === 0) throw ended;
  const failure = ended === null ? null : failureOf(ended);
  const exitCode = failure?.code ??
    exitCodeOf(isWhole(result, expected));
  const tookMs = clock.monotonicMs() - startMs;
  const isResend = flags.resend ?? false;
  const { url } = endpoint;
  const sent = { url, expected, refusalsFile, isResend, tookMs };
  printResult(flags, runtime, exitCode, {
    document: {
      ...{ exportDirs: input.dirs, ...sendDocument(result, sent) },
      ...{ journal: path, error: failure?.message ?? null },
    },
    text: () => sendText(result, sent),
  });
  if (failure !== null) {
    const isInternal = failure.code === EXIT.internalError;
    printLine(runtime, "error", failure.message, isInternal ? "\n" : "");
  }
  return exitCode;
}

/** Writes the progress of a run as one line. */
function progressText(
  { accepted, refused, skipped, sentBytes }: SendResult,
  total: number,
): string {
  const done = accepted + refused + skipped;
  return `${drawBar(done, total)} ${count(done)} of ${count(total)} spans, ${
    bytes(sentBytes)
  } sent`;
}

/** Runs work with a second signal, which aborts a little after the first. */
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

function sendObserver(
  { quiet, verbose }: Pick<Flags, "quiet" | "verbose">,
  runtime: Runtime,
  bar: LineBar,
): Observer {
  const shown = verbose ? ["INFO", "WARN"] : quiet ? [] : ["WARN"];
  return {
    ...logOnly((level, message) => {
      // Skips errors: the one that ends the run is printed at its end.
      if (!shown.includes(level)) return;
      bar.end();
      printLine(runtime, level === "WARN" ? "warn" : "info", message);
    }),
    waiting: (reason, untilMs) => {
      const time = new Date(untilMs).toISOString().slice(11, 19);
      bar.show(() => `${reason} at ${time} UTC`, true);
    },
  };
}
