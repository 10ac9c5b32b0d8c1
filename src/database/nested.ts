/**
 * Inserts the Logs within other records into the tables, each as it is spelled
 * there: trace children, Evaluators' Logs, judged Logs, the Logs of
 * Evaluations. One that has a row from its own list keeps that.
 */
import type { StatementSync } from "node:sqlite";
import { isObject } from "../core/text/json.ts";
import { elementSlices, memberSlices } from "./json_slices.ts";
import type { Judged, Loader, Position } from "./load.ts";
import { type Fields, hasNested, text, type TraceOf } from "./log_fields.ts";
import type { SqlRow } from "./sqlite.ts";

/** Keys that are read at once. */
const BATCH = 200;

/** A Log within a record, and how it relates to that. */
interface Inner {
  readonly json: string;
  readonly log: Fields;
  readonly position: Position;
  readonly trace: TraceOf | null;
  readonly judged: Judged | null;
  readonly evaluationId: string | null;
  readonly runId: string | null;
}

/**
 * Adds the Logs within Logs, and those of Evaluations.
 *
 * @param pause Awaited between batches; what it throws ends the work.
 */
export async function addNested(
  loader: Loader,
  pause: () => Promise<void>,
): Promise<void> {
  const nested = new NestedLogs(loader);
  const { database } = loader;
  // Reads many keys at once but records one by one, since a record may be
  // large.
  const work = [
    {
      keys: "SELECT rowid AS key FROM evaluation_logs WHERE rowid > ?",
      record: "SELECT * FROM evaluation_logs WHERE rowid = ?",
      add: (row: SqlRow) => nested.addEvaluationLog(row),
    },
    {
      keys: "SELECT log AS key FROM nested WHERE log > ?",
      record: `SELECT number, json, export, disk_path, disk_line FROM logs
        WHERE number = ?`,
      add: (row: SqlRow) => nested.addWithin(row),
    },
  ];
  for (const { keys, record, add } of work) {
    const read = database.prepare(record);
    const next = database.prepare(`${keys} ORDER BY 1 LIMIT ${BATCH}`);
    for (let last = 0;;) {
      const rows = next.all(last);
      for (const { key } of rows) add(read.get(key!) as SqlRow);
      await pause();
      if (rows.length === 0) break;
      last = Number(rows.at(-1)!["key"]);
    }
  }
  database.exec(`UPDATE judgments SET
    log = (SELECT number FROM logs WHERE logs.id = judgments.log_id)
    WHERE log IS NULL AND log_id IS NOT NULL`);
}

class NestedLogs {
  readonly #known: StatementSync;
  readonly #setTrace: StatementSync;
  readonly #setRun: StatementSync;
  readonly #setJudged: StatementSync;
  readonly #judged: StatementSync;

