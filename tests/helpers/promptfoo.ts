/** Runs promptfoo, where it is installed. */
import { join } from "@std/path";
import { shell, withTool } from "./shell.ts";

const VERSION = "0.120.19";

/** A test that was evaluated. */
export interface Evaluated {
  readonly promptIdx: number;
  readonly success: boolean;
  readonly error?: string;
  readonly response?: { readonly output: string };
  readonly vars: Readonly<Record<string, string>>;
  readonly prompt: { readonly label: string };
  readonly provider: { readonly label: string };
  readonly testCase: { readonly metadata: Readonly<Record<string, string>> };
}

/**
 * Registers a test that needs promptfoo; if there is none, its name says so.
 */
export function withPromptfoo(name: string, fn: () => Promise<void>): void {
  withTool("promptfoo", name, fn, `npm install -g promptfoo@${VERSION}`);
}

/**
 * Evaluates a configuration; nothing is sent anywhere, and nothing kept.
 *
 * @param config Its path, below `dir`.
 * @throws {Error} When promptfoo writes no result.
 */
export async function evaluate(
  dir: string,
  config: string,
): Promise<readonly Evaluated[]> {
  const { out, err } = await shell(
    `promptfoo eval -c '${config}' --no-cache --no-table -o result.json`,
    dir,
    {
      PROMPTFOO_DISABLE_TELEMETRY: "1",
      PROMPTFOO_DISABLE_UPDATE: "1",
      PROMPTFOO_DISABLE_REMOTE_GENERATION: "1",
      PROMPTFOO_CONFIG_DIR: join(dir, "promptfoo"),
    },
  );
  const read = () => Deno.readTextFile(join(dir, "result.json"));
  const result = await read().catch(() => {
    throw new Error(`promptfoo wrote nothing: ${out}${err}`);
  });
  return JSON.parse(result).results.results;
}
