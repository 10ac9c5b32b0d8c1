/**
 * `export`: asks for missing settings, connects, makes the directory, and shows
 * a run to a person: progress bar, Ctrl-C, summary.
 */
import { UsageError } from "../../core/errors.ts";
import { shellWord } from "../../core/runtime/platform.ts";
import type { Disk, Runtime } from "../../core/runtime/runtime.ts";
import { runExport } from "../../exporters/pipeline.ts";
import {
  chooseFiles,
  type StartedListing,
  startListing,
  type WantsFile,
} from "../../exporters/listing.ts";
import { holdsLogs } from "../../exporters/workspace_check.ts";
import type { ReaderContext } from "../../lists/reader_context.ts";
import { PageWriter } from "../../report/page_writer.ts";
import { SumJournal } from "../../tree/checksums.ts";
import { removeEmptyExport } from "../../tree/write/removal.ts";
import {
  createExportDir,
  type ExportDir,
  openExportDir,
} from "../../tree/export_dir.ts";
import { readManifest, type Settings } from "../../tree/manifest.ts";
import { Reporter } from "../../ui/reporter.ts";
import {
  type ConfigInput,
  newSettings,
  readConfig,
  resumedSettings,
} from "../options/config.ts";
import { keyOf, openConnection } from "../connection.ts";
import {
  DEFAULT_API_URL,
  DEFAULT_CONCURRENCY,
  DEFAULT_OUTPUT,
} from "../options/defaults.ts";
import { EXIT, exitCodeOf, failureOf } from "../exit_codes.ts";
import { exportPath } from "../export_path.ts";
import { failedSummary, summaryOf } from "../json_output.ts";
import type { Flags } from "../options/options.ts";
import { printJson } from "../output.ts";
import { type RunInfo, summary } from "../summary.ts";

/** What a run is made from. */
export interface RunOptions {
  readonly runtime: Runtime;
  readonly flags: Flags;
  readonly settings: Settings;
  readonly apiKey: string;
  /** The export to resume; `null` to make one. */
  readonly resumed: ExportDir | null;
  /**
   * Writes the command that resumes an export; `null` if it cannot be resumed.
   */
  readonly resumeCommand: (exportDir: string) => string | null;
}

/**
 * Within this time, in milliseconds, a second Ctrl-C is the same one:
 * `deno task` passes on a signal that the terminal has sent to all processes.
 */
const ECHO_MS = 100;
/** After Ctrl-C, the time for finishing what is being written, in milliseconds. */
const GRACE_MS = 1_800;

/**
 * Runs the command.
 *
 * @returns The exit code.
 * @throws {UsageError} When the settings cannot be used, or the workspace is another.
 */
export async function exportCommand(
  flags: Flags,
  runtime: Runtime,
): Promise<number> {
  return await exportWith(await readConfig(flags, runtime), flags, runtime);
}

/**
 * Makes or resumes an export with settings that were read already.
 *
 * @returns The exit code.
 * @throws {UsageError} When the settings cannot be used, or the workspace is another.
 */
export async function exportWith(
  input: ConfigInput,
  flags: Flags,
  runtime: Runtime,
): Promise<number> {
  const { disk } = runtime;
  const resumed = flags.resume === undefined ? null : await openExportDir(
    disk,
    await exportPath(disk, flags.resume, flags.output),
  );
  let settings: Settings;
  let apiKey: string;
  try {
    settings = resumed === null
      ? newSettings(input)
      : resumedSettings(input, await firstSettings(resumed, input, disk));
    apiKey = await keyOf(input, runtime);
    if (resumed === null && await wantsLogs(input, flags, runtime)) {
      settings = { ...settings, logs: true };
    }
  } catch (error) {
    resumed?.log.close();
    throw error;
  }
  return await runAndReport({
    runtime,
    flags,
    settings,
    apiKey,
    resumed,
    resumeCommand: (exportDir) =>
      resumeCommand(exportDir, flags, runtime, settings),
  });
}

/** The settings of the first run; where `export.json` is gone, what is there tells of Logs. */
async function firstSettings(
  { manifest, layout }: ExportDir,
  input: ConfigInput,
  disk: Disk,
): Promise<Settings> {
  if (manifest !== null) return manifest.settings;
  const settings = newSettings(input);
  return { ...settings, logs: await holdsLogs({ disk, layout }) };
}

