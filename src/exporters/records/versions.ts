/** Exports a File's Versions, and from them its Deployments. */
import type { VersionInfo } from "../../api/client.ts";
import { writeJson } from "../../tree/json_file.ts";
import type { FileContext } from "../context.ts";
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
 * @throws {ApiError | NetworkError | ProtocolError} When they cannot be
 * fetched.
 */
export async function exportVersions(
  context: FileContext,
): Promise<readonly string[]> {
  const { client, disk, sums, paths, report, progress, file } = context;
  const records = await client.versions(file);
  const ids = await writeDocuments(context, {
    part: "versions",
    kind: "versions",
    dir: paths.versions,
    records,
  });
  // A Dataset has few lists, and a run without Logs has no others.
  if (!context.logs || file.type === "dataset") progress.allKnown();
  for (const { info: { id, environments } } of records) {
    if (environments !== null) continue;
    const reason =
      `the Environments of ${id} have an unknown shape; versions/${id} holds them as the API sent them`;
    report.addGap("deployments.json", reason);
  }
  const deployments = deploymentsOf(records.map(({ info }) => info));
  await writeJson(disk, paths.deployments, deployments, sums);
  report.count("deployments", deployments.length);
  return ids;
}

/** Makes what `deployments.json` holds. */
export function deploymentsOf(
  versions: readonly VersionInfo[],
): readonly Deployment[] {
  return versions.flatMap(({ id, environments }) =>
    (environments ?? []).map((environment) => ({
      version_id: id,
      environment_id: environment.id,
      environment_name: environment.name,
      environment_tag: environment.tag,
    }))
  );
}
