/** Writes what Evaluators said of a Log: as attributes of its span, and as events. */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { isObject } from "../../core/text/json.ts";
import { object, text } from "../../database/log_fields.ts";
import type { SqlRow } from "../../database/sqlite.ts";
import { Attributes } from "./attributes.ts";
import { nanoseconds } from "./times.ts";

/** The name of the event that a judgment is. */
const EVENT = "gen_ai.evaluation.result";

/** A judgment, in the words of the conventions. */
export interface Judgment {
  readonly name: string | null;
  readonly score: number | null;
  readonly label: string | null;
  readonly explanation: string | null;
  readonly annotatorKind: string | null;
  readonly row: SqlRow;
}

const KINDS: Readonly<Record<string, string>> = {
  human: "HUMAN",
  llm: "LLM",
  python: "CODE",
};

const COLUMNS = `SELECT judgments.evaluator_log_id, judgments.log_id,
  judgments.evaluator_id, judgments.evaluator_version_id,
  judgments.evaluation_id, judgments.run_id, judgments.type,
  judgments.judgment, judgments.number, judgments.error, judgments.created_at,
  files.path AS path FROM judgments
  LEFT JOIN files ON files.id = judgments.evaluator_id`;

/** Reads the judgments of a database. */
export class Judgments {
  readonly #ofLog: StatementSync;
  readonly #ofNumber: StatementSync;
  readonly #ofNone: StatementSync;
  readonly #log: StatementSync;

  constructor(database: DatabaseSync) {
    const order = "ORDER BY judgments.rowid";
    this.#ofLog = database.prepare(
      `${COLUMNS} WHERE judgments.log_id = ? ${order}`,
    );
    this.#ofNumber = database.prepare(
      `${COLUMNS} WHERE judgments.log_id IS NULL AND judgments.log = ? ${order}`,
    );
    this.#ofNone = database.prepare(
      `${COLUMNS} WHERE judgments.evaluator_log_id = ? AND judgments.log IS NULL
       ${order}`,
    );
    this.#log = database.prepare("SELECT json FROM logs WHERE id = ?");
  }

  /** Returns the judgments of a Log. */
  of(row: SqlRow): readonly Judgment[] {
    const { id = null, number = null } = row;
    const rows = id === null ? this.#ofNumber.all(number) : this.#ofLog.all(id);
    return (rows as SqlRow[]).map((one) => this.#judgment(one));
  }

  /**
   * Returns the judgment in an Evaluator's Log of a Log that is not in the
   * database.
   */
  ofMissing(evaluatorLogId: string): readonly Judgment[] {
    const rows = this.#ofNone.all(evaluatorLogId) as SqlRow[];
    return rows.map((one) => this.#judgment(one));
  }

  #judgment(row: SqlRow): Judgment {
    const { evaluator_log_id: id = null, type, judgment = null, number } = row;
    const logRow = id === null ? undefined : this.#log.get(id);
    const log: unknown = logRow === undefined
      ? null
      : JSON.parse(String(logRow["json"]));
    const evaluator = object(log, "evaluator");
    const score = typeof number === "number" ? number : null;
    const said = judgment === null ? null : String(judgment);
    const output = isObject(log) ? log["output"] : null;
    return {
      name: typeof row["path"] === "string"
        ? row["path"]
        : text(evaluator, "path") ?? text(row, "evaluator_id"),
      score,
      label: type === "number" && score !== null ? null : said,
      explanation: typeof output === "string" && output !== "" ? output : null,
      annotatorKind:
        KINDS[text(object(evaluator, "spec"), "evaluator_type") ?? ""] ?? null,
      row,
    };
  }
}

/** Where a judgment goes on the judged Log's span, for `--help`. */
export const JUDGMENT_ATTRIBUTES: ReadonlyArray<
  readonly [about: string, to: string]
> = [
  ["Evaluator", "evaluations.i.evaluation.name, .annotator_kind"],
  [
    "judgment",
    "evaluations.i.evaluation.score (a number, 1 or 0), .label (else)",
  ],
  ["output", "evaluations.i.evaluation.explanation"],
  ["ids, error, time", "evaluations.i.evaluation.identifier, .metadata"],
];

/** Names of columns and the attributes that they go to. */
const IDS = [
  ["evaluator_log_id", "humanloop.evaluator_log.id"],
  ["evaluator_id", "humanloop.evaluator.id"],
  ["evaluator_version_id", "humanloop.evaluator.version.id"],
  ["evaluation_id", "humanloop.evaluation.id"],
  ["run_id", "humanloop.run.id"],
] as const;
/** What `metadata` holds for a judgment. */
const METADATA = [
  ...["evaluator_id", "evaluator_version_id", "evaluation_id", "run_id"],
  ...["error", "created_at"],
] as const;

/** Adds judgments to the attributes of the judged Log's span. */
export function addJudgments(
  judgments: readonly Judgment[],
  out: Attributes,
): void {
  for (const [i, judgment] of judgments.entries()) {
    const { name, score, label, explanation, annotatorKind, row } = judgment;
    const add = (key: string, value: string | null) => {
      if (value !== null) out.text(`evaluations.${i}.evaluation.${key}`, value);
    };
    add("name", name);
    if (score !== null) out.double(`evaluations.${i}.evaluation.score`, score);
    add("label", label);
    add("explanation", explanation);
    add("annotator_kind", annotatorKind);
    add("identifier", text(row, "evaluator_log_id"));
    const more = METADATA.map((column) =>
      [column, row[column] ?? null] as const
    )
      .filter(([, value]) => value !== null);
    add("metadata", JSON.stringify(Object.fromEntries(more)));
  }
}

/** The span that a judgment belongs to. */
export interface JudgedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly endTime: bigint;
}

/** Writes a judgment as the event that the conventions have for it. */
export function judgmentRecord(
  judgment: Judgment,
  { traceId, spanId, endTime }: JudgedSpan,
): string {
  const { name, score, label, explanation, row } = judgment;
  const out = new Attributes();
  if (name !== null) out.text("gen_ai.evaluation.name", name);
  if (score !== null) out.double("gen_ai.evaluation.score.value", score);
  if (label !== null) out.text("gen_ai.evaluation.score.label", label);
  if (explanation !== null) {
    out.text("gen_ai.evaluation.explanation", explanation);
  }
  const error = text(row, "error");
  if (error !== null) {
    out.text("error.type", "_OTHER");
    out.text("humanloop.error", error);
  }
  for (const [column, to] of IDS) {
    const id = text(row, column);
    if (id !== null) out.text(to, id);
  }
  const judgedId = text(row, "log_id");
  if (judgedId !== null) out.text("humanloop.id", judgedId);
  const time = nanoseconds(text(row, "created_at")) ?? endTime;
  return `{"timeUnixNano":"${time}","observedTimeUnixNano":"${time}",` +
    `"eventName":"${EVENT}","attributes":${out.toJson()},` +
    `"traceId":"${traceId}","spanId":"${spanId}"}`;
}
