/** `verify`: checks an export and prints what is wrong with it, a line each. */
import { join } from "@std/path";
import { isRecoverable } from "../../core/errors.ts";
import { scopeText } from "../../core/scope.ts";
import { expectExport } from "../../tree/export_dir.ts";
import { readManifest } from "../../tree/manifest.ts";
import { expectSameApi, readConfig } from "../config.ts";
import { connectToApi, keyOf } from "../connection.ts";
import { EXIT } from "../exit_codes.ts";
import { exportPath } from "../export_path.ts";
import type { Flags } from "../options.ts";
import { recordsText } from "../../ui/text.ts";
import { bytes, escapeControls, pluralize } from "../../ui/text.ts";
import type { Runtime } from "../../core/runtime.ts";
import { advicesOf, LATER, type Problem } from "../../verify/problems.ts";
import { type Verdict, verifyExports } from "../../verify/verify.ts";

/** Time between two updates of the progress, in milliseconds. */
const SHOW_EVERY_MS = 200;

/** Compares what is on disk with the API. */
type CompareRemote = (verdict: Verdict) => Promise<readonly Problem[]>;

/**
 * Runs the command.
 *
 * @returns The exit code.
 * @throws {UsageError} When there is no export, or it is of another API.
 * @throws {AuthError} When the API refuses the key.
 */
export async function verify(flags: Flags, runtime: Runtime): Promise<number> {
  const { operands: [dir = ""], output, quiet, json } = flags;
  const { terminal, clock } = runtime;
  const root = await exportPath(runtime.disk, dir, output);
  const remote = flags.remote ? await remoteOf(root, flags, runtime) : null;
  const startMs = clock.monotonicMs();
  const isShown = terminal.errIsTerminal && !quiet;
  let read = 0;
  let shownMs = startMs;
  const verdict = await verifyExports({
    disk: runtime.disk,
    dirs: [root],
    onBytes: (more) => {
      read += more;
      if (!isShown || clock.monotonicMs() - shownMs < SHOW_EVERY_MS) return;
      shownMs = clock.monotonicMs();
      terminal.err(`\r\x1b[2Kverifying, ${bytes(read)} read`);
    },
  });
  if (isShown) terminal.err("\r\x1b[2K");
  const differences = remote === null ? null : await compare(remote, verdict);
  const problems = [...verdict.problems, ...differences ?? []];
  const exitCode = problems.length === 0 ? EXIT.complete : EXIT.verifyFailed;
  const tookMs = clock.monotonicMs() - startMs;
  if (json) {
    const document = {
      exitCode,
      exportDir: root,
      scope: scopesOf(verdict),
      problems: problems.map(({ path, message, advice }) => ({
        path,
        message,
        advice,
      })),
      files: { complete: verdict.complete, incomplete: verdict.incomplete },
      records: verdict.counts,
      bytes: verdict.bytes,
      tookMs,
      official: verdict.official,
      remote: differences !== null,
    };
    terminal.out(`${JSON.stringify(document)}\n`);
    return exitCode;
  }
  for (const { path, message } of problems) {
    terminal.out(`${escapeControls(`${path}: ${message}`)}\n`);
  }
  if (problems.length > 0 || !quiet) {
    terminal.out(
      summary(root, { ...verdict, problems }, { tookMs, differences }),
    );
  }
  return exitCode;
}

/** Says what the export is of; of merged ones, what each part is of. */
function scopesOf({ exports }: Verdict): string | null {
  const scopes = exports.flatMap(({ manifest }) =>
    manifest === null ? [] : [scopeText(manifest.settings)]
  );
  return scopes.length === 0 ? null : [...new Set(scopes)].join("; ");
}

/** Connects to the API for `--remote`, before anything is read. */
async function remoteOf(
  root: string,
  flags: Flags,
  runtime: Runtime,
): Promise<CompareRemote> {
  const { compareWithApi } = await import("../../verify/remote.ts");
  const input = await readConfig(flags, runtime);
  const { apiUrl } = input;
  await expectExport(runtime.disk, root);
  const manifest = await readManifest(runtime.disk, join(root, "export.json"));
  if (manifest !== null) expectSameApi(apiUrl, manifest.settings.apiUrl);
  const apiKey = await keyOf(input, runtime);
  const stop = new AbortController();
  const api = { apiUrl, apiKey, signal: stop.signal };
  const reader = await connectToApi(flags, runtime, api);
  return (verdict) => {
    for (const { manifest } of verdict.exports) {
      if (manifest) expectSameApi(apiUrl, manifest.settings.apiUrl);
    }
    return compareWithApi({ reader, stop, verdict });
  };
}

async function compare(
  remote: CompareRemote,
  verdict: Verdict,
): Promise<readonly Problem[]> {
  try {
    return await remote(verdict);
  } catch (error) {
    if (!isRecoverable(error)) throw error;
    const message = `cannot be compared with the API: ${error.message}`;
    const { dir } = verdict.exports[0]!;
    return [{ dir, path: "files", message, ...LATER }];
  }
}

function summary(
  root: string,
  verdict: Verdict,
  { tookMs, differences }: {
    readonly tookMs: number;
    /** Where the API differs; `null` when it was not asked. */
    readonly differences: readonly Problem[] | null;
  },
): string {
  const { problems, counts, complete, incomplete, official } = verdict;
  const seconds = Math.max(tookMs, 1) / 1000;
  const scope = scopesOf(verdict);
  const lines = [
    problems.length === 0
      ? `Export is sound: ${root}`
      : `${pluralize(problems.length, "problem")} in ${root}`,
    ...scope === null ? [] : [`  Scope    ${escapeControls(scope)}`],
    `  Files    ${complete} complete, ${incomplete} not`,
    `  Records  ${recordsText(counts)}`,
    `  Read     ${bytes(verdict.bytes)} in ${seconds.toFixed(1)} s`,
  ];
  if (problems.length > 0) {
    lines.push(`  To do    ${advicesOf(problems).join("; ")}`);
  }
  if (official) {
    lines.push(
      "  This export is the official script's, which drops pages that fail without a word:",
      "  whether Logs are missing cannot be seen in it. --remote compares it with the API.",
    );
  }
  if (!official && verdict.exports.every(({ manifest }) => manifest === null)) {
    lines.push(
      "  There is no export.json: whether Files are missing, and whether their data are",
      "  what was written, cannot be seen. --remote compares with the API.",
    );
  }
  if (differences === null) {
    lines.push("  The API was not asked; --remote compares with it");
  } else {
    const differing = new Set(
      differences.map(({ path }) => path.split("/").slice(0, 2).join("/")),
    );
    lines.push(
      differing.size === 0
        ? `  The API has as many records of everything compared: ${
          escapeControls(scope ?? "what is here")
        }`
        : `  Other at the API: ${[...differing].join(", ")}`,
    );
  }
  return lines.join("\n") + "\n";
}
