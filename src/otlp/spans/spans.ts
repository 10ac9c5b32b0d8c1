/**
 * Makes the spans of a database: one for every Log, in the traces that
 * Humanloop had. Ids are derived from Humanloop's, so that a Log is the same
 * span whenever it is sent.
 */
import { hash } from "node:crypto";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { VERSION } from "../../core/runtime/version.ts";
import type { SqlRow } from "../../database/sqlite.ts";
import { Attributes, escapeUnsafe } from "./attributes.ts";
import { CONVENTIONS, writeFields } from "./fields.ts";
import { type LogFilter, logFilter, type SpanFilters } from "../filter.ts";
import {
  addJudgments,
  type Judgment,
  judgmentRecord,
  Judgments,
} from "./judgments.ts";
import {
  type LogJson,
  logJson,
  numberField,
  spelledFields,
  textField,
} from "./log_json.ts";
import type { Target } from "../targets.ts";
import { spanTimes } from "./times.ts";
import { type UnreadLog, unreadLogs } from "../unread.ts";
import { type Trace, TRACE_COLUMNS, Traces } from "./traces.ts";
import { Versions } from "./version_fields.ts";

export type { SpanFilters } from "../filter.ts";

/** One Log as a span of OTLP/JSON. */
export interface SpanRecord {
  /** 32 hexadecimal digits: the first 16 bytes of the SHA-256 of the root Log's id. */
  readonly traceId: string;
  /** 16 hexadecimal digits: the first 8 bytes of the SHA-256 of the Log's id. */
  readonly spanId: string;
  /** Humanloop's id, or else the Log's position in the export. */
  readonly logId: string;
  /** In nanoseconds since 1970; 0 if unknown. */
  readonly startTime: bigint;
  readonly endTime: bigint;
  /** The span as OTLP/JSON. */
  readonly json: string;
  /** Log records of `gen_ai.evaluation.result`, as OTLP/JSON. */
  readonly judgments: readonly string[];
  /** What is wrong with the Log; absent if nothing is. */
  readonly problem?: string;
}

/**
 * Reads every Log of a database once: traces in the order of their first Logs,
 * the spans of a trace together.
 *
 * @param database What `openDatabase` opened.
 */
export function* readSpans(
  database: DatabaseSync,
  filters: SpanFilters,
  target?: Target,
): Generator<SpanRecord> {
  const filter = logFilter(database, filters);
  const traces = new Traces(database, filter);
  const maker = new SpanMaker(database, traces, filter, target);
  for (const trace of traces.read()) {
    for (const number of trace.numbers) yield maker.span(number, trace);
  }
  for (const row of unreadLogs(database, filter)) yield maker.unreadSpan(row);
}

/** Ends the reading of spans after so many traces. */
export function* limitTraces(
  spans: Iterable<SpanRecord>,
  traces: number,
): Generator<SpanRecord> {
  let left = traces;
  let traceId = "";
  for (const span of spans) {
    if (span.traceId !== traceId) {
      if (left === 0) return;
      left--;
      ({ traceId } = span);
    }
    yield span;
  }
}

const RESOURCE =
  `{"attributes":[{"key":"service.name","value":{"stringValue":"humanloop"}}]}`;
const SCOPE = `{"name":"hl-export","version":${JSON.stringify(VERSION)},` +
  `"attributes":[{"key":"humanloop.conventions","value":{"stringValue":${
    JSON.stringify(CONVENTIONS)
  }}}]}`;

/** The beginning of every line of traces. */
export const TRACES_HEAD =
  `{"resourceSpans":[{"resource":${RESOURCE},"scopeSpans":[{"scope":`;
/** The beginning of every line of judgments. */
export const LOGS_HEAD =
  `{"resourceLogs":[{"resource":${RESOURCE},"scopeLogs":[{"scope":`;

/** Wraps spans as `TracesData`, in one line. */
export function tracesData(spans: readonly string[]): string {
  return `${TRACES_HEAD}${SCOPE},"spans":[${spans.join(",")}]}]}]}`;
}

/** Wraps judgments as `LogsData`, in one line. */
export function logsData(records: readonly string[]): string {
  return `${LOGS_HEAD}${SCOPE},"logRecords":[${records.join(",")}]}]}]}`;
}

