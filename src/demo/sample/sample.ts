/**
 * Makes the sample workspace of the demo from the JSON files beside it:
 * `workspace.json` lists its content, `kinds.json` defines the Files of each
 * type, `records.json` what all have in common.
 */
import type { DemoDirectory, DemoFile, Workspace } from "../workspace.ts";
import { type Scope, valueOf } from "./expression.ts";
import kinds from "./kinds.json" with { type: "json" };
import records from "./records.json" with { type: "json" };
import { mapValues, scopeOf } from "./template.ts";
import workspace from "./workspace.json" with { type: "json" };

/** A File of the sample. */
export interface SampleFile extends DemoFile {
  readonly path: string;
}

const { files, ...content } = workspace;
const ALL = scopeOf({ ...records, ...content });
// Fills these once, not for each record.
for (const name of Object.keys(content)) valueOf(ALL, name);
const SCOPES = mapValues(files, (file): Scope => {
  const kind = kinds[file.type as keyof typeof kinds];
  return scopeOf({ ...kind, ...file }, ALL);
});
ALL.files = SCOPES;
const FILES = mapValues(SCOPES, (scope): SampleFile => {
  const { datapoints, ...file } = valueOf(scope, "file") as
    & Omit<SampleFile, "datapoints">
    & { readonly datapoints: [] };
  return { ...file, datapoints: new Map(datapoints) };
});

/** Files that other code refers to. */
export const {
  classifier: CLASSIFIER,
  lookup: LOOKUP,
  golden: GOLDEN,
  smoke: SMOKE,
  flow: FLOW,
  agent: AGENT,
} = FILES as Record<keyof typeof files, SampleFile>;

/** Makes the sample workspace; always the same one. */
export function sampleWorkspace(): Workspace {
  const directories = valueOf(ALL, "directoryRecords") as DemoDirectory[];
  return { directories, files: Object.values(FILES) };
}
