/**
 * Inserts the records of an export into the tables, in the order in which they
 * are read. Logs within Logs follow (`nested.ts`), when all lists are read.
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { isObject } from "../core/text/json.ts";
import type { RecordKind } from "../core/observer.ts";
import type {
  TreeDocument,
  TreeExport,
  TreeFile,
  TreeItem,
  TreeLine,
  TreeProblem,
} from "../tree/read/tree_reader.ts";
import { documentRow } from "./document_row.ts";
import { elementSlices } from "./json_slices.ts";
import {
  type Around,
  type Fields,
  hasNested,
  judgmentValues,
  LOG_COLUMNS,
  logValues,
  object,
  storable,
  text,
  versionOf,
} from "./log_fields.ts";
import { SEARCHED } from "./schema.ts";
import { searchTexts } from "./search_text.ts";
import type { SqlValue } from "./sqlite.ts";

/** The position of a record. */
export interface Position {
  /** The number of the export. */
  readonly number: number;
  readonly path: string;
  /** `null` for a document. */
  readonly line: number | null;
}

/** A row of the table `problems`. */
export interface ProblemRow {
  readonly kind: string;
  readonly table?: string;
  readonly column?: string;
  readonly value?: string | null;
  readonly rows?: number;
  readonly reason: string;
  readonly position?: Position;
  readonly text?: string | null;
}

/** What a judgment belongs to. */
export interface Judged {
  readonly logId: string | null;
  /** The number of that Log; `null` if unknown. */
  readonly log: number | null;
  readonly evaluationId: string | null;
  readonly runId: string | null;
}

/** Why a record has no row of its own. */
export const TWICE = "stands elsewhere too; the first is in the table";
const POSITION = ["export", "disk_path", "disk_line"];

/** The tables of a database that is being built. */
export class Loader {
  readonly #statements = new Map<string, StatementSync>();
  readonly #insertLog: StatementSync;
  readonly #insertText: StatementSync | null;
  readonly #insertNested: StatementSync;
  #logs = 0;

