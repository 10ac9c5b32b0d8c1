/** Counts what lies on disk of a File whose counts nothing tells. */
import { join } from "@std/path";
import { type Counts, sumCounts } from "../core/observer.ts";
import { filesBelow } from "../tree/checksums.ts";
import { chunkPath, type FileLayout } from "../tree/layout.ts";
import { shapeOf } from "../tree/file_shape.ts";
import { readLines } from "../verify/lines.ts";
import type { Disk } from "../core/runtime.ts";
import { readDeployments } from "./read_file.ts";

/**
 * Counts the records of a File.
 *
 * @throws {StorageError} When the disk refuses.
 */
export async function countRecords(
  disk: Disk,
  paths: FileLayout,
): Promise<Counts> {
  const { versions, logs, datapoints, evaluations } = shapeOf(
    await filesBelow(disk, paths.root),
  );
  const linesIn = async (dir: string, chunks: readonly number[]) => {
    let lines = 0;
    for (const chunk of chunks) {
      const path = chunkPath(join(paths.root, dir), chunk);
      await readLines(disk, path, () => void lines++);
    }
    return lines;
  };
  let counts: Counts = {
    versions: versions.length,
    deployments: (await readDeployments(disk, paths)).length,
    evaluations: evaluations.size,
    logs: await linesIn("logs", logs),
  };
  for (const [id, { runs, logs }] of evaluations) {
    const evaluationLogs = await linesIn(`evaluations/${id}/logs`, logs);
    const more = { runs: runs.length, evaluationLogs };
    counts = sumCounts([counts, more]);
  }
  for (const [id, chunks] of datapoints) {
    const more = { datapoints: await linesIn(`datapoints/${id}`, chunks) };
    counts = sumCounts([counts, more]);
  }
  return sumCounts([counts]);
}
