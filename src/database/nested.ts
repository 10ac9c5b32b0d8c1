/**
 * Puts the Logs that stand within other records into the tables, each as it is
 * spelled there: trace children, Evaluators' Logs, what an Evaluator judged, the Logs of
 * Evaluations. One that has a row already, from its own list, keeps it.
 */
import type { StatementSync } from "node:sqlite";
import { isObject } from "../core/json.ts";
import { elementSlices, memberSlices } from "./json_slices.ts";
import type { Judged, Loader, Position } from "./load.ts";
import { type Fields, text } from "./log_fields.ts";
import { all, type SqlRow } from "./sqlite.ts";

/** Rows that are read at once. */
const BATCH = 200;

/** A Log within a record, and what it is to what is around it. */
interface Inner {
  readonly json: string;
  readonly log: Fields;
  readonly position: Position;
  /** The trace that it is in by where it stands. */
  readonly trace: { readonly id: string; readonly parentId: string } | null;
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
  const logs = `SELECT l.number AS key, l.id, l.trace_id, l.json, l.export,
    l.disk_path, l.disk_line
    FROM nested n JOIN logs l ON l.number = n.log
    WHERE n.log > ? ORDER BY n.log LIMIT ${BATCH}`;
  const evaluations = `SELECT rowid AS key, * FROM evaluation_logs
    WHERE rowid > ? ORDER BY rowid LIMIT ${BATCH}`;
  const work = [
    [evaluations, (row: SqlRow) => nested.addEvaluationLog(row)],
    [logs, (row: SqlRow) => nested.addWithin(row)],
  ] as const;
  for (const [sql, add] of work) {
    let last: number | null = 0;
    while (last !== null) {
      const rows = all(database, sql, [last]);
      for (const row of rows) add(row);
      last = rows.length === 0 ? null : Number(rows.at(-1)!["key"]);
      await pause();
    }
  }
  database.exec(`UPDATE judgments SET
    log = (SELECT number FROM logs WHERE logs.id = judgments.log_id)
    WHERE log IS NULL AND log_id IS NOT NULL`);
}

class NestedLogs {
  readonly #known: StatementSync;
  readonly #setTrace: StatementSync;
  readonly #setJudged: StatementSync;

  constructor(readonly loader: Loader) {
    const { database } = loader;
    this.#known = database.prepare("SELECT number FROM logs WHERE id = ?");
    this.#setTrace = database.prepare(`UPDATE logs SET
      trace_id = coalesce(trace_id, ?),
      trace_parent_id = coalesce(trace_parent_id, ?) WHERE number = ?`);
    this.#setJudged = database.prepare(`UPDATE judgments SET
      log_id = coalesce(log_id, ?), log = coalesce(log, ?),
      evaluation_id = coalesce(evaluation_id, ?), run_id = coalesce(run_id, ?)
      WHERE evaluator_log_id = ?`);
  }

  /** Adds what stands within a Log of a list. */
  addWithin(row: SqlRow): void {
    const json = String(row["json"]);
    const inner = {
      ...{ json, log: JSON.parse(json), position: positionOf(row) },
      ...{ trace: null, judged: null, evaluationId: null, runId: null },
    };
    this.#addAll(this.#within(inner, Number(row["key"])));
  }

  /** Adds the Log of an Evaluation, and what was judged of it. */
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

  /** Adds one Log, where it has no row; its number. */
  #add({ json, log, position, trace, judged }: Inner): number | null {
    const { loader } = this;
    const id = text(log, "id");
    let number = this.#numberOf(id);
    if (id === null) {
      const reason = "stands within another record and has no id";
      loader.problem({
        ...{ kind: "noId", table: "logs", column: "id", reason, position },
        text: json,
      });
    } else number ??= loader.addLog(json, log, null, position);
    if (trace !== null && number !== null) {
      this.#setTrace.run(trace.id, trace.parentId, number);
    }
    const isJudgment = judged !== null || isObject(log["evaluator"]);
    if (isJudgment) {
      const of = judged ?? {
        ...{ logId: text(log, "parent_id"), log: null },
        ...{ evaluationId: null, runId: null },
      };
      loader.addJudgment(log, of, position);
      const { logId, log: judgedLog, evaluationId, runId } = of;
      this.#setJudged.run(logId, judgedLog, evaluationId, runId, id);
    }
    return number;
  }

  /** The Logs within one, one level down. */
  #within(inner: Inner, number: number | null): readonly Inner[] {
    const { json, log, position, evaluationId, runId } = inner;
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

/** The objects of an array within a record, and how they are spelled. */
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
