/**
 * `verify`: checks exports and prints what is wrong with them, a line each;
 * with `--repair` it sets aside what is damaged and resumes.
 */
import { join } from "@std/path";
import { isRecoverable } from "../../core/errors.ts";
import type { Runtime } from "../../core/runtime/runtime.ts";
import { scopeText } from "../../core/scope.ts";
import type { ReaderContext } from "../../lists/reader_context.ts";
import { openExports } from "../../tree/read/tree_reader.ts";
import { lineBar } from "../../ui/line_bar.ts";
import {
  bytes,
  elapsed,
  escapeControls,
  pluralize,
  recordsText,
} from "../../ui/text.ts";
import { advicesOf, LATER, type Problem } from "../../verify/problems.ts";
import type { SetAside } from "../../verify/repair.ts";
import { type Verdict, verifyExports } from "../../verify/verify.ts";
import {
  type ConfigInput,
  expectSameApi,
  readConfig,
  resumedSettings,
} from "../options/config.ts";
import { EXIT } from "../exit_codes.ts";
import { exportPaths } from "../export_path.ts";
import type { Flags } from "../options/options.ts";
import { printJson } from "../output.ts";
import { untilDone } from "../until_interrupted.ts";

/** The connection to the API, for `--remote` and `--repair`. */
interface Api {
  readonly input: ConfigInput & { readonly apiKey: string };
  readonly reader: ReaderContext;
  readonly stop: AbortController;
}

/** The result of one check of all directories. */
interface Check {
  readonly verdict: Verdict;
  /** Where the API differs; `null` when it was not asked. */
  readonly differences: readonly Problem[] | null;
  /** All that is wrong. */
  readonly problems: readonly Problem[];
  readonly tookMs: number;
}

/** A path that was set aside, below the export's directory. */
type RepairedPath = SetAside & { readonly exportDir: string };

/** What a repair did. */
interface Repaired {
  readonly setAside: readonly RepairedPath[];
  /** What `--json` printed of each resume. */
  readonly resumed: readonly unknown[];
  /** The worst exit code of the resumes. */
  readonly exitCode: number;
}

/**
 * Runs the command.
 *
 * @returns The exit code.
 * @throws {UsageError} When there is no export, it is of another API, or
 * another run holds one that is to be repaired.
 * @throws {AuthError} When the API refuses the key.
 * @throws {ApiError | NetworkError | ProtocolError} When the API cannot be reached.
 * @throws {StorageError} When something cannot be set aside.
 */
export async function verify(flags: Flags, runtime: Runtime): Promise<number> {
  return await untilDone((stop) => verifyAndRepair(flags, runtime, stop));
}

async function verifyAndRepair(
  flags: Flags,
  runtime: Runtime,
  stop: AbortController,
): Promise<number> {
  const { disk, terminal } = runtime;
  const { json } = flags;
  const roots = await exportPaths(disk, flags);
  let api = flags.remote ? await connect(roots, flags, runtime, stop) : null;
  let check = await checkAll(roots, flags, runtime, api);
  let repaired: Repaired | null = null;
  if (flags.repair) {
    const dirs = roots.filter((root) =>
      check.problems.some((one) => one.dir === root && one.repair !== "byHand")
    );
    if (dirs.length > 0) {
      if (!json) printProblems(check, roots, runtime);
      api ??= await connect(dirs, flags, runtime, stop);
      const work = { flags, runtime, api };
      repaired = await repairAll(dirs, check.problems, work);
      if (hasEnded(repaired.exitCode)) {
        const compared = flags.remote ? api : null;
        check = await checkAll(roots, flags, runtime, compared);
      } else if (!json) return repaired.exitCode;
    }
  }
  const isSound = check.problems.length === 0;
  const exitCode = repaired?.exitCode ||
    (isSound ? EXIT.complete : EXIT.verifyFailed);
  if (json) {
    printJson(runtime, documentOf(roots, check, { exitCode, repaired }));
    return exitCode;
  }
  printProblems(check, roots, runtime);
  if (!isSound || !flags.quiet) {
    terminal.out(summary(roots, check));
    if (flags.repair && repaired === null) {
      terminal.out("  There is nothing that --repair can fix\n");
    }
  }
  return exitCode;
}

/** Checks whether an export finished, complete or not. */
function hasEnded(code: number): boolean {
  return code === EXIT.complete || code === EXIT.incomplete;
}

/** Connects to the API, before anything is read from or changed in the exports. */
async function connect(
  roots: readonly string[],
  flags: Flags,
  runtime: Runtime,
  stop: AbortController,
): Promise<Api> {
  const { connectToApi, keyOf } = await import("../connection.ts");
  const input = await readConfig(flags, runtime);
  const { apiUrl } = input;
  for (const { manifest } of await openExports(runtime.disk, roots)) {
    if (manifest === null) continue;
    if (flags.repair) resumedSettings(input, manifest.settings);
    else expectSameApi(apiUrl, manifest.settings.apiUrl);
  }
  const apiKey = await keyOf(input, runtime);
  const options = { apiUrl, apiKey, signal: stop.signal };
  const reader = await connectToApi(flags, runtime, options);
  return { input: { ...input, apiKey }, reader, stop };
}

