/** Counts what lies on disk of a File whose counts nothing tells. */
import { join } from "@std/path";
import { type Counts, sumCounts } from "../observer.ts";
import { parseJson } from "../tree/json_file.ts";
import type { FileLayout } from "../tree/layout.ts";
import { listDir, onDisk, readFile } from "../tree/storage.ts";
import type { Disk } from "../world.ts";

const NEWLINE = 0x0a;

/**
 * Counts the records of a File.
 *
 * @throws {StorageError} When the disk refuses.
 */
export async function countRecords(
  disk: Disk,
  paths: FileLayout,
): Promise<Counts> {
  const namesIn = async (dir: string) =>
    (await listDir(disk, dir) ?? []).map(({ name }) => name);
  const linesIn = async (dir: string) => {
    let lines = 0;
    for (const name of await namesIn(dir)) {
      if (name.endsWith(".jsonl")) {
        lines += await countLines(disk, join(dir, name));
      }
    }
    return lines;
  };
  const deployments = parseJson(await readFile(disk, paths.deployments));
  const evaluations = await namesIn(paths.evaluations);
  let counts: Counts = {
    versions: (await namesIn(paths.versions)).length,
    deployments: Array.isArray(deployments) ? deployments.length : 0,
    evaluations: evaluations.length,
    logs: await linesIn(paths.list("logs")),
  };
  for (const id of evaluations) {
    const runs = (await namesIn(paths.evaluation(id).runs)).length;
    const evaluationLogs = await linesIn(paths.list(`evaluations/${id}/logs`));
    counts = sumCounts([counts, { runs, evaluationLogs }]);
  }
  for (const id of await namesIn(paths.datapoints)) {
    const datapoints = await linesIn(paths.list(`datapoints/${id}`));
    counts = sumCounts([counts, { datapoints }]);
  }
  return sumCounts([counts]);
}

/** The lines of a file, a last one without an end too. */
async function countLines(disk: Disk, path: string): Promise<number> {
  return await onDisk(`read ${path}`, async () => {
    const file = await disk.open(path, { read: true });
    let lines = 0;
    let last = NEWLINE;
    for await (const part of file.readable) {
      for (let at = part.indexOf(NEWLINE); at !== -1;) {
        lines++;
        at = part.indexOf(NEWLINE, at + 1);
      }
      last = part.at(-1) ?? last;
    }
    return last === NEWLINE ? lines : lines + 1;
  });
}
