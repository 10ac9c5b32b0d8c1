/** `otlp`: writes or sends the Logs of exports as traces of OpenTelemetry. */
import type { DatabaseSync } from "node:sqlite";
import { expectMatches, type Filters, NO_FILTERS } from "../../core/filters.ts";
import type { Runtime } from "../../core/runtime/runtime.ts";
import { all } from "../../database/sqlite.ts";
import { expectedSpans } from "../../otlp/counts.ts";
import { dryRun } from "../../otlp/dry_run.ts";
import { expectWritable, writeSpans } from "../../otlp/file.ts";
import {
  progressText,
  resultDocument,
  resultText,
} from "../../otlp/result_text.ts";
import type { Endpoint } from "../../otlp/send/endpoint.ts";
import {
  Journal,
  journalPath,
  withoutAccepted,
} from "../../otlp/send/journal.ts";
import { limitTraces, readSpans } from "../../otlp/spans/spans.ts";
import { reconcile } from "../../otlp/totals.ts";
import { lineBar } from "../../ui/line_bar.ts";
import { drawBar } from "../../ui/progress.ts";
import { type OpenDatabase, withDatabase } from "../database_file.ts";
import { exitCodeOf } from "../exit_codes.ts";
import { exportPaths } from "../export_path.ts";
import { readFilters } from "../options/filters.ts";
import type { Flags } from "../options/options.ts";
import { printResult } from "../output.ts";
import { endpointOf, expectOneJournal, sendToEndpoint } from "../otlp_send.ts";

/**
 * Runs the command.
 *
 * @returns The exit code: 3 where something could not be converted.
 * @throws {UsageError} When there is no export, a filter matches nothing, or `--to`
 * names something else.
 * @throws {StorageError} On a disk error.
 * @throws {DOMException} When the user interrupts.
 */
export async function otlp(flags: Flags, runtime: Runtime): Promise<number> {
  const { disk, clock } = runtime;
  const dirs = await exportPaths(disk, flags);
  const filters = readFilters(flags, clock.now()) ?? NO_FILTERS;
  if (flags.to !== undefined) await expectWritable(disk, dirs, flags.to);
  const endpoint = flags.endpoint === undefined
    ? null
    : endpointOf(flags.endpoint, flags.for ?? null, runtime);
  return await withDatabase(dirs, flags, runtime, async (open) => {
    expectFiles(open.database, filters);
    const work = { flags, runtime, dirs, filters, ...open };
    return endpoint !== null && !flags.dryRun
      ? await sendToEndpoint({ ...work, endpoint })
      : await convert({ ...work, endpoint });
  });
}

/** Makes sure that filters match something, as an export does. */
function expectFiles(database: DatabaseSync, filters: Filters): void {
  const rows = all(database, "SELECT id, type, path FROM files");
  expectMatches(
    filters,
    rows.map(({ id, type, path }) => ({
      id: String(id),
      type: String(type ?? ""),
      path: path === null ? null : String(path),
    })),
    "browse",
  );
}

async function convert(
  { database, path, endpoint, flags, runtime, dirs, filters, signal }:
    & OpenDatabase
    & {
      /** The journal in which a dry run looks up what was accepted before. */
      readonly endpoint: Endpoint | null;
      readonly flags: Flags;
      readonly runtime: Runtime;
      readonly dirs: readonly string[];
      readonly filters: Filters;
    },
): Promise<number> {
  const { clock, disk } = runtime;
  const { to, limit } = flags;
  const startMs = clock.monotonicMs();
  const expected = expectedSpans(database, filters);
  const bar = lineBar(flags, runtime);
  const total = expected.wantedLogs;
  const onProgress = (done: number) =>
    bar.show((ms) =>
      `${drawBar(done, total)} ${progressText(done, total, ms)}`
    );
  const lookUp = async (from: Endpoint) => {
    const journal = journalPath(path, from);
    await expectOneJournal(disk, dirs, journal);
    return await Journal.look(disk, journal);
  };
  using journal = endpoint === null || flags.resend
    ? null
    : await lookUp(endpoint);
  const before = { spans: 0, judgments: 0 };
  const all = () => readSpans(database, filters, flags.for);
  const every = journal === null
    ? all()
    : withoutAccepted(all, journal, ({ judgments }) => {
      before.spans++;
      before.judgments += judgments.length;
    });
  const spans = limit === undefined ? every : limitTraces(every, limit);
  const how = { onProgress, signal };
  const result =
    await (to === undefined || flags.dryRun
      ? dryRun(spans, { ...how, isToSend: endpoint !== null })
      : writeSpans({ disk, to, spans, ...how })).finally(bar.end);
  const reconciled = reconcile(expected, result, limit !== undefined, before);
  const { lacking } = expected;
  const isComplete = reconciled.isComplete && result.problems === 0 &&
    lacking.length === 0;
  const tookMs = clock.monotonicMs() - startMs;
  const run = { result, reconciled, lacking, tookMs };
  return printResult(flags, runtime, exitCodeOf(isComplete), {
    document: { exportDirs: dirs, ...resultDocument(run) },
    text: () => resultText(run),
  });
}
