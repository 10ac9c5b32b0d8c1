/** Exports a File's Versions, and from them its Deployments. */
import type { VersionInfo } from "../api/client.ts";
import type { RawRecord } from "../api/records.ts";
import { oneRequest } from "../core/work.ts";
import { writeJson } from "../tree/json_file.ts";
import type { FileContext } from "./context.ts";
import { writeDocuments } from "./documents.ts";

/** One element of `deployments.json`, as the official script spells it. */
interface Deployment {
  readonly "version_id": string;
  readonly "environment_id": unknown;
  readonly "environment_name": unknown;
  readonly "environment_tag": unknown;
}

/**
 * Exports the Versions.
 *
 * @returns The ids of those that are on disk.
 * @throws {ApiError | NetworkError | ProtocolError} When they cannot be had.
 */
export async function exportVersions(
  context: FileContext,
): Promise<readonly string[]> {
  const { client, disk, paths, report, work } = context;
  const records = await oneRequest(
    work,
    () => client.versions(context.file),
  );
  // Of a Dataset the lists are few, and of a run without Logs there are no more.
  if (!context.logs || context.file.type === "dataset") work.known();
  const ids = await writeDocuments(context, {
    part: "versions",
    kind: "versions",
    dir: paths.versions,
    records,
  });
  const deployments = deploymentsOf(records);
  await writeJson(disk, paths.deployments, deployments);
  report.add("deployments", deployments.length);
  return ids;
}

function deploymentsOf(
  versions: readonly RawRecord<VersionInfo>[],
): readonly Deployment[] {
  return versions.flatMap(({ info }) =>
    info.environments.map(({ id, name, tag }) => ({
      version_id: info.id,
      environment_id: id,
      environment_name: name,
      environment_tag: tag,
    }))
  );
}
