/** Asks packages of npm what they read, where they can be loaded. */
import { runWithPackages } from "../helpers/npm_package.ts";
import type { Questions } from "./npm_reader.ts";

/** Tools of these tests, with a lock of their own: the program has nothing of them. */
const PACKAGES = ["npm:yaml@2.8.1", "npm:promptl-ai@0.12.0"];
const at = (name: string) => new URL(name, import.meta.url);

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
  const text = await runWithPackages({
    script: at("npm_reader.ts"),
    lock: at("npm_reader.lock"),
    args: PACKAGES,
    input: JSON.stringify({ yaml, promptl }),
  });
  return JSON.parse(
    text,
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
