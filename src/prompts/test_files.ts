/** Finds which Dataset goes with which Prompt, in a database of exports. */
import type { DatabaseSync } from "node:sqlite";

/** A file of tests, made from a Dataset. */
export interface TestFile {
  /** The Dataset's id. */
  readonly fileId: string;
  readonly versionId: string;
  /** The Dataset's Humanloop path. */
  readonly path: string;
  /** Below the chosen directory, with `/` between names. */
  readonly file: string;
}

/** Finds the files that go with a Prompt, by its id and its inputs. */
export type FindTests = (
  promptId: string,
  inputs: readonly string[],
) => readonly TestFile[];

/**
 * Finds the tests of a Prompt: the Datasets of Runs that evaluated it or, if
 * there are none, those that have all of its inputs.
 */
export function testFinder(
  database: DatabaseSync,
  files: readonly TestFile[],
): FindTests {
  const evaluated = database.prepare(
    `SELECT DISTINCT dataset_id AS id FROM runs
     WHERE file_id = ? AND dataset_id IS NOT NULL`,
  );
  const named = database.prepare(
    `SELECT DISTINCT i.key FROM datapoints d,
       json_each(CASE WHEN json_valid(d.json) THEN d.json END, '$.inputs') i
     WHERE d.file_id = ? AND d.version_id = ?`,
  );
  const inputsOf = new Map(files.map(({ fileId, versionId, file }) => [
    file,
    new Set(named.all(fileId, versionId).map(({ key }) => String(key))),
  ]));
  return (promptId, inputs) => {
    const ids = evaluated.all(promptId).map(({ id }) => id);
    const used = files.filter(({ fileId }) => ids.includes(fileId));
    if (used.length > 0 || inputs.length === 0) return used;
    return files.filter(({ file }) =>
      inputs.every((input) => inputsOf.get(file)!.has(input))
    );
  };
}
