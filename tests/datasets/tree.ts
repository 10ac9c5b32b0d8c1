/** Exports of Datasets on the real disk, written by hand. */
import { dirname, join } from "@std/path";

/** Texts by path. */
export type Texts = Readonly<Record<string, string>>;

/** A Dataset of one Version, complete. */
export interface SmallDataset {
  readonly id: string;
  readonly path: string;
  /** Versions with the lines of their Datapoints, oldest first. */
  readonly versions: Readonly<Record<string, readonly string[]>>;
  readonly deployed?: string;
  /** How many Datapoints each Version says that it has; by default as many as it has. */
  readonly stated?: number;
  readonly attributes?: string;
}

/** Makes the files of a Dataset. */
export function datasetTree(
  { id, path, versions, deployed, stated, attributes = "null" }: SmallDataset,
): Texts {
  const root = `files/${id}`;
  const base = `"id":"${id}","path":${JSON.stringify(path)},"type":"dataset"`;
  const entries = Object.entries(versions);
  const points = entries.reduce((sum, [, lines]) => sum + lines.length, 0);
  const counts = {
    versions: entries.length,
    ...points > 0 && { datapoints: points },
    ...deployed !== undefined && { deployments: 1 },
  };
  const deployment = {
    version_id: deployed,
    environment_id: "env_1",
    environment_name: "production",
    environment_tag: "default",
  };
  return {
    [`${root}/file.json`]: `{${base}}`,
    [`${root}/deployments.json`]: JSON.stringify(
      deployed === undefined ? [] : [deployment],
    ),
    [`${root}/.done`]: JSON.stringify({ logs: false, counts }) + "\n",
    ...Object.fromEntries(entries.flatMap(([versionId, lines], i) => [
      [
        `${root}/versions/${versionId}`,
        `{${base},"version_id":"${versionId}","version_name":"v${i + 1}",` +
        `"created_at":"2025-01-0${i + 1}","attributes":${attributes},` +
        `"datapoints_count":${stated ?? lines.length}}`,
      ],
      ...lines.length === 0 ? [] : [[
        `${root}/datapoints/${versionId}/1.jsonl`,
        lines.map((line) => `${line}\n`).join(""),
      ]],
    ])),
  };
}

/** Writes files below a directory. */
export async function writeTexts(root: string, texts: Texts): Promise<void> {
  for (const [name, text] of Object.entries(texts)) {
    await Deno.mkdir(dirname(join(root, name)), { recursive: true });
    await Deno.writeTextFile(join(root, name), text);
  }
}
