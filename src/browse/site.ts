/**
 * Holds what pages are made from: the database, and queries that several of
 * them need.
 */
import type { DatabaseSync } from "node:sqlite";
import { isObject } from "../core/text/json.ts";
import { all, first, type SqlRow, type SqlValue } from "../database/sqlite.ts";
import { address, type Choice } from "./pages/page.ts";
import { LogFinder } from "./log_list.ts";

/** There is no page at an address. */
export class NotFound extends Error {
  override readonly name = "NotFound";
}

/** Numbers of a Version. */
export interface VersionNumbers {
  readonly logs: number;
  readonly latency: number | null;
  readonly cost: number | null;
  readonly errors: number;
  /**
   * When its first and last Log were created, in microseconds; `null` if
   * unknown.
   */
  readonly firstTime: number | null;
  readonly lastTime: number | null;
}

/** The database, with the queries of the pages. */
export class Site {
  readonly logs: LogFinder;
  readonly #numbers = new Map<string, ReadonlyMap<string, VersionNumbers>>();

  constructor(readonly database: DatabaseSync) {
    const text = first(
      database,
      "SELECT 1 AS n FROM sqlite_schema WHERE name = 'logs_fts'",
    );
    this.logs = new LogFinder(database, text !== null);
  }

  all(sql: string, ...values: readonly SqlValue[]): readonly SqlRow[] {
    return all(this.database, sql, values);
  }

  first(sql: string, ...values: readonly SqlValue[]): SqlRow | null {
    return first(this.database, sql, values);
  }

  /**
   * Reads the row that a page is about.
   *
   * @throws {NotFound} When there is none.
   */
  row(sql: string, ...values: readonly SqlValue[]): SqlRow {
    const row = this.first(sql, ...values);
    if (row === null) throw new NotFound();
    return row;
  }

  /** Reads the number that a query gives. */
  count(sql: string, ...values: readonly SqlValue[]): number {
    return Number(Object.values(this.row(sql, ...values))[0]);
  }

  /** Reads the directory of an export. */
  dir(row: SqlRow): string {
    const sql = "SELECT dir FROM export WHERE number = ?";
    return String(this.first(sql, row["export"] ?? null)?.["dir"] ?? "");
  }

  /** Reads the numbers of a File's Versions, by their ids. */
  numbersOf(fileId: string): ReadonlyMap<string, VersionNumbers> {
    const known = this.#numbers.get(fileId);
    if (known !== undefined) return known;
    const rows = this.all(
      `SELECT version_id, count(*) AS logs, avg(latency) AS latency,
       sum(cost) AS cost, sum(error IS NOT NULL) AS errors,
       min(nullif(time, 0)) AS first, max(nullif(time, 0)) AS last
       FROM logs INDEXED BY logs_version WHERE file_id = ? GROUP BY version_id`,
      fileId,
    );
    const numbers = new Map(rows.map((row) => [
      String(row["version_id"] ?? ""),
      {
        logs: Number(row["logs"]),
        latency: row["latency"] as number | null,
        cost: row["cost"] as number | null,
        errors: Number(row["errors"]),
        firstTime: row["first"] as number | null,
        lastTime: row["last"] as number | null,
      },
    ]));
    this.#numbers.set(fileId, numbers);
    return numbers;
  }

  /** Reads the names of a File's Versions, by their ids. */
  versionNames(fileId: string): ReadonlyMap<string, string> {
    return new Map(this.choices(
      `SELECT version_id AS value, coalesce(name, version_id) AS text
       FROM versions WHERE file_id = ?`,
      fileId,
    ));
  }

  /** Reads the choices that a query of `value` and `text` gives. */
  choices(sql: string, ...values: readonly SqlValue[]): readonly Choice[] {
    return this.all(sql, ...values)
      .map(({ value, text }) => [String(value), String(text)] as const);
  }
}

/** Makes the address of a File's page. */
export function fileAddress(id: string): string {
  return `/files/${encodeURIComponent(id)}`;
}

/** Makes the address of a Log's page. */
export function logAddress(row: SqlRow): string {
  return row["id"] === null
    ? address("/log", { number: row["number"] ?? null })
    : address("/log", { id: row["id"] ?? null });
}

/** Parses a record's JSON; it was valid when the database was built. */
export function parsed(row: SqlRow, column = "json"): Record<string, unknown> {
  const text = row[column];
  const value: unknown = typeof text === "string" ? JSON.parse(text) : null;
  return isObject(value) ? value : {};
}

/** Writes `1.24 s`; nothing if unknown. */
export function seconds(value: SqlValue | undefined): string {
  return typeof value === "number" ? `${Number(value.toPrecision(3))} s` : "";
}

/** Writes `$0.00123`; nothing if unknown. */
export function dollars(value: SqlValue | undefined): string {
  return typeof value === "number" ? `$${Number(value.toPrecision(3))}` : "";
}
