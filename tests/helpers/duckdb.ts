/** Asks DuckDB, a tool of the tests only, with a lock of its own: no user downloads it. */
import { runWithPackages } from "./npm_package.ts";

const PACKAGE = "npm:@duckdb/node-api@1.5.6-r.1";
const at = (name: string) => new URL(name, import.meta.url);

/** A row of an answer whose columns are texts. */
export type DuckDbRow = Readonly<Record<string, string | null>>;

/**
 * Asks DuckDB, in a process and a database of its own.
 *
 * @returns The rows of each question.
 * @throws {Error} When it cannot be loaded, or a question fails.
 */
export async function askDuckDb(
  questions: readonly string[],
): Promise<readonly (readonly DuckDbRow[])[]> {
  const text = await runWithPackages({
    script: at("duckdb_reader.ts"),
    lock: at("duckdb.lock"),
    args: [PACKAGE],
    input: JSON.stringify(questions),
  });
  return JSON.parse(text);
}

const reason: string | null = await askDuckDb(["SELECT 1"])
  .then(() => null, (error) => error.message);

/**
 * Registers a test that uses DuckDB; if it cannot be loaded, its name says so.
 */
export function withDuckDb(name: string, fn: () => Promise<void>): void {
  const skipped = reason === null
    ? ""
    : `SKIPPED, FOR DUCKDB CANNOT BE LOADED (${reason.split("\n")[0]}): `;
  Deno.test({ name: skipped + name, ignore: reason !== null, fn });
}
