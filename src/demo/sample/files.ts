/** Makes the sample's Files and their Versions, from `workspace.json`. */
import { makeId, timeAt } from "./parts.ts";
import records from "./records.json" with { type: "json" };
import { template } from "./template.ts";
import workspace from "./workspace.json" with { type: "json" };

type FileData = typeof workspace.files[number];

/** One Version, numbered from 1. */
export interface SampleVersion {
  readonly n: number;
  readonly id: string;
  readonly text: string;
}

/** A File with its Versions, newest first. */
export interface SampleFile extends Omit<FileData, "versions" | "logs"> {
  readonly id: string;
  readonly directoryId: string;
  readonly versions: readonly SampleVersion[];
  readonly logs: number;
}

const PREFIXES: Readonly<Record<string, readonly [string, string]>> = {
  prompt: ["pr", "prv"],
  tool: ["tl", "tv"],
  dataset: ["ds", "dsv"],
  evaluator: ["ev", "evv"],
  flow: ["fl", "flv"],
  agent: ["ag", "agv"],
};
const ENVIRONMENTS = workspace.environments.map(({ name, tag, minutes }) => ({
  id: makeId("env", name),
  created_at: timeAt(minutes),
  name,
  tag,
}));

/** Who made everything that José did not. */
export const [MIRA, JOSE] = workspace.users.map(({ key, email, name }) => ({
  id: makeId("usr", key),
  email_address: email,
  full_name: name,
}));

/** Makes a Directory's id, by its path. */
export const directoryId = (path: string): string => makeId("dir", path);

/** Splits a path at its last slash. */
export function splitPath(path: string): readonly [string, string] {
  const slash = path.lastIndexOf("/");
  return [path.slice(0, Math.max(0, slash)), path.slice(slash + 1)];
}

/** Every File, in the order of the list. */
export const FILES: readonly SampleFile[] = workspace.files.reduce(
  (made: readonly SampleFile[], data) => [...made, makeFile(data, made)],
  [],
);

const fileAt = (path: string) => FILES.find((file) => file.path === path)!;
export const CLASSIFIER = fileAt("Support/Triage/Ticket Classifier");
export const REPLY = fileAt("Support/Reply Writer");
export const TRANSLATOR = fileAt("Übersetzung 翻訳/Übersetzer");
export const LOOKUP = fileAt("Support/Tools/lookup_order");
export const GOLDEN = fileAt("Support/Golden tickets");
export const SMOKE = fileAt("Shared/Smoke test");
export const EXACT = fileAt("Shared/Evaluators/Exact label");
export const FLOW = fileAt("Support/Answer flow");
export const AGENT = fileAt("Support/Refund agent");
export const EVALUATORS = FILES.filter(({ type }) => type === "evaluator");

/** @param made The Files before it: an Agent's Versions hold a tool's. */
function makeFile(data: FileData, made: readonly SampleFile[]): SampleFile {
  const { type, path, logs = 0, versions: count } = data;
  const [filePrefix, versionPrefix] = PREFIXES[type]!;
  const [directory, name] = splitPath(path);
  const id = makeId(filePrefix, path);
  const tool = made.find((file) => file.type === "tool");
  const toolVersion = tool?.versions[0];
  const fill = template({
    ...records.version,
    ...(type !== "dataset" && records.counted),
    ...(data.system && {
      ...records.model,
      template: [{ role: "system", content: data.system }, records.user],
    }),
    ...records.versions[type as keyof typeof records.versions],
    ...(data.spec && { spec: { ...records.spec, ...data.spec } }),
  });
  const versions = Array.from({ length: count }, (_, i) => {
    const n = count - i;
    const versionId = makeId(versionPrefix, `${path}#${n}`);
    const text = fill({
      type,
      path,
      name,
      n,
      id: versionId,
      fileId: id,
      directoryId: directoryId(directory),
      description: i === 0 ? `What ${name} is for` : null,
      environments: data.unused ? null : ENVIRONMENTS.slice(i, i + 1),
      created: timeAt(n * 1440),
      updated: timeAt(n * 1440 + 5),
      used: timeAt(200_000 + n),
      user: n % 2 === 0 ? JOSE : MIRA,
      change: n === 1 ? "first" : `change no. ${n}`,
      versionLogs: Math.ceil(logs / count),
      logs,
      model: n > 2 ? "gpt-4o" : "gpt-4o-mini",
      temperature: n % 2 === 0 ? "0.20" : "1e-1",
      labels: n + 3,
      k: n + 4,
      datapoints: data.datapoints?.[n - 1],
      returns: data.returns,
      tool: toolVersion?.text,
      toolId: tool?.id,
      toolVersionId: toolVersion?.id,
    });
    return { n, id: versionId, text };
  });
  return { ...data, id, directoryId: directoryId(directory), versions, logs };
}
