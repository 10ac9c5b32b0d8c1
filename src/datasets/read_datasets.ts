/** Reads Datasets from the database: Versions, Datapoints one by one, what is missing. */
import type { DatabaseSync } from "node:sqlite";
import { type Gap, gapText, joinGaps } from "../core/gap.ts";
import { all, first, type SqlRow } from "../database/sqlite.ts";
import {
  type Datapoint,
  type DatasetVersion,
  members,
  readDatapoint,
} from "./datapoint.ts";

/** A Dataset of the database. */
export interface Dataset {
  readonly id: string;
  /** Its Humanloop path. */
  readonly path: string;
  readonly versions: readonly StoredVersion[];
  /** The Version that is deployed by default; `null` if none is. */
  readonly deployedId: string | null;
  /** Whether it is complete in the export. */
  readonly isComplete: boolean;
}

/** A Version, and where its Datapoints are. */
export interface StoredVersion extends DatasetVersion {
  /** Whether its document is in the export. */
  readonly isThere: boolean;
  /** How many Datapoints its document says that it has. */
  readonly stated: number | null;
  /** First and last row of each run of its Datapoints in the table. */
  readonly runs: readonly (readonly [first: number, last: number])[];
}

/** Something that the database says is missing or cannot be read. */
export interface DatasetProblem {
  /** The Dataset; `null` if it concerns none in particular. */
  readonly fileId: string | null;
  /** In words, with its path. */
  readonly text: string;
  /** Whether something of the export is not in the files. */
  readonly isLoss: boolean;
}

type Runs = ReadonlyMap<string, StoredVersion["runs"]>;

/** Reads all Datasets, by their paths, with all of their Versions. */
export function readDatasets(database: DatabaseSync): readonly Dataset[] {
  const runs = readRuns(database);
  const ids = new Set(runs.keys());
  const files = all(
    database,
    `SELECT id, path, name, state, type = 'dataset' OR id IN (
       SELECT file_id FROM versions WHERE type = 'dataset') AS is_dataset
     FROM files ORDER BY path, id`,
  );
  return files.filter(({ id, is_dataset }) =>
    is_dataset === 1 || ids.has(String(id))
  ).map((row) => {
    const id = String(row["id"]);
    const path = String(row["path"] ?? row["name"] ?? id);
    return {
      ...{ id, path, isComplete: row["state"] === "complete" },
      versions: readVersions(database, id, path, runs.get(id) ?? new Map()),
      deployedId: deployedId(database, id),
    };
  });
}

/** Counts the rows of Datapoints that belong to no Version. */
export function countUnreached(
  database: DatabaseSync,
  datasets: readonly Dataset[],
): number {
  const row = first(database, "SELECT count(*) AS n FROM datapoints");
  return datasets.flatMap(({ versions }) => versions)
    .flatMap(({ runs }) => runs)
    .reduce((rest, [from, to]) => rest - (to - from + 1), Number(row?.["n"]));
}

/**
 * Finds the rows of each Version's Datapoints, in one pass through the table.
 */
function readRuns(database: DatabaseSync): ReadonlyMap<string, Runs> {
  const files = new Map<string, Map<string, (readonly [number, number])[]>>();
  const statement = database.prepare(
    "SELECT rowid AS row, file_id, version_id FROM datapoints ORDER BY rowid",
  );
  let open = { file: "", version: "", first: 0, last: -1 };
  const close = () => {
    const { file, version, first, last } = open;
    if (last < 0) return;
    const versions = files.get(file) ?? new Map();
    files.set(file, versions);
    versions.set(version, [...versions.get(version) ?? [], [first, last]]);
  };
  for (const { row, file_id, version_id } of statement.iterate()) {
    const [at, file, version] = [Number(row), String(file_id), version_id];
    if (file === open.file && version === open.version) open.last = at;
    else {
      close();
      open = { file, version: String(version), first: at, last: at };
    }
  }
  close();
  return files;
}

function readVersions(
  database: DatabaseSync,
  fileId: string,
  path: string,
  runs: Runs,
): readonly StoredVersion[] {
  const rows = all(
    database,
    `SELECT version_id, name, created_at, json FROM versions
     WHERE file_id = ? ORDER BY created_at, version_id`,
    [fileId],
  );
  const known = new Set(rows.map((row) => String(row["version_id"])));
  const unknown = [...runs.keys()].filter((id) => !known.has(id));
  const nothing = { version_id: "", name: null, created_at: null, json: null };
  return [
    ...rows,
    ...unknown.map((id): SqlRow => ({ ...nothing, version_id: id })),
  ].map((row) => {
    const id = String(row["version_id"]);
    const values = new Map(members(String(row["json"] ?? "{}").trimStart()));
    const stated = values.get("datapoints_count") ?? "null";
    return {
      ...{ fileId, path, id, isThere: row["json"] !== null },
      name: row["name"] as string | null,
      createdAt: row["created_at"] as string | null,
      attributes: oneLine(values.get("attributes") ?? "null"),
      stated: /^\d+$/.test(stated) ? Number(stated) : null,
      runs: runs.get(id) ?? [],
    };
  });
}

