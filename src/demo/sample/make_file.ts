/** How the sample's Files and their Versions are made. */
import { raw } from "../raw_json.ts";
import { JOSE, makeId, MIRA, PRODUCTION, STAGING, timeAt } from "./parts.ts";

/** A record that is still a value. */
export type Value = Readonly<Record<string, unknown>>;

/** A File's Versions, newest first. */
export interface SampleFile {
  readonly id: string;
  readonly type: string;
  readonly path: string;
  readonly directoryId: string;
  readonly versions: readonly Value[];
  readonly logs: number;
}

/** The paths of the Directories, parents first; the root is the empty one. */
export const DIRECTORY_PATHS = [
  "",
  "Support",
  "Support/Triage",
  "Support/Tools",
  "Shared",
  "Shared/Evaluators",
  "Übersetzung 翻訳",
  "Archive (empty)",
] as const;

export const directoryId = (path: string): string => makeId("dir", path);

/** What a File is made from. */
export interface Draft {
  readonly type: string;
  readonly path: string;
  /** How many Versions. */
  readonly versions: number;
  readonly logs?: number;
  /** Fields of this type; `n` is the Version's number, from 1. */
  readonly fields: (n: number) => Value;
}

const PREFIXES: Readonly<Record<string, readonly [string, string]>> = {
  prompt: ["pr", "prv"],
  tool: ["tl", "tv"],
  dataset: ["ds", "dsv"],
  evaluator: ["ev", "evv"],
  flow: ["fl", "flv"],
  agent: ["ag", "agv"],
};

/** Makes a File: the newest Version in production, the one before in staging. */
export function makeFile(draft: Draft): SampleFile {
  const { type, path, logs = 0 } = draft;
  const [filePrefix, versionPrefix] = PREFIXES[type]!;
  const id = makeId(filePrefix, path);
  const name = path.slice(path.lastIndexOf("/") + 1);
  const directory = path.includes("/")
    ? path.slice(0, path.lastIndexOf("/"))
    : "";
  const versions = Array.from({ length: draft.versions }, (_, i) => {
    const n = draft.versions - i;
    const environments = [i === 0 ? PRODUCTION : null, i === 1 ? STAGING : null]
      .filter((one) => one !== null);
    return {
      path,
      id,
      directory_id: directoryId(directory),
      name,
      description: i === 0 ? `What ${name} is for` : null,
      readme: null,
      tags: ["sample", type],
      version_id: makeId(versionPrefix, `${path}#${n}`),
      type,
      environments,
      created_at: timeAt(n * 1440),
      updated_at: timeAt(n * 1440 + 5),
      created_by: n % 2 === 0 ? JOSE : MIRA,
      last_used_at: timeAt(200_000 + n),
      version_name: `v${n}`,
      version_description: n === 1 ? "first" : `change no. ${n}`,
      ...(type === "dataset" ? {} : {
        version_logs_count: Math.ceil(logs / draft.versions),
        total_logs_count: logs,
        inputs: [{ name: "ticket" }],
        evaluators: [],
        evaluator_aggregates: [],
      }),
      attributes: { git_sha: "9f1c2e7", build: raw("12345678901234567890") },
      ...draft.fields(n),
    };
  });
  return {
    id,
    type,
    path,
    directoryId: directoryId(directory),
    versions,
    logs,
  };
}
