/** Programs of this machine that tests call, by `sh`. */

/** What a script came to. */
export interface ShellResult {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs a script. */
export async function shell(
  script: string,
  cwd = ".",
): Promise<ShellResult> {
  const { code, stdout, stderr } = await new Deno.Command("sh", {
    args: ["-c", script],
    cwd,
    env: { LC_ALL: "C.UTF-8" },
  }).output();
  const decoder = new TextDecoder();
  return { code, out: decoder.decode(stdout), err: decoder.decode(stderr) };
}

/** A test that needs a program; where there is none, its name says so. */
export function withTool(
  tool: string,
  name: string,
  fn: () => Promise<void>,
): void {
  const { success } = new Deno.Command("sh", {
    args: ["-c", `command -v ${tool}`],
    stdout: "null",
  }).outputSync();
  const skipped = `SKIPPED, FOR ${tool} IS NOT INSTALLED: `;
  Deno.test({
    name: success ? name : skipped + name,
    ignore: !success,
    fn,
  });
}