  constructor(readonly loader: Loader) {
    const { database } = loader;
    this.#known = database.prepare("SELECT number FROM logs WHERE id = ?");
    this.#setTrace = database.prepare(`UPDATE logs SET
      trace_id = coalesce(trace_id, ?),
      trace_parent_id = coalesce(trace_parent_id, ?) WHERE number = ?`);
    this.#setRun = database.prepare(`UPDATE OR IGNORE judgments SET
      log_id = ?2, log = ?3, evaluation_id = ?4, run_id = ?5
      WHERE evaluator_log_id = ?1 AND run_id IS NULL
      AND (log_id IS NULL OR log_id = ?2)`);
    this.#setJudged = database.prepare(`UPDATE judgments SET
      log_id = ?2, log = ?3 WHERE evaluator_log_id = ?1 AND log_id IS NULL`);
    this.#judged = database.prepare(
      "SELECT 1 AS n FROM judgments WHERE evaluator_log_id = ? LIMIT 1",
    );
  }

  /** Adds the Logs within a Log of a list. */
  addWithin(row: SqlRow): void {
    const json = String(row["json"]);
    const log: Fields = JSON.parse(json);
    const inner = {
      ...{ json, log, position: positionOf(row) },
      ...{ trace: null, judged: null, evaluationId: null, runId: null },
    };
    // A Log that stands in two lists is the one that keeps its row.
    const number = this.#numberOf(text(log, "id")) ?? Number(row["number"]);
    this.#addAll(this.#within(inner, number));
  }

  /** Adds the Log of an Evaluation, and its judgments. */
  addEvaluationLog(row: SqlRow): void {
    const json = String(row["json"]);
    const record: Fields = JSON.parse(json);
    const members = memberSlices(json, 0);
    const position = positionOf(row);
    const evaluationId = String(row["evaluation_id"]);
    const runId = text(record, "run_id");
    const around = { position, trace: null, evaluationId, runId };
    const { log } = record;
    const slice = members.get("log");
    if (isObject(log) && slice !== undefined) {
      const own = json.slice(slice.from, slice.to);
      this.#addAll([{ ...around, json: own, log, judged: null }]);
    }
    const logId = text(row, "log_id");
    const judged = { logId, log: this.#numberOf(logId), evaluationId, runId };
    this.#addAll(
      elementsOf(json, record, "evaluator_logs", members)
        .map((one) => ({ ...around, ...one, judged })),
    );
  }

  #numberOf(id: string | null): number | null {
    const row = id === null ? undefined : this.#known.get(id);
    return row === undefined ? null : Number(row["number"]);
  }

  #addAll(inner: readonly Inner[]): void {
    const rest = [...inner];
    for (let one = rest.pop(); one !== undefined; one = rest.pop()) {
      const number = this.#add(one);
      rest.push(...this.#within(one, number));
    }
  }

  /** Adds a Log, unless it has a row; returns its number. */
  #add({ json, log, position, trace, judged }: Inner): number | null {
    const { loader } = this;
    const id = text(log, "id");
    let number = this.#numberOf(id);
    if (id === null) {
      const reason = "is within another record and has no id";
      loader.problem({
        ...{ kind: "noId", table: "logs", column: "id", reason, position },
        text: json,
      });
    } else if (number === null) {
      number = loader.addLog(json, log, { fileId: null, trace }, position);
    } else if (trace !== null) {
      this.#setTrace.run(trace.id, trace.parentId, number);
    }
    if (judged !== null || isObject(log["evaluator"])) {
      this.#addJudgment(log, id, position, judged);
    }
    return number;
  }

  /** Adds a judgment, once for each Run that it counts in. */
  #addJudgment(
    log: Fields,
    id: string | null,
    position: Position,
    judged: Judged | null,
  ): void {
    const of = judged ?? {
      ...{ logId: text(log, "parent_id"), log: null },
      ...{ evaluationId: null, runId: null },
    };
    const { logId, log: number, evaluationId, runId } = of;
    if (runId !== null) {
      const { changes } = this.#setRun
        .run(id, logId, number, evaluationId, runId);
      if (Number(changes) === 0) this.loader.addJudgment(log, of, position);
    } else if (id === null || this.#judged.get(id) === undefined) {
      this.loader.addJudgment(log, of, position);
    } else this.#setJudged.run(id, logId, number);
  }

  /** Reads the Logs within one, one level down. */
  #within(inner: Inner, number: number | null): readonly Inner[] {
    const { json, log, position, evaluationId, runId } = inner;
    if (!hasNested(log)) return [];
    const members = memberSlices(json, 0);
    const id = text(log, "id");
    const around = { position, evaluationId, runId };
    const traceId = inner.trace?.id ?? text(log, "trace_id") ?? id;
    const trace = id === null || traceId === null
      ? null
      : { id: traceId, parentId: id };
    const judged = { logId: id, log: number, evaluationId, runId };
    const children = elementsOf(json, log, "trace_children", members)
      .map((one) => ({ ...around, ...one, trace, judged: null }));
    if (children.length > 0 && number !== null && traceId === id) {
      this.#setTrace.run(id, null, number);
    }
    const judgments = elementsOf(json, log, "evaluator_logs", members)
      .map((one) => ({ ...around, ...one, trace: null, judged }));
    const { parent } = log;
    const slice = members.get("parent");
    const parents = isObject(parent) && slice !== undefined
      ? [{
        ...{ ...around, trace: null, judged: null, log: parent },
        json: json.slice(slice.from, slice.to),
      }]
      : [];
    return [...children, ...judgments, ...parents];
  }
}

/** Reads the objects of an array within a record, and their spelling. */
function elementsOf(
  json: string,
  record: Fields,
  name: string,
  members: ReturnType<typeof memberSlices>,
): readonly Pick<Inner, "json" | "log">[] {
  const values = record[name];
  const slice = members.get(name);
  if (!Array.isArray(values) || values.length === 0 || !slice) return [];
  const slices = elementSlices(json, slice.from);
  return values.flatMap((log, i) => {
    const { from, to } = slices[i]!;
    return isObject(log) ? [{ log, json: json.slice(from, to) }] : [];
  });
}

function positionOf(row: SqlRow): Position {
  return {
    number: Number(row["export"]),
    path: String(row["disk_path"]),
    line: Number(row["disk_line"]),
  };
}