/** Asks whether Logs are wanted, where no setting says so and a person is there. */
async function wantsLogs(
  { logsFlag, logsVariable }: ConfigInput,
  { quiet, json }: Flags,
  { terminal }: Runtime,
): Promise<boolean> {
  if ((logsFlag ?? logsVariable) !== null || quiet || json) return false;
  const answer = await terminal.ask("Also export Logs? [y/N] ");
  return /^y(es)?$/i.test(answer ?? "");
}

function resumeCommand(
  exportDir: string,
  { envFile }: Flags,
  { program, build }: Runtime,
  { apiUrl }: Settings,
): string {
  const word = (text: string) => shellWord(text, build.os);
  return [
    program,
    "--resume",
    word(exportDir),
    ...envFile === undefined ? [] : ["--env-file", word(envFile)],
    ...apiUrl === DEFAULT_API_URL ? [] : ["--api-url", word(apiUrl)],
  ].join(" ");
}

/**
 * Runs an export and reports how it went. A new directory is made after the
 * first good response, and removed if nothing was saved in it.
 *
 * @returns The exit code.
 * @throws {UsageError} When the Directory is unknown, or the workspace another.
 */
export async function runAndReport(options: RunOptions): Promise<number> {
  const { runtime, flags, apiKey, resumed } = options;
  let { settings } = options;
  const { terminal, clock, disk } = runtime;
  const reporter = new Reporter({
    terminal,
    clock,
    secrets: [apiKey],
    shown: flags.quiet ? "ERROR" : flags.verbose ? "DEBUG" : "WARN",
    progress: !flags.quiet,
    color: !flags.noColor && terminal.color,
  });
  if (resumed !== null) reporter.openLog(resumed.log);
  const stop = new AbortController();
  const ended = new AbortController();
  let dir = resumed;
  let isConnected = false;
  const startMs = clock.monotonicMs();
  const info = (): RunInfo => ({
    exportDir: dir?.layout.root ?? null,
    resumeCommand: dir && options.resumeCommand(dir.layout.root),
    settings,
    tookMs: clock.monotonicMs() - startMs,
    bytes: reporter.progress.bytes,
  });
  const stopListening = runtime.onInterrupt(
    interruption(runtime, stop, ended.signal, () => info().resumeCommand),
  );
  let isKept = true;
  try {
    const { signal } = stop;
    const api = { apiUrl: settings.apiUrl, apiKey, signal };
    const reader = openConnection(flags, runtime, {
      ...api,
      observer: reporter,
    });
    const { directoryId, filters } = settings;
    const reached = reader.session.reach();
    // Starts the listing with the first request, so that it takes no time of
    // its own.
    const started = startListing(reader, directoryId);
    await reached;
    const wantsFile = await chooseFiles(reader, await started.path, filters, {
      mustMatch: resumed === null,
    });
    settings = withCutoff(settings, reader, resumed);
    isConnected = true;
    if (dir === null) {
      const parent = flags.output ?? DEFAULT_OUTPUT;
      dir = await createExportDir(disk, parent, new Date(clock.now()));
      reporter.openLog(dir.log);
    }
    return await runInDir(
      { ...options, settings },
      { dir, reader, started, wantsFile, reporter, stop, info },
    );
  } catch (error) {
    const isUsage = error instanceof UsageError;
    isKept = dir !== null && (!dir.isNew || await hasSettings(runtime, dir));
    if (isUsage) throw error;
    const { code, state, message } = failureOf(error);
    reporter.log(code === EXIT.interrupted ? "WARN" : "ERROR", message);
    if (dir && isConnected && isKept && code !== EXIT.internalError) {
      // Ignores a page that cannot be made: `index` can make it later.
      const pages = pageWriter(options, dir, reporter);
      await pages.finish("none").catch(() => {});
    }
    const kept = isKept ? info() : { ...info(), exportDir: null };
    terminal.err(`${closingLine(kept)}\n`);
    if (flags.json) {
      const failure = { exitCode: code, state, error: reporter.safe(message) };
      printJson(runtime, failedSummary(kept, failure));
    }
    return code;
  } finally {
    ended.abort();
    // Aborts prefetched pages that are not needed.
    stop.abort();
    stopListening();
    reporter.closeLog();
    if (!isKept && dir) {
      await removeEmptyExport(disk, dir.layout).catch(() => {});
    } else if (resumed !== null && !isConnected) {
      // Sums the log once more, since it has grown.
      const sums = new SumJournal(disk, resumed.layout.root);
      await sums.finish().catch(() => {});
    }
  }
}