/** Returns the id of the trace of a root Log. */
export function traceIdOf(rootId: string): string {
  return hash("sha256", rootId).slice(0, 32);
}

/** Returns the id of a Log's span. */
export function spanIdOf(logId: string): string {
  return hash("sha256", logId).slice(0, 16);
}

/** Makes spans of Logs. */
class SpanMaker {
  readonly #traces: Traces;
  readonly #filter: LogFilter;
  readonly #target: Target | undefined;
  readonly #judgments: Judgments;
  readonly #versions = new Versions();
  readonly #log: StatementSync;
  readonly #evaluationLogs: StatementSync;

  constructor(
    database: DatabaseSync,
    traces: Traces,
    filter: LogFilter,
    target: Target | undefined,
  ) {
    this.#traces = traces;
    this.#filter = filter;
    this.#target = target;
    this.#judgments = new Judgments(database);
    this.#log = database.prepare(
      `SELECT ${TRACE_COLUMNS}, parent_id, disk_path, disk_line, json
       FROM logs WHERE number = ?`,
    );
    this.#evaluationLogs = database.prepare(
      `SELECT evaluation_id, run_id, datapoint_id, json FROM evaluation_logs
       WHERE log_id = ?
       GROUP BY evaluation_id, run_id, datapoint_id, json ORDER BY min(rowid)`,
    );
  }

  /** Makes the span of a Log. */
  span(number: number, { rootId }: Trace): SpanRecord {
    const row = this.#log.get(number) as SqlRow;
    const id = row["id"] === null ? null : String(row["id"]);
    const position = `${row["disk_path"]}:${row["disk_line"]}`;
    const logId = id ?? position;
    const traceId = traceIdOf(rootId ?? logId);
    const parent = this.#parentOf(row, id, rootId);
    const judgments = [
      ...this.#judgments.of(row),
      // A Log without a Version may be an Evaluator's.
      ...id !== null && (row["type"] ?? "evaluator") === "evaluator"
        ? this.#judgments.ofMissing(id)
        : [],
    ];
    return this.#made({
      ...{ logId, traceId, log: logJson(String(row["json"])), judgments },
      ...{ parentId: parent.id, links: this.#linksOf(row, parent.linked) },
      more: (out) => {
        if (id === null) out.text("humanloop.position", position);
        if (parent.missing !== null) {
          out.text("humanloop.missing_parent", parent.missing);
        }
        if (id !== null) this.#addEvaluations(id, out);
      },
    });
  }

  /** Makes the span of a Log that could not be read. */
  unreadSpan({ key, position, reason, text, isJson }: UnreadLog): SpanRecord {
    const log: LogJson = isJson
      ? logJson(text)
      : { fields: new Map(), type: null };
    const span = this.#made({
      ...{ logId: key, traceId: traceIdOf(key), log, judgments: [] },
      ...{ parentId: null, links: [] },
      more: (out) => {
        out.text("humanloop.position", position);
        if (!isJson) out.text("humanloop.raw", text);
      },
    });
    return { ...span, problem: `${position} ${reason}` };
  }

  #made(made: {
    readonly logId: string;
    readonly traceId: string;
    readonly log: LogJson;
    readonly judgments: readonly Judgment[];
    readonly parentId: string | null;
    readonly links: readonly string[];
    readonly more: (out: Attributes) => void;
  }): SpanRecord {
    const { logId, traceId, log, judgments, parentId, links } = made;
    const { fields, type } = log;
    const { startTime, endTime, source } = spanTimes({
      start: textField(fields, "start_time"),
      end: textField(fields, "end_time"),
      created: textField(fields, "created_at"),
      latency: numberField(fields, "provider_latency"),
    });
    const out = new Attributes();
    out.text("humanloop.time_source", source);
    const version = type === null
      ? null
      : this.#versions.write(fields.get(type)!, type);
    writeFields({ ...log, version }, out);
    made.more(out);
    addJudgments(judgments, out);
    if (this.#target === "langfuse") addLangfuse(log, out);
    const spanId = spanIdOf(logId);
    const name = version?.spanName ?? "log";
    const isCall = type === "prompt";
    const parts = [
      `{"traceId":"${traceId}","spanId":"${spanId}"`,
      ...parentId === null ? [] : [`"parentSpanId":"${parentId}"`],
      `"name":${JSON.stringify(escapeUnsafe(name))},"kind":${isCall ? 3 : 1}`,
      `"startTimeUnixNano":"${startTime}","endTimeUnixNano":"${endTime}"`,
      `"attributes":${out.toJson()}`,
      ...links.length === 0 ? [] : [`"links":[${links.join(",")}]`],
      `"status":${statusOf(fields.get("error"))}}`,
    ];
    const span = { traceId, spanId, endTime };
    return {
      ...{ traceId, spanId, logId, startTime, endTime, json: parts.join(",") },
      judgments: judgments.map((one) => judgmentRecord(one, span)),
    };
  }

  /**
   * Finds the parent of a Log: the id of its span, if that is in the same
   * trace.
   */
  #parentOf(
    row: SqlRow,
    id: string | null,
    rootId: string | null,
  ): {
    readonly id: string | null;
    readonly missing: string | null;
    readonly linked: SqlRow | null;
  } {
    const none = { id: null, missing: null, linked: null };
    const parentId = row["trace_parent_id"];
    if (typeof parentId !== "string" || parentId === id) return none;
    const parent = this.#traces.log(parentId);
    if (parent === null || !this.#filter.wants(parent)) {
      return { ...none, missing: parentId };
    }
    if (this.#traces.rootIdOf(parent) !== rootId) {
      return { ...none, linked: parent };
    }
    // Makes one Log of a cycle of parents the root.
    return id === rootId ? none : { ...none, id: spanIdOf(parentId) };
  }

  /** Links the span of an Evaluator's Log to that of the Log that it judged. */
  #linksOf(row: SqlRow, parent: SqlRow | null): readonly string[] {
    const judgedId = row["parent_id"];
    const judged = typeof judgedId === "string"
      ? this.#traces.log(judgedId)
      : null;
    return [parent, judged].flatMap((one) => {
      const rootId = one === null ? null : this.#traces.rootIdOf(one);
      if (one === null || rootId === null) return [];
      const [traceId, spanId] = [
        traceIdOf(rootId),
        spanIdOf(String(one["id"])),
      ];
      return [`{"traceId":"${traceId}","spanId":"${spanId}"}`];
    });
  }

  #addEvaluations(id: string, out: Attributes): void {
    const rows = this.#evaluationLogs.all(id) as SqlRow[];
    if (rows.length === 0) return;
    const idsOf = (column: string) =>
      rows.map((row) => row[column] ?? null)
        .filter((one) => one !== null).map(String);
    for (
      const [column, name] of [
        ["evaluation_id", "humanloop.evaluation.id"],
        ["run_id", "humanloop.run.id"],
        ["datapoint_id", "humanloop.datapoint.id"],
      ] as const
    ) {
      const ids = idsOf(column);
      if (ids.length > 0) out.texts(name, ids);
    }
    const records = rows.map((row) => {
      const rest = [...spelledFields(String(row["json"]))]
        .filter(([name]) => name !== "log" && name !== "evaluator_logs")
        .map(([name, json]) => `,${JSON.stringify(name)}:${json}`);
      const evaluation = JSON.stringify(row["evaluation_id"]);
      return `{"evaluation_id":${evaluation}${rest.join("")}}`;
    });
    out.text("humanloop.evaluation_logs", `[${records.join(",")}]`);
  }
}

/** Writes the status of a span, from the Log's error. */
function statusOf(error: string | undefined): string {
  if (error === undefined || error === '""') return "{}";
  const message = error[0] === '"' ? JSON.parse(error) : error;
  return `{"message":${JSON.stringify(escapeUnsafe(message))},"code":2}`;
}

/**
 * Adds the attributes that Langfuse looks at first: otherwise it takes any
 * whose name begins with `gen_ai.prompt` for the input.
 */
function addLangfuse({ fields }: LogJson, out: Attributes): void {
  const input = fields.get("messages") ?? fields.get("inputs");
  const output = fields.get("output_message") ?? fields.get("output");
  const add = (name: string, json: string | undefined) => {
    if (json === undefined) return;
    if (json[0] === '"') out.spelledText(name, json);
    else out.text(name, json);
  };
  add("langfuse.observation.input", input);
  add("langfuse.observation.output", output);
}
