/** `verify`: checks an export and prints what is wrong with it, a line each. */
import type { Flags } from "../options.ts";
import { isRecoverable } from "../../core/errors.ts";
import { EXIT } from "../exit_codes.ts";
import { recordsText } from "../../ui/text.ts";
import { shellWord } from "../../core/platform.ts";
import { bytes, escapeControls, pluralize } from "../../ui/text.ts";
import type { Runtime } from "../../core/runtime.ts";
import { advicesOf, LATER, type Problem } from "../../verify/problems.ts";
import { type Verdict, verifyExports } from "../../verify/verify.ts";

/** Time between two looks at how far it is, in milliseconds. */
const SHOW_EVERY_MS = 200;

/** Compares with the API what was found on disk. */
export type CompareRemote = (verdict: Verdict) => Promise<readonly Problem[]>;

/**
 * Runs the command.
 *
 * @param remote With `--remote`, how to compare.
 * @returns The exit code.
 * @throws {UsageError} When there is no export.
 * @throws {AuthError} When the API refuses the key.
 */
export async function verify(
  { dir: root = "", quiet }: Flags,
  runtime: Runtime,
  remote: CompareRemote | null,
): Promise<number> {
  const { terminal, clock } = runtime;
  const startMs = clock.now();
  const isShown = terminal.errIsTerminal && !quiet;
  let read = 0;
  let shownMs = startMs;
  const verdict = await verifyExports({
    disk: runtime.disk,
    dirs: [root],
    onBytes: (more) => {
      read += more;
      if (!isShown || clock.now() - shownMs < SHOW_EVERY_MS) return;
      shownMs = clock.now();
      terminal.err(`\r\x1b[2Kverifying, ${bytes(read)} read`);
    },
  });
  if (isShown) terminal.err("\r\x1b[2K");
  const differences = remote === null ? null : await compare(remote, verdict);
  const problems = [...verdict.problems, ...differences ?? []];
  for (const { path, message } of problems) {
    terminal.out(`${escapeControls(`${path}: ${message}`)}\n`);
  }
  const isSound = problems.length === 0;
  if (!isSound || !quiet) {
    const tookMs = clock.now() - startMs;
    const verb = `${runtime.program.replace(/ export$/, "")} verify`;
    const again = `${verb} ${shellWord(root, runtime.build.os)} --remote`;
    terminal.out(
      summary(root, { ...verdict, problems }, { tookMs, differences, again }),
    );
  }
  return isSound ? EXIT.complete : EXIT.verifyFailed;
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
  { tookMs, differences, again: command }: {
    readonly tookMs: number;
    /** What the API has otherwise; `null` when it was not asked. */
    readonly differences: readonly Problem[] | null;
    /** The command that asks it. */
    readonly again: string;
  },
): string {
  const { problems, counts, complete, incomplete, official } = verdict;
  const seconds = Math.max(tookMs, 1) / 1000;
  const lines = [
    problems.length === 0
      ? `Export is sound: ${root}`
      : `${pluralize(problems.length, "problem")} in ${root}`,
    `  Files    ${complete} complete, ${incomplete} not`,
    `  Records  ${recordsText(counts)}`,
    `  Read     ${bytes(verdict.bytes)} in ${seconds.toFixed(1)} s`,
  ];
  if (problems.length > 0) {
    lines.push(`  To do    ${advicesOf(problems).join("; ")}`);
  }
  if (official) {
    lines.push(
      "  This export is the official script's, which drops pages that fail and tells nobody:",
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
    lines.push(
      `  The API was not asked; to compare: ${command}`,
    );
  } else {
    const again = new Set(
      differences.map(({ path }) => path.split("/").slice(0, 2).join("/")),
    );
    lines.push(
      again.size === 0
        ? "  The API has as many records of everything"
        : `  Other at the API: ${[...again].join(", ")}`,
    );
  }
  return lines.join("\n") + "\n";
}