  constructor(
    readonly database: DatabaseSync,
    { fullText }: { readonly fullText: boolean },
  ) {
    database.exec("CREATE TEMP TABLE nested(log INTEGER PRIMARY KEY)");
    this.#insertLog = this.#prepare("logs", [
      ...["number", ...LOG_COLUMNS, ...POSITION, "json"],
    ]);
    this.#insertText = fullText
      ? this.#prepare("logs_fts", ["rowid", ...SEARCHED])
      : null;
    this.#insertNested = database.prepare("INSERT INTO nested VALUES (?)");
  }

  #prepare(
    table: string,
    columns: readonly string[],
    more = "",
  ): StatementSync {
    return this.database.prepare(
      `INSERT INTO ${table}(${columns.map((one) => `"${one}"`).join(", ")})
       VALUES (${columns.map(() => "?").join(", ")}) ${more}`,
    );
  }

  /** Inserts a row of a small table; returns whether it was new. */
  insert(table: string, row: Readonly<Record<string, SqlValue>>): boolean {
    const columns = Object.keys(row);
    let statement = this.#statements.get(table);
    if (statement === undefined) {
      statement = this.#prepare(table, columns, "ON CONFLICT DO NOTHING");
      this.#statements.set(table, statement);
    }
    return Number(statement.run(...Object.values(row)).changes) > 0;
  }

  /** Adds a row to the problems. */
  problem({ position, kind, reason, text = null, ...given }: ProblemRow): void {
    const { number = null, path = null, line = null } = position ?? {};
    this.insert("problems", {
      ...{ kind, reason, table: null, column: null, value: null, rows: 1 },
      ...{ text: text === null ? null : storable(text), ...given },
      ...{ export: number, disk_path: path, disk_line: line },
    });
  }

  /** Adds what the reader could not read. */
  treeProblem(number: number, problem: TreeProblem): void {
    const { cause, path, line, reason, text } = problem;
    const position = { number, path, line };
    this.problem({ kind: cause, reason, position, text });
  }

  /** Adds the row of an export. */
  addExport(number: number, tree: TreeExport, fingerprint: string): void {
    const { dir, prefix, manifest, fileIds, problems } = tree;
    const settings = manifest?.settings;
    this.insert("export", {
      number,
      dir,
      prefix,
      tool: manifest?.tool ?? null,
      version: manifest?.version ?? null,
      state: manifest?.state ?? null,
      started_at: manifest?.startedAt ?? null,
      updated_at: manifest?.updatedAt ?? null,
      api_url: settings?.apiUrl ?? null,
      directory_id: settings?.directoryId ?? null,
      with_logs: settings ? Number(settings.logs) : null,
      cutoff: settings?.cutoff ?? null,
      filters: settings ? JSON.stringify(settings.filters) : null,
      files: fileIds.length,
      gaps: JSON.stringify(manifest?.gaps ?? []),
      fingerprint,
    });
    for (const problem of problems) this.treeProblem(number, problem);
  }

  /** Adds a document, or lines of a chunk, of a File. */
  add(number: number, file: TreeFile, part: TreeItem): void {
    const { item } = part;
    if (item.kind === "problem") {
      // Every Evaluation and File has a row, even if its document is missing.
      this.#document(number, file, part, null);
      if (!isAbsentByRight(file, item)) this.treeProblem(number, item);
    } else if (item.kind === "document") {
      this.#document(number, file, part, item);
    } else {
      const { path } = item;
      for (const line of item.lines) {
        const position = { number, path, line: line.number };
        this.#line(file.id, part, line, position);
      }
    }
  }

  #document(
    number: number,
    file: TreeFile,
    part: TreeItem,
    document: TreeDocument | null,
  ): void {
    const path = document?.path ?? part.item.path;
    const onDisk = { export: number, disk_path: path };
    const json = document?.text ?? null;
    if (document !== null && part.part === "deployments") {
      return this.#deployments(file.id, document, onDisk);
    }
    const fields = isObject(document?.value) ? document.value : {};
    const twice = (table: string, value: string) =>
      this.problem({
        ...{ kind: "twice", table, value, text: json, reason: TWICE },
        position: { number, path, line: null },
      });
    if (part.part === "stats") {
      if (json === null) return;
      const { evaluationId: id } = part;
      const { changes } = this.database.prepare(
        `UPDATE evaluations SET stats = ?, status = ?
         WHERE id = ? AND file_id = ? AND export = ?`,
      ).run(json, text(fields, "status"), id, file.id, number);
      if (Number(changes) === 0) twice("evaluations", id);
      return;
    }
    const row = documentRow(file, part, fields);
    if (row === null || json === null && !row.isKept) return;
    const { table, key, columns } = row;
    if (!this.insert(table, { ...columns, json, ...onDisk })) twice(table, key);
  }

  #deployments(
    fileId: string,
    { text: json, value }: TreeDocument,
    onDisk: Readonly<Record<string, SqlValue>>,
  ): void {
    if (!Array.isArray(value)) return;
    const slices = elementSlices(json, 0);
    value.forEach((one, i) => {
      const { from, to } = slices[i]!;
      this.insert("deployments", {
        file_id: fileId,
        version_id: text(one, "version_id"),
        environment_id: text(one, "environment_id"),
        environment_name: text(one, "environment_name"),
        environment_tag: text(one, "environment_tag"),
        json: json.slice(from, to),
        ...onDisk,
      });
    });
  }

  #line(
    fileId: string,
    part: TreeItem,
    line: TreeLine,
    position: Position,
  ): void {
    const { text: json, value } = line;
    if (part.part === "logs") this.addLog(json, value, { fileId }, position);
    else if (part.part === "datapoints") {
      this.insert("datapoints", {
        file_id: fileId,
        version_id: part.versionId,
        id: text(value, "id"),
        json,
        ...positionValues(position),
      });
    } else if (part.part === "evaluationLogs") {
      this.insert("evaluation_logs", {
        evaluation_id: part.evaluationId,
        run_id: text(value, "run_id"),
        datapoint_id: text(object(value, "datapoint"), "id"),
        log_id: text(object(value, "log"), "id"),
        json,
        ...positionValues(position),
      });
    }
  }

  /**
   * Adds a Log.
   *
   * @returns Its number.
   */
  addLog(
    json: string,
    log: Fields,
    around: Around,
    position: Position,
  ): number {
    const number = ++this.#logs;
    this.#insertLog.run(
      number,
      ...logValues(log, around),
      position.number,
      position.path,
      position.line,
      json,
    );
    if (this.#insertText !== null) {
      const { inputs, messages, output, error, metadata, words } = searchTexts(
        log,
      );
      this.#insertText
        .run(number, inputs, messages, output, error, metadata, words);
    }
    if (around.fileId === null) return number;
    if (hasNested(log)) this.#insertNested.run(number);
    if (isObject(log["evaluator"])) {
      const logId = text(log, "parent_id");
      const nothing = { log: null, evaluationId: null, runId: null };
      this.addJudgment(log, { logId, ...nothing }, position);
    }
    return number;
  }

  /** Removes a Log that is there twice from the full-text index. */
  forgetText(number: number, log: Fields): void {
    if (this.#insertText === null) return;
    const texts = searchTexts(log);
    this.database.prepare(
      `INSERT INTO logs_fts(logs_fts, rowid, ${SEARCHED.join(", ")})
       VALUES ('delete', ?, ${SEARCHED.map(() => "?").join(", ")})`,
    ).run(number, ...SEARCHED.map((column) => texts[column]));
  }

  /** Adds the judgment in an Evaluator's Log. */
  addJudgment(log: Fields, judged: Judged, position: Position): void {
    const [type, judgment, number] = judgmentValues(log);
    const { version = null } = versionOf(log) ?? {};
    this.insert("judgments", {
      evaluator_log_id: text(log, "id"),
      log_id: judged.logId,
      log: judged.log,
      evaluator_id: text(version, "id"),
      evaluator_version_id: text(version, "version_id"),
      evaluation_id: judged.evaluationId,
      run_id: judged.runId,
      type,
      judgment,
      number,
      error: text(log, "error"),
      created_at: text(log, "created_at"),
      ...positionValues(position),
    });
  }
}