/** Removes line breaks, which JSON has only between tokens. */
function oneLine(json: string): string {
  return json.replace(/[\r\n]/g, " ");
}

function deployedId(database: DatabaseSync, fileId: string): string | null {
  const row = first(
    database,
    `SELECT version_id FROM deployments
     WHERE file_id = ? AND environment_tag = 'default'`,
    [fileId],
  );
  return row?.["version_id"] as string | null ?? null;
}

/** Reads the Datapoints of Versions, each once. */
export class DatapointReader {
  readonly #database: DatabaseSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  /**
   * Reads a Version's Datapoints in the order of the export. One that is there
   * twice, such as in exports that overlap, is read once, unless its contents
   * differ.
   *
   * @param onDouble Called for each that has the id of another before it.
   */
  *read(
    { fileId, id, runs }: StoredVersion,
    onDouble: () => void = () => {},
  ): Generator<Datapoint, void> {
    const hasDoubles = first(
      this.#database,
      `SELECT 1 FROM datapoints INDEXED BY datapoints_key
       WHERE file_id = ? AND version_id = ? AND id IS NOT NULL
       GROUP BY id HAVING count(*) > 1 LIMIT 1`,
      [fileId, id],
    ) !== null;
    const rows = this.#database.prepare(
      `SELECT rowid AS row, id, json FROM datapoints
       WHERE rowid BETWEEN ? AND ? ORDER BY rowid`,
    );
    const before = this.#database.prepare(
      `SELECT count(*) AS n, ifnull(sum(json = ?), 0) AS same FROM datapoints
       WHERE file_id = ? AND version_id = ? AND id = ? AND rowid < ?`,
    );
    for (const [from, to] of runs) {
      for (const { row, id: datapoint, json } of rows.iterate(from, to)) {
        if (hasDoubles && datapoint !== null) {
          const { n, same } = before.get(json!, fileId, id, datapoint!, row!)!;
          if (Number(same) > 0) continue;
          if (Number(n) > 0) onDouble();
        }
        yield readDatapoint(String(json).trimStart());
      }
    }
  }
}

/** Problems by which nothing is lost. */
const HARMLESS: ReadonlySet<string> = new Set(["twice"]);

/**
 * Lists what the export lacks of its Datasets, as far as the database knows.
 *
 * @param paths The Datasets' paths by their ids.
 */
export function readProblems(
  database: DatabaseSync,
  paths: ReadonlyMap<string, string>,
): readonly DatasetProblem[] {
  const problems: DatasetProblem[] = [];
  for (const { dir, state, gaps } of all(database, "SELECT * FROM export")) {
    for (const gap of joinGaps(JSON.parse(String(gaps)) as Gap[])) {
      const { fileId, part } = gap;
      const isOther = fileId !== null && !paths.has(fileId) ||
        /^(logs|evaluations)\b/.test(part);
      if (isOther) continue;
      problems.push({ fileId, text: `${dir} ${gapText(gap)}`, isLoss: true });
    }
    if (state === "running" || state === "interrupted") {
      const text =
        `${dir} is not complete: Datasets that its run did not reach are missing; resume it first`;
      problems.push({ fileId: null, text, isLoss: true });
    }
  }
  const rows = all(
    database,
    `SELECT kind, reason, value, e.dir, disk_path AS path,
       min(disk_line) AS line, sum(rows) AS rows
     FROM problems p LEFT JOIN export e ON e.number = p.export
     WHERE kind <> 'dangling'
     GROUP BY kind, reason, value, e.dir, disk_path ORDER BY p.rowid`,
  );
  for (const row of rows) {
    const path = String(row["path"] ?? "");
    const [, id = null, below = ""] = /^files\/([^/]+)\/?(.*)$/.exec(path) ??
      [];
    const isOther = id !== null && !paths.has(id) ||
      /^(logs|evaluations)\b/.test(below);
    if (isOther) continue;
    const { dir, line, rows: count, reason, kind } = row;
    const at = line === null ? "" : ` line ${line}`;
    const more = Number(count) > 1 && line !== null
      ? ` (and ${Number(count) - 1} more there)`
      : "";
    problems.push({
      fileId: id,
      text: `${dir}/${path}${at} ${reason}${more}`,
      isLoss: !HARMLESS.has(String(kind)),
    });
  }
  return problems;
}
