/**
 * Finds the Logs that a link asks for: which, in which order, which page. The
 * query of a link has all of it, so that a link can be sent to someone.
 */
import type { DatabaseSync } from "node:sqlite";
import { columnTime, microseconds } from "../database/log_fields.ts";
import { searchQuery } from "../database/search_text.ts";
import { all, first, type SqlRow, type SqlValue } from "../database/sqlite.ts";

/** The longest text that is searched for, in characters: SQLite's time grows with its square. */
export const LONGEST_SEARCH = 2000;
/** Logs on one page. */
const PAGE_LOGS = 50;
/**
 * Up to this many Logs times words, each Log is looked up in the full-text index;
 * above it, the index is scanned.
 */
const FEW = 20_000;
/** A day, in microseconds. */
const DAY = 86_400_000_000;

/** The orders of Logs, as SQL. */
const SORTS = {
  time: "time",
  latency: "ifnull(latency, -1)",
  cost: "ifnull(cost, -1)",
} as const;

/** The order of Logs. */
export type Sort = keyof typeof SORTS;

/** What a link asks for. */
export interface LogQuery {
  readonly q: string;
  readonly file: string;
  readonly version: string;
  readonly environment: string;
  readonly user: string;
  readonly from: string;
  readonly to: string;
  /** `1` for Logs with an error, `0` for those without. */
  readonly error: string;
  readonly evaluator: string;
  readonly judgment: string;
  readonly sort: Sort;
  readonly order: "asc" | "desc";
  /** The row before the page, or after it: its value and number. */
  readonly after: string;
  readonly before: string;
  /** `1` for the last page. */
  readonly last: string;
}

/** One page of Logs. */
export interface LogPage {
  /** How many there are on all pages. */
  readonly count: number;
  readonly rows: readonly SqlRow[];
  readonly hasPrevious: boolean;
  readonly hasNext: boolean;
}

/** Reads what a link asks for; ignores unknown parameters. */
export function readLogQuery(params: URLSearchParams): LogQuery {
  const text = (name: string) => params.get(name)?.trim() ?? "";
  const sort = text("sort");
  return {
    ...{
      q: text("q").slice(0, LONGEST_SEARCH),
      file: text("file"),
      version: text("version"),
    },
    ...{ environment: text("environment"), user: text("user") },
    ...{ from: text("from"), to: text("to"), error: text("error") },
    ...{ evaluator: text("evaluator"), judgment: text("judgment") },
    sort: sort === "latency" || sort === "cost" ? sort : "time",
    order: text("order") === "asc" ? "asc" : "desc",
    ...{ after: text("after"), before: text("before"), last: text("last") },
  };
}

/** Writes the position of a row in the order, as links name it. */
export function keyOf(row: SqlRow): string {
  return `${row["key"]}_${row["number"]}`;
}

interface Condition {
  readonly sql: readonly string[];
  readonly values: readonly SqlValue[];
}

/** Makes the conditions on columns of the index of Logs. */
function conditionOf(query: LogQuery): Condition {
  const sql: string[] = [];
  const values: SqlValue[] = [];
  const add = (text: string, ...more: readonly SqlValue[]) => {
    sql.push(text);
    values.push(...more);
  };
  if (query.file !== "") add("file_id = ?", query.file);
  if (query.version !== "") add("version_id = ?", query.version);
  if (query.environment !== "") add("environment = ?", query.environment);
  if (query.user !== "") add("user = ?", query.user);
  const from = instant(query.from);
  const to = instant(query.to);
  // An unknown time is 0.
  if (from !== null || to !== null) add("time <> 0");
  if (from !== null) add("time >= ?", from);
  if (to !== null) {
    const isDay = /^\d{4}-\d\d-\d\d$/.test(query.to);
    add("time < ?", isDay ? to + DAY : to);
  }
  if (query.error !== "") {
    add("(error IS NOT NULL) = ?", query.error === "0" ? 0 : 1);
  }
  const judged = ([
    ["evaluator_id = ?", query.evaluator],
    ["judgment = ?", query.judgment],
  ] as const).filter(([, value]) => value !== "");
  if (judged.length > 0) {
    const are = judged.map(([column]) => column).join(" AND ");
    add(
      `number IN (SELECT log FROM judgments WHERE ${are})`,
      ...judged.map(([, value]) => value),
    );
  }
  return { sql, values };
}