/** Freezes lists at the time of the API's own clock, which is the same for every resume. */
function withCutoff(
  settings: Settings,
  { session }: ReaderContext,
  resumed: ExportDir | null,
): Settings {
  if (resumed?.manifest) return settings;
  const nowMs = session.serverTimeMs();
  const cutoff = nowMs === null ? null : new Date(nowMs).toISOString();
  return { ...settings, cutoff };
}

/** What a run uses once its directory is there. */
interface Run {
  readonly dir: ExportDir;
  readonly reader: ReaderContext;
  readonly started: StartedListing;
  readonly wantsFile: WantsFile;
  readonly reporter: Reporter;
  readonly stop: AbortController;
  readonly info: () => RunInfo;
}

/** Exports into a directory and prints the summary. */
async function runInDir(
  options: RunOptions,
  { dir, reader, started, wantsFile, reporter, stop, info }: Run,
): Promise<number> {
  const { runtime, flags, settings, apiKey } = options;
  const { root } = dir.layout;
  reporter.log("INFO", `${dir.isNew ? "exporting to" : "resuming"} ${root}`);
  const { disk, clock } = runtime;
  const sums = new SumJournal(disk, root);
  const pages = pageWriter(options, dir, reporter);
  try {
    const run = {
      ...{ disk, clock, reader, sums, dir, settings, started, wantsFile, stop },
      secrets: [apiKey],
      concurrency: flags.concurrency ?? DEFAULT_CONCURRENCY,
      observer: reporter,
    };
    const result = await reporter.run(() =>
      runExport({ ...run, onFile: (file) => pages.write(file) })
    );
    await pages.finish("missing");
    const text = summary(result, info());
    for (const line of text.trimEnd().split("\n")) {
      reporter.record("INFO", line);
    }
    reporter.closeLog();
    const unread = await sums.finish();
    for (const name of unread) {
      reporter.log(
        "ERROR",
        `${name} cannot be read, so SHA256SUMS has no line for it`,
      );
    }
    const isComplete = result.gaps.length === 0 && unread.length === 0;
    const exitCode = exitCodeOf(isComplete);
    const { terminal } = runtime;
    if (flags.json) printJson(runtime, summaryOf(result, info(), exitCode));
    else if (flags.quiet) {
      if (!isComplete) terminal.err(text);
      terminal.out(`${root}\n`);
    } else terminal.out(text);
    return exitCode;
  } finally {
    await sums.close();
  }
}

function closingLine({ exportDir, resumeCommand }: RunInfo): string {
  if (exportDir === null) return "Nothing was saved; start again.";
  const saved = `What is complete is saved in ${exportDir}.`;
  return resumeCommand === null
    ? saved
    : `${saved} To resume: ${resumeCommand}`;
}

function pageWriter(
  { runtime, apiKey }: RunOptions,
  { layout }: ExportDir,
  reporter: Reporter,
): PageWriter {
  return new PageWriter(runtime.disk, layout.root, {
    secrets: [apiKey],
    onFailure: (label, error) =>
      reporter.log("WARN", `cannot make the page of ${label}: ${error}`),
  });
}

/** Checks whether an export keeps the settings that a resume needs. */
async function hasSettings(
  { disk }: Runtime,
  { layout }: ExportDir,
): Promise<boolean> {
  return await readManifest(disk, layout.manifest).catch(() => null) !== null;
}

/** Ends the run on the first Ctrl-C, and the process on the second. */
function interruption(
  { terminal, clock, exit }: Runtime,
  stop: AbortController,
  ended: AbortSignal,
  resumeCommand: () => string | null,
): () => void {
  let firstMs: number | null = null;
  const exitNow = () => {
    const command = resumeCommand();
    if (command !== null) terminal.err(`To resume: ${command}\n`);
    exit(EXIT.interrupted);
  };
  return () => {
    const nowMs = clock.monotonicMs();
    if (firstMs !== null) {
      if (nowMs - firstMs >= ECHO_MS) exitNow();
      return;
    }
    firstMs = nowMs;
    terminal.err("\nStopping; press Ctrl-C again to stop at once.\n");
    stop.abort(new DOMException("the run was interrupted", "AbortError"));
    clock.sleep(GRACE_MS, { signal: ended }).then(exitNow, () => {});
  };
}
