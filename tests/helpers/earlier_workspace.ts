/**
 * The workspace that the exports in `tests/e2e/earlier/` are of. It never
 * changes: what version 0.1.0 wrote of it is kept there.
 */
import type {
  DemoFile,
  Sequence,
  Workspace,
} from "../../src/demo/workspace.ts";

/** More Logs than are read without time windows. */
export const LONG_ID = "pr_long";
export const SHORT_ID = "pr_short";
export const DATASET_ID = "ds_points";

const NEWEST_MS = Date.UTC(2025, 4, 30);

/** Makes Logs, newest first, one a minute. */
function logsOf(length: number): Sequence {
  const createdMs = (i: number) => NEWEST_MS - i * 60_000;
  return {
    length,
    createdMs,
    at: (i) => {
      if (i < 0 || i >= length) return undefined;
      const time = new Date(createdMs(i)).toISOString().slice(0, -1);
      return `{"id":"log_${i}","created_at":"${time}"}`;
    },
  };
}

const ENVIRONMENTS =
  `[{"id":"en_1","name":"production","tag":"default","created_at":"2025-01-01T00:00:00"}]`;

function makeFile(type: string, id: string, logs: Sequence): DemoFile {
  const version = (n: number, environments: string) =>
    `{"path":"Work/${id}","id":"${id}","directory_id":"dir_work","name":"${id}","version_id":"${id}_v${n}","type":"${type}","environments":${environments},"n":1.0}`;
  return {
    id,
    type,
    directoryId: "dir_work",
    text: version(2, ENVIRONMENTS),
    versions: [
      { id: `${id}_v2`, text: version(2, ENVIRONMENTS) },
      { id: `${id}_v1`, text: version(1, "[]") },
    ],
    logs,
    bareLogs: logs,
    evaluations: type === "dataset" ? [] : [{
      id: `evr_${id}`,
      text: `{"id":"evr_${id}","status":"completed"}`,
      stats: `{"overall_stats":{"score":0.50}}`,
      runs: [{ id: `run_${id}`, text: `{"id":"run_${id}"}` }],
      logs: logRecords(
        7,
        (i) => `{"run_id":"run_${id}","log":{"id":"e_${i}"}}`,
      ),
    }],
    datapoints: new Map(
      type === "dataset"
        ? [1, 2].map((n) => [
          `${id}_v${n}`,
          logRecords(1_100 * n, (i) => `{"id":"dp_${i}"}`),
        ])
        : [],
    ),
  };
}

function logRecords(length: number, make: (i: number) => string): Sequence {
  return {
    length,
    at: (i) => i >= 0 && i < length ? make(i) : undefined,
  };
}

/** Makes the workspace. */
export function earlierWorkspace(): Workspace {
  const directory = (id: string, parentId: string | null, path: string) => ({
    id,
    parentId,
    path,
    text: JSON.stringify({ id, parent_id: parentId, name: path, path }),
  });
  return {
    directories: [
      directory("dir_root", null, ""),
      directory("dir_work", "dir_root", "Work"),
    ],
    files: [
      makeFile("prompt", LONG_ID, logsOf(21_500)),
      makeFile("prompt", SHORT_ID, logsOf(2_300)),
      makeFile("dataset", DATASET_ID, logsOf(0)),
    ],
  };
}

/** Records of a list: the first, and the one after the last. */
export interface KeptRecords {
  /** The directory of the list. */
  readonly list: string;
  readonly from: number;
  readonly to: number;
}

/** A file of a kept export: its text, or the records that it holds. */
export type KeptFile = string | readonly KeptRecords[];

/** Returns the records of a list of the workspace, by its directory in an export. */
export function recordsOf(workspace: Workspace, dir: string): Sequence {
  const [, id, list = "", part] =
    /^files\/([^/]+)\/(\w+)(?:\/([^/]+))?/.exec(dir) ?? [];
  const file = workspace.files.find((one) => one.id === id)!;
  if (list === "datapoints") return file.datapoints.get(part!)!;
  if (list === "evaluations") {
    return file.evaluations.find((one) => one.id === part)!.logs;
  }
  return file.logs;
}

/** Returns what a kept file holds. */
export function textOfKept(workspace: Workspace, kept: KeptFile): string {
  if (typeof kept === "string") return kept;
  let text = "";
  for (const { list, from, to } of kept) {
    const records = recordsOf(workspace, list);
    for (let i = from; i < to; i++) text += `${records.at(i)!}\n`;
  }
  return text;
}