function instant(text: string): number | null {
  const time = microseconds(
    /^\d{4}-\d\d-\d\d$/.test(text)
      ? `${text}T00:00:00`
      : /T\d\d:\d\d$/.test(text)
      ? `${text}:00`
      : text,
  );
  return time === null ? null : columnTime(time);
}

const whereOf = (sql: readonly string[]) =>
  sql.length === 0 ? "" : ` WHERE ${sql.join(" AND ")}`;

/** Finds pages of Logs, and caches counts. */
export class LogFinder {
  readonly #counts = new Map<string, number>();
  /** The most counts to cache. */
  static readonly REMEMBERED = 500;

  constructor(
    readonly database: DatabaseSync,
    readonly hasText: boolean,
  ) {}

  /** Finds a page. */
  find(query: LogQuery): LogPage {
    const condition = conditionOf(query);
    const text = this.hasText ? searchQuery(query.q) : null;
    if (query.q !== "" && text === null) {
      return { count: 0, rows: [], hasPrevious: false, hasNext: false };
    }
    const filtered = this.#count(
      `SELECT count(*) AS n FROM logs${whereOf(condition.sql)}`,
      condition.values,
    );
    if (text === null) {
      return this.#page(query, condition, filtered, filtered > 0);
    }
    const matching = this.#count(
      "SELECT count(*) AS n FROM logs_fts WHERE logs_fts MATCH ?",
      [text],
    );
    // Looks up each Log in the full-text index if few are left.
    const each = withText(condition, text, EACH);
    const set = withText(condition, text, SET);
    const hasFilters = condition.sql.length > 0;
    const isFew = filtered * text.split(" ").length <= FEW;
    const counted = isFew ? each : set;
    const count = hasFilters
      ? this.#count(
        `SELECT count(*) AS n FROM logs${whereOf(counted.sql)}`,
        counted.values,
      )
      : matching;
    const walks = query.sort === "time" && count > FEW;
    const one = isFew || walks ? each : set;
    return this.#page(query, one, count, one === each);
  }

  #count(sql: string, values: readonly SqlValue[]): number {
    const key = JSON.stringify([sql, values]);
    const known = this.#counts.get(key);
    if (known !== undefined) return known;
    const count = Number(first(this.database, sql, values)!["n"]);
    if (this.#counts.size >= LogFinder.REMEMBERED) this.#counts.clear();
    this.#counts.set(key, count);
    return count;
  }

  #page(
    query: LogQuery,
    { sql, values }: Condition,
    count: number,
    isIndexed: boolean,
  ): LogPage {
    const key = SORTS[query.sort];
    const isBack = query.last === "1" || query.before !== "";
    const isUp = (query.order === "asc") !== isBack;
    const from = parseKey(isBack ? query.before : query.after);
    const conditions = [...sql];
    const bound = [...values];
    if (from !== null) {
      conditions.push(`(${key}, number) ${isUp ? ">" : "<"} (?, ?)`);
      bound.push(...from);
    }
    const way = isUp ? "ASC" : "DESC";
    const rows = all(
      this.database,
      `SELECT number, ${key} AS key FROM logs${
        isIndexed ? " INDEXED BY logs_time" : ""
      }${whereOf(conditions)}
       ORDER BY ${key} ${way}, number ${way} LIMIT ${PAGE_LOGS + 1}`,
      bound,
    );
    const isMore = rows.length > PAGE_LOGS;
    const page = rows.slice(0, PAGE_LOGS);
    return {
      count,
      rows: isBack ? page.toReversed() : page,
      hasPrevious: isBack ? isMore : from !== null,
      hasNext: isBack ? query.last !== "1" : isMore,
    };
  }
}

/** How a Log is looked up in the full-text index. */
const EACH = `EXISTS (SELECT 1 FROM logs_fts
  WHERE logs_fts MATCH ? AND rowid = logs.number)`;
const SET = `number IN (SELECT rowid FROM logs_fts WHERE logs_fts MATCH ?)`;

function withText(
  { sql, values }: Condition,
  text: string,
  how: string,
): Condition {
  return { sql: [...sql, how], values: [...values, text] };
}

function parseKey(text: string): readonly [number, number] | null {
  const [, key, number] = /^(-?[\d.]+(?:e[+-]?\d+)?)_(\d+)$/.exec(text) ?? [];
  return key === undefined ? null : [Number(key), Number(number)];
}
