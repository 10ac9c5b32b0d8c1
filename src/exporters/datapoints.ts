/** Exports the Datapoints of every Version of a Dataset. */
import { datapointsList } from "../api/client.ts";
import { forEachConcurrent } from "../core/concurrency.ts";
import { prune } from "../tree/atomic_file.ts";
import { requests, Task } from "../core/work.ts";
import { exportPart, type FileContext } from "./context.ts";
import { exportList } from "./export_list.ts";

/** Versions of one Dataset to be read at once. */
const VERSIONS_AT_ONCE = 4;

/**
 * Exports the Datapoints.
 *
 * @param versionIds The Dataset's Versions.
 */
export async function exportDatapoints(
  context: FileContext,
  versionIds: readonly string[],
): Promise<void> {
  const { disk, file, paths, stop, work } = context;
  await prune(disk, paths.datapoints, withOld(versionIds));
  using task = new Task(work);
  task.expected(requests(versionIds.length));
  await forEachConcurrent(stop, VERSIONS_AT_ONCE, versionIds, async (id) => {
    // From here on the list speaks for itself.
    task.expected(requests(-1));
    const name = `datapoints/${id}` as const;
    const spec = datapointsList(file, id);
    await exportPart(context, name, async () => {
      await exportList(context, { name, kind: "datapoints", spec });
    });
  });
}

/** A list that is being read anew keeps its former chunks beside it. */
function withOld(names: readonly string[]): ReadonlySet<string> {
  return new Set(names.flatMap((name) => [name, `${name}.old`]));
}