function positionValues(
  { number, path, line }: Position,
): Readonly<Record<string, SqlValue>> {
  return { export: number, disk_path: path, disk_line: line };
}

/**
 * Checks whether a document may be missing: the official script writes no
 * `deployments.json` for a File without Versions.
 */
function isAbsentByRight(file: TreeFile, problem: TreeProblem): boolean {
  return problem.cause === "missing" &&
    problem.path.endsWith("/deployments.json") &&
    file.shape.versions.length === 0;
}

/** How the records of each part of a File are counted. */
export const KINDS: Readonly<Record<TreeItem["part"], RecordKind | null>> = {
  file: null,
  deployments: "deployments",
  logs: "logs",
  version: "versions",
  datapoints: "datapoints",
  evaluation: "evaluations",
  stats: null,
  evaluationLogs: "evaluationLogs",
  run: "runs",
};

/**
 * Counts the records in an item of a File, including those that cannot be read.
 */
export function recordsIn({ part, item }: TreeItem): number {
  if (KINDS[part] === null) return 0;
  if (item.kind === "lines") return item.lines.length;
  if (item.kind === "document") {
    if (part !== "deployments") return 1;
    return Array.isArray(item.value) ? item.value.length : 0;
  }
  if (item.line !== null) return item.cause === "unterminated" ? 0 : 1;
  const isDocument = ["version", "evaluation", "run"].includes(part);
  return isDocument && item.cause !== "missing" ? 1 : 0;
}
