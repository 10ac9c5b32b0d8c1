/** Runs programs of this machine that tests call, by `sh`. */

/** The exit code of a script, and what it printed. */
export interface ShellResult {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/**
 * Runs a script.
 *
 * @param env Variables of its environment besides those of the tests.
 */
export async function shell(
  script: string,
  cwd = ".",
  env: Readonly<Record<string, string>> = {},
): Promise<ShellResult> {
  const { code, stdout, stderr } = await new Deno.Command("sh", {
    args: ["-c", script],
    cwd,
    env: { LC_ALL: "C.UTF-8", ...env },
  }).output();
  const decoder = new TextDecoder();
  return { code, out: decoder.decode(stdout), err: decoder.decode(stderr) };
}

/**
 * Registers a test that needs a program; if there is none, its name says so.
 *
 * @param install The command that installs it.
 */
export function withTool(
  tool: string,
  name: string,
  fn: () => Promise<void>,
  install?: string,
): void {
  const { success } = new Deno.Command("sh", {
    args: ["-c", `command -v ${tool}`],
    stdout: "null",
  }).outputSync();
  const how = install === undefined ? "" : ` (${install})`;
  const skipped = `SKIPPED, FOR ${tool} IS NOT INSTALLED${how}: `;
  Deno.test({
    name: success ? name : skipped + name,
    ignore: !success,
    fn,
  });
}
