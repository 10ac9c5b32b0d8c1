/** Runs scripts with packages of npm, which are tools of the tests and no part of the program. */
import { fromFileUrl } from "@std/path";

/** What a script needs. */
export interface PackageScript {
  readonly script: URL;
  /** Pins the packages: a lock of its own, so that no user downloads them. */
  readonly lock: URL;
  readonly args: readonly string[];
  /** What it reads from its standard input. */
  readonly input?: string;
}

/**
 * Runs a script in a process of its own.
 *
 * @returns What it wrote to its standard output.
 * @throws {Error} When a package cannot be loaded, or the script fails.
 */
export async function runWithPackages(
  { script, lock, args, input = "" }: PackageScript,
): Promise<string> {
  await using child = new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--quiet", "--no-prompt", "--no-config", "-A", "--frozen"],
      ...[`--lock=${fromFileUrl(lock)}`, fromFileUrl(script), ...args],
    ],
    env: { NO_COLOR: "1" },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const [{ success, stdout, stderr }] = await Promise.all([
    child.output(),
    new Blob([input]).stream().pipeTo(child.stdin).catch(() => {}),
  ]);
  const decoder = new TextDecoder();
  if (!success) throw new Error(decoder.decode(stderr));
  return decoder.decode(stdout);
}
