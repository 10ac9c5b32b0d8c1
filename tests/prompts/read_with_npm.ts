/** Asks packages of npm what they read, where they can be loaded. */
import { fromFileUrl } from "@std/path";
import type { Questions } from "./npm_reader.ts";

/** Tools of these tests, with a lock of their own: the program has nothing of them. */
const PACKAGES = ["npm:yaml@2.8.1", "npm:promptl-ai@0.12.0"];
const here = (name: string) => fromFileUrl(new URL(name, import.meta.url));

/** What they answer, in the order of the questions. */
export interface Answers {
  /** Integers are bigints. */
  readonly yaml: readonly unknown[];
  readonly promptl: ReadonlyArray<{
    readonly messages: readonly Readonly<Record<string, unknown>>[];
    readonly config: Readonly<Record<string, unknown>>;
  }>;
}

/** Asks them. */
export async function askPackages(
  { yaml = [], promptl = [] }: Partial<Questions>,
): Promise<Answers> {
  await using child = new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--quiet", "--no-prompt", "--no-config", "-A", "--frozen"],
      ...[`--lock=${here("npm_reader.lock")}`, here("npm_reader.ts")],
      ...PACKAGES,
    ],
    env: { NO_COLOR: "1" },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const questions = new Blob([JSON.stringify({ yaml, promptl })]);
  const [{ success, stdout, stderr }] = await Promise.all([
    child.output(),
    questions.stream().pipeTo(child.stdin).catch(() => {}),
  ]);
  const decoder = new TextDecoder();
  if (!success) throw new Error(decoder.decode(stderr));
  return JSON.parse(
    decoder.decode(stdout),
    (_, value) =>
      typeof value?.integer === "string" ? BigInt(value.integer) : value,
  );
}

const reason = await askPackages({}).then(() => null, (error) => error.message);

/** Whether the packages can be loaded. */
export const hasPackages = reason === null;
/** What the name of a test begins with that needs them. */
export const skipped = reason === null
  ? ""
  : `SKIPPED, FOR ${PACKAGES.join(" AND ")} CANNOT BE LOADED (${
    reason.split("\n")[0]
  }): `;
