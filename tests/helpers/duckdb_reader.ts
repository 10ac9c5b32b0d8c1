/**
 * Asks DuckDB, in a process of its own: it is native code, and no part of the program.
 * Reads questions as JSON, and prints the rows of each. Argument: the package.
 */
interface DuckDb {
  readonly DuckDBInstance: {
    create(path: string): Promise<{
      connect(): Promise<{
        runAndReadAll(
          sql: string,
        ): Promise<{ getRowObjectsJson(): readonly unknown[] }>;
      }>;
    }>;
  };
}

const [name = ""] = Deno.args;
const questions: readonly string[] = JSON.parse(
  await new Response(Deno.stdin.readable).text(),
);
const { DuckDBInstance }: DuckDb = await import(name);
const instance = await DuckDBInstance.create(":memory:");
const connection = await instance.connect();
const answers = [];
for (const sql of questions) {
  answers.push((await connection.runAndReadAll(sql)).getRowObjectsJson());
}
await Deno.stdout.write(new TextEncoder().encode(JSON.stringify(answers)));
