/** Exports the Datapoints of every Version of a Dataset. */
import { datapointsList } from "../../api/client.ts";
import { forEachConcurrent } from "../../core/concurrency.ts";
import { exportPart, type FileContext } from "../context.ts";
import { setAsideOthers } from "./documents.ts";
import { exportList } from "../list/export_list.ts";

/** How many Versions of one Dataset are read at once. */
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
  const { file, paths, stop } = context;
  const ids = new Set(versionIds);
  await setAsideOthers(context, "datapoints", paths.datapoints, ids);
  await forEachConcurrent(stop, VERSIONS_AT_ONCE, versionIds, async (id) => {
    const spec = datapointsList(file, id);
    await exportPart(context, spec.part, async () => {
      await exportList(context, { kind: "datapoints", spec });
    });
  });
}
