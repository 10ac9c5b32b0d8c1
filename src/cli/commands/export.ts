/**
 * One run as a person sees it: the bar while it goes on, Ctrl-C, the summary,
 * and the exit code, which is chosen here from how the run ended and nowhere
 * else.
 */
import type { Stop } from "../../core/concurrency.ts";
import { AuthError, StorageError, UsageError } from "../../core/errors.ts";
import { EXIT } from "../exit_codes.ts";
import { filtersText } from "../../core/filters.ts";
import { runExport } from "../../exporters/pipeline.ts";
import { Checksums } from "../../tree/checksums.ts";
import type { ExportDir } from "../../tree/export_dir.ts";
import { readManifest, type Settings } from "../../tree/manifest.ts";
import { removeAll } from "../../tree/atomic_file.ts";
import { Reporter } from "../../ui/reporter.ts";
import { type JsonSummary, summaryOf } from "../json_output.ts";
import {
  type OnFailure,
  type Which,
  writeFilePage,
  writePages,
} from "../../report/write_pages.ts";
import { summary } from "../summary.ts";
import type { Runtime } from "../../core/runtime.ts";

/** What a run is made from. */
export interface RunOptions {
  readonly runtime: Runtime;
  readonly dir: ExportDir;
  readonly settings: Settings;
  readonly apiKey: string;
  readonly concurrency: number;
  /** How long to wait for an API that does not answer, in milliseconds. */
  readonly patienceMs: number;
  readonly flags: {
    readonly quiet: boolean;
    readonly verbose: boolean;
    readonly color: boolean;
    readonly json: boolean;
  };
  /** The command that goes on with this export. */
  readonly resumeCommand: string;
}

/**
 * One Ctrl-C can arrive twice: from the terminal, and handed on by `deno task`.
 * What comes within this time, in milliseconds, is no second one.
 */
const ECHO_MS = 100;
/** After Ctrl-C, the time for finishing what is being written, in milliseconds. */
const GRACE_MS = 1_800;

/**
 * Runs an export and tells how it went.
 *
 * @returns The exit code.
 * @throws {UsageError} When the Directory is unknown, or the workspace another;
 * a new export's directory is gone again.
 */
export async function runAndReport(options: RunOptions): Promise<number> {
  const { runtime, dir, flags, resumeCommand } = options;
  const { terminal, clock } = runtime;
  const where = dir.layout.root;
  const reporter = new Reporter({
    terminal,
    clock,
    log: dir.log,
    secrets: [options.apiKey],
    shown: flags.quiet ? "ERROR" : flags.verbose ? "DEBUG" : "WARN",
    progress: !flags.quiet,
    color: flags.color && terminal.color,
  });
  const stop = new AbortController();
  const ended = new AbortController();
  const stopListening = runtime.onInterrupt(
    interruption(options, stop, ended.signal),
  );
  const startMs = clock.now();
  const sums = new Checksums(runtime.disk, where);
  const { disk } = sums;
  const ran = () => ({
    where,
    resumeCommand,
    filters: filtersText(options.settings.filters),
    tookMs: clock.now() - startMs,
    bytes: reporter.progress.bytes,
  });
  const noPage: OnFailure = (what, error) =>
    reporter.log("WARN", `cannot make the page of ${what}: ${error}`);
  const pages = (which: Which) =>
    writePages(runtime.disk, where, { which, onFailure: noPage });
  let isKept = true;
  reporter.log(
    "INFO",
    `${dir.manifest ? "resuming" : "exporting to"} ${where}`,
  );
  try {
    const result = await reporter.run(() =>
      runExport({
        ...options,
        runtime: { ...runtime, disk },
        observer: reporter,
        stop,
        onFile: async (file) => {
          await writeFilePage(runtime.disk, dir.layout, file, noPage);
        },
      })
    );
    const text = summary(result, ran());
    const complete = result.gaps.length === 0;
    const code = complete ? EXIT.complete : EXIT.incomplete;
    for (const line of text.trimEnd().split("\n")) {
      reporter.record("INFO", line);
    }
    await pages("missing");
    reporter.closeLog();
    await sums.finish();
    if (flags.json) {
      const document = summaryOf(result, { ...ran(), exitCode: code });
      terminal.out(`${JSON.stringify(document)}\n`);
    } else if (!complete || !flags.quiet) terminal.out(text);
    return code;
  } catch (error) {
    const refused = error instanceof UsageError;
    isKept = !dir.isNew || !refused && await hasSettings(options);
    if (refused) throw error;
    const { code, state, message } = failureOf(error);
    reporter.log(code === EXIT.interrupted ? "WARN" : "ERROR", message);
    if (isKept && code !== EXIT.internalError) {
      // What cannot be shown now can be by `index`.
      await pages("none").catch(() => {});
    }
    terminal.err(
      isKept
        ? `What is complete is saved. To go on: ${resumeCommand}\n`
        : "Nothing was saved; start again.\n",
    );
    if (flags.json) {
      const document: JsonSummary = {
        ...ran(),
        state,
        exitCode: code,
        where: isKept ? where : null,
        resumeCommand: isKept ? resumeCommand : null,
        files: null,
        records: null,
        gaps: [],
        error: reporter.safe(message),
      };
      terminal.out(`${JSON.stringify(document)}\n`);
    }
    return code;
  } finally {
    ended.abort();
    stopListening();
    await sums.close();
    reporter.closeLog();
    if (!isKept) await removeAll(runtime.disk, where).catch(() => {});
  }
}

/** Whether a resume would know what was asked for. */
async function hasSettings({ runtime, dir }: RunOptions): Promise<boolean> {
  const { disk } = runtime;
  return await readManifest(disk, dir.layout.manifest).catch(() => null) !==
    null;
}

/** Ends the run on the first Ctrl-C, and the process on the second. */
function interruption(
  { runtime, resumeCommand }: RunOptions,
  stop: Stop,
  ended: AbortSignal,
): () => void {
  let firstMs: number | null = null;
  const exit = () => {
    runtime.terminal.err(`To go on: ${resumeCommand}\n`);
    runtime.exit(EXIT.interrupted);
  };
  return () => {
    const nowMs = runtime.clock.now();
    if (firstMs !== null) {
      if (nowMs - firstMs >= ECHO_MS) exit();
      return;
    }
    firstMs = nowMs;
    runtime.terminal.err("\nStopping; press Ctrl-C again to stop at once.\n");
    stop.abort(new DOMException("the run was interrupted", "AbortError"));
    runtime.clock.sleep(GRACE_MS, { signal: ended })
      .then(exit, () => {});
  };
}

/** What a failure that ends the run means. */
function failureOf(error: unknown): {
  readonly code: number;
  readonly state: JsonSummary["state"];
  readonly message: string;
} {
  if (error instanceof DOMException && error.name === "AbortError") {
    const message = "interrupted";
    return { code: EXIT.interrupted, state: "interrupted", message };
  }
  if (error instanceof AuthError) {
    return { code: EXIT.authFailed, state: "refused", message: error.message };
  }
  if (error instanceof StorageError) {
    return {
      code: EXIT.internalError,
      state: "failed",
      message: error.message,
    };
  }
  const trace = error instanceof Error ? error.stack : String(error);
  const message = `a defect of this program: ${trace}`;
  return { code: EXIT.internalError, state: "failed", message };
}
