/**
 * Reads where a File's Versions are deployed, and names their files by that.
 */
import { isObject } from "../core/text/json.ts";
import type { Disk } from "../core/runtime/runtime.ts";
import {
  type OnProblem,
  problemOf,
  readDocument,
  type TreeFile,
} from "../tree/read/tree_reader.ts";
import { namesInDirectory } from "./names.ts";

/** A Version that is deployed to an environment. */
export interface Deployment {
  readonly versionId: string;
  /** The environment's name. */
  readonly environment: string;
  /** Whether it is the one for calls that name no environment. */
  readonly isDefault: boolean;
}

/**
 * Reads the Deployments of a File.
 *
 * @param onProblem Called where they cannot be read.
 */
export async function readDeployments(
  disk: Disk,
  { dir, id, names }: TreeFile,
  onProblem: OnProblem,
): Promise<readonly Deployment[]> {
  const path = `files/${id}/deployments.json`;
  if (!names.has("deployments.json")) {
    onProblem(problemOf(dir, path, "missing", "is missing"));
    return [];
  }
  const item = await readDocument(disk, dir, path);
  if (item.kind === "problem") onProblem(item);
  const rows = item.kind === "document" && Array.isArray(item.value)
    ? item.value
    : [];
  return rows.flatMap((row: unknown) => {
    const { version_id, environment_name, environment_id, environment_tag } =
      isObject(row) ? row : {};
    if (typeof version_id !== "string") return [];
    return [{
      versionId: version_id,
      environment: String(environment_name ?? environment_id),
      isDefault: environment_tag === "default",
    }];
  });
}

/**
 * Names the files of deployed Versions: that of the default environment gets no
 * suffix, each other its environments' names. If no environment is the default,
 * the only Version, or else the File's own, gets no suffix.
 *
 * @returns The suffix of the File's path, for each Version.
 */
export function deployedNames(
  deployments: readonly Deployment[],
  defaultVersion: string | null,
): ReadonlyMap<string, string> {
  const byVersion = Map.groupBy(deployments, ({ versionId }) => versionId);
  const [only] = byVersion.size === 1 ? byVersion.keys() : [defaultVersion];
  const plain = deployments.find(({ isDefault }) => isDefault)?.versionId ??
    only;
  const safe = namesInDirectory(
    new Set(deployments.map(({ environment }) => environment)),
  );
  return new Map(
    [...byVersion].map(([versionId, of]) => {
      const [{ environment }] = of.toSorted((a, b) =>
        a.environment < b.environment ? -1 : 1
      ) as [Deployment];
      const at = `@${safe.get(environment)}`;
      return [versionId, versionId === plain ? "" : at];
    }),
  );
}
