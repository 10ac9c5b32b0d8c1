/** Counts the records on disk of a File whose counts are not known. */
import { type Counts, sumCounts } from "../core/observer.ts";
import type { Disk } from "../core/runtime.ts";
import {
  chunkNames,
  countLines,
  type OnProblem,
  type TreeFile,
} from "../tree/tree_reader.ts";
import { readDeployments } from "./read_file.ts";

/**
 * Counts the records of a File.
 *
 * @param onProblem Is called with what cannot be read, which counts nothing.
 */
export async function countRecords(
  disk: Disk,
  file: TreeFile,
  onProblem: OnProblem,
): Promise<Counts> {
  const { versions, logs, datapoints, evaluations } = file.shape;
  const linesIn = async (list: string, chunks: readonly number[]) => {
    let lines = 0;
    for (const path of chunkNames(file, list, chunks)) {
      const counted = await countLines(disk, file.dir, path);
      if (typeof counted === "number") lines += counted;
      else onProblem(counted);
    }
    return lines;
  };
  let counts: Counts = {
    versions: versions.length,
    deployments: (await readDeployments(disk, file, () => {})).length,
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