/** Checks all directories, and compares them with the API for `--remote`. */
async function checkAll(
  roots: readonly string[],
  flags: Flags,
  runtime: Runtime,
  api: Api | null,
): Promise<Check> {
  const { disk, clock } = runtime;
  const startMs = clock.monotonicMs();
  const bar = lineBar(flags, runtime);
  let read = 0;
  const verdict = await verifyExports({
    disk,
    dirs: roots,
    onBytes: (more) => {
      read += more;
      bar.show(() => `verifying, ${bytes(read)} read`);
    },
  });
  bar.end();
  const differences = api === null ? null : await compare(api, verdict);
  const problems = [...verdict.problems, ...differences ?? []];
  const tookMs = clock.monotonicMs() - startMs;
  return { verdict, differences, problems, tookMs };
}

async function compare(
  { reader, stop }: Api,
  verdict: Verdict,
): Promise<readonly Problem[]> {
  const { compareWithApi } = await import("../../verify/remote.ts");
  try {
    return await compareWithApi({ reader, stop, verdict });
  } catch (error) {
    if (!isRecoverable(error)) throw error;
    const message = `cannot be compared with the API: ${error.message}`;
    const { dir } = verdict.exports[0]!;
    return [{ dir, path: "files", message, ...LATER }];
  }
}

/** Sets aside what is damaged in each directory, and resumes it. */
async function repairAll(
  dirs: readonly string[],
  problems: readonly Problem[],
  { flags, runtime, api }: {
    readonly flags: Flags;
    readonly runtime: Runtime;
    readonly api: Api;
  },
): Promise<Repaired> {
  const { repair } = await import("../../verify/repair.ts");
  const { exportWith } = await import("./export.ts");
  const { terminal } = runtime;
  const setAside: RepairedPath[] = [];
  const resumed: unknown[] = [];
  let exitCode: number = EXIT.complete;
  for (const dir of dirs) {
    for (const one of await repair(runtime.disk, dir, problems)) {
      setAside.push({ exportDir: dir, ...one });
      if (flags.json) continue;
      const [from, to] = [join(dir, one.path), join(dir, one.to)];
      const text = `${from} is set aside as ${to}`;
      terminal.out(`${escapeControls(text)}\n`);
    }
    const out = flags.json
      ? (text: string) => void resumed.push(JSON.parse(text))
      : terminal.out;
    const code = await exportWith(
      api.input,
      { ...flags, command: "export", operands: [], resume: dir },
      { ...runtime, terminal: { ...terminal, out } },
    );
    if (code !== EXIT.complete) exitCode = code;
    if (!hasEnded(code)) break;
  }
  return { setAside, resumed, exitCode };
}

function documentOf(
  roots: readonly string[],
  { verdict, differences, problems, tookMs }: Check,
  { exitCode, repaired }: {
    readonly exitCode: number;
    readonly repaired: Repaired | null;
  },
): object {
  return {
    exitCode,
    exportDir: roots.length === 1 ? roots[0] : null,
    exportDirs: roots,
    scope: scopesOf(verdict),
    problems: problems.map(({ dir: exportDir, path, message, advice }) => (
      { exportDir, path, message, advice }
    )),
    files: { complete: verdict.files.length, incomplete: verdict.incomplete },
    records: verdict.counts,
    bytes: verdict.bytes,
    tookMs,
    official: verdict.official,
    remote: differences !== null,
    repair: repaired === null
      ? null
      : { setAside: repaired.setAside, resumed: repaired.resumed },
  };
}

function printProblems(
  { problems }: Check,
  roots: readonly string[],
  { terminal }: Runtime,
): void {
  for (const { dir, path, message } of problems) {
    const name = roots.length === 1 ? path : `${dir}/${path}`;
    terminal.out(`${escapeControls(`${name}: ${message}`)}\n`);
  }
}

/** Describes the scope of each export, and of each shard in a merged one. */
function scopesOf({ exports }: Verdict): string | null {
  const scopes = exports.flatMap(({ manifest }) =>
    manifest === null ? [] : [scopeText(manifest.settings)]
  );
  return scopes.length === 0 ? null : [...new Set(scopes)].join("; ");
}

function summary(
  roots: readonly string[],
  { verdict, problems, differences, tookMs }: Check,
): string {
  const { counts, files, incomplete, official, exports } = verdict;
  const dirs = roots.join(", ");
  const scope = scopesOf(verdict);
  const sound = roots.length === 1 ? "Export is sound" : "Exports are sound";
  const lines = [
    problems.length === 0
      ? `${sound}: ${dirs}`
      : `${pluralize(problems.length, "problem")} in ${dirs}`,
    ...scope === null ? [] : [`  Scope    ${escapeControls(scope)}`],
    `  Files    ${files.length} complete, ${incomplete} not`,
    `  Records  ${recordsText(counts)}`,
    `  Read     ${bytes(verdict.bytes)} in ${elapsed(tookMs)}`,
  ];
  if (problems.length > 0) {
    lines.push(`  To do    ${advicesOf(problems).join("; ")}`);
  }
  if (official) {
    lines.push(
      "  This export is from the official script, which silently drops pages that fail:",
      "  whether Logs are missing cannot be seen in it. --remote compares it with the API.",
    );
  }
  if (!official && exports.every(({ manifest }) => manifest === null)) {
    lines.push(
      "  There is no export.json: whether Files are missing, and whether their data are",
      "  what was written, cannot be checked. --remote compares with the API.",
    );
  }
  if (differences === null) {
    lines.push("  Not compared with the API; --remote does that");
  } else {
    const differing = new Set(
      differences.map(({ path }) => path.split("/").slice(0, 2).join("/")),
    );
    lines.push(
      differing.size === 0
        ? `  Same counts as the API: ${escapeControls(scope ?? "what is here")}`
        : `  Different from the API: ${
          [...differing].map((one) => escapeControls(one)).join(", ")
        }`,
    );
  }
  return lines.join("\n") + "\n";
}
