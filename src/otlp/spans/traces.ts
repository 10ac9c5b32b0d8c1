/**
 * Finds the traces of a database, in the order of their first Logs. The Logs of
 * a trace are read together; until its last Log has passed, only a number is
 * kept of it.
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { SqlRow } from "../../database/sqlite.ts";
import type { LogFilter } from "../filter.ts";

/** The columns of a Log that finding traces needs. */
export const TRACE_COLUMNS = `number, id, type, file_id,
  time AS microseconds, trace_id, trace_parent_id`;

/** A trace: Logs that belong together, or one that belongs to none. */
export interface Trace {
  /**
   * The id of its root, which may not be in the database; `null` for a Log
   * without an id.
   */
  readonly rootId: string | null;
  /** The numbers of its Logs that are wanted, in the order of time. */
  readonly numbers: readonly number[];
}

/** The traces of a database. */
export class Traces {
  readonly #database: DatabaseSync;
  readonly #filter: LogFilter;
  readonly #members: StatementSync;
  readonly #isNamed: StatementSync;
  readonly #byId: StatementSync;

  constructor(database: DatabaseSync, filter: LogFilter) {
    this.#database = database;
    this.#filter = filter;
    this.#byId = database.prepare(
      `SELECT ${TRACE_COLUMNS} FROM logs WHERE id = ?`,
    );
    this.#isNamed = database.prepare(
      `SELECT EXISTS(SELECT 1 FROM logs WHERE trace_id = ?1)
       OR EXISTS(SELECT 1 FROM logs WHERE trace_parent_id = ?1) AS n`,
    );
    // Finds children that do not name the trace through their parents.
    this.#members = database.prepare(
      `WITH RECURSIVE
       member(number, id) AS (
         SELECT number, id FROM logs WHERE trace_id = ?1
         UNION SELECT number, id FROM logs WHERE id = ?1
         UNION SELECT number, id FROM logs WHERE trace_parent_id = ?1
         UNION SELECT logs.number, logs.id FROM member
           JOIN logs ON logs.trace_parent_id = member.id
           WHERE logs.trace_id IS NULL)
       SELECT ${TRACE_COLUMNS} FROM logs
       WHERE number IN (SELECT number FROM member) ORDER BY time, number`,
    );
  }

  /** Reads the traces. */
  *read(): Generator<Trace> {
    /** How many Logs of each trace that was read are still to pass. */
    const open = new Map<string, number>();
    const rows = this.#database.prepare(
      `SELECT ${TRACE_COLUMNS} FROM logs INDEXED BY logs_time
       WHERE ${this.#filter.timeSql} ORDER BY time`,
    ).iterate() as IterableIterator<SqlRow>;
    for (const row of rows) {
      if (!this.#filter.wants(row)) continue;
      const rootId = this.rootIdOf(row);
      if (rootId === null) {
        yield { rootId, numbers: [Number(row["number"])] };
        continue;
      }
      const left = open.get(rootId);
      if (left === undefined) {
        const numbers = this.#isAlone(row, rootId)
          ? [Number(row["number"])]
          : this.#numbersOf(rootId);
        if (numbers.length > 1) open.set(rootId, numbers.length - 1);
        yield { rootId, numbers };
      } else if (left === 1) open.delete(rootId);
      else open.set(rootId, left - 1);
    }
  }

  /** Returns a Log by its id; `null` if there is none. */
  log(id: string): SqlRow | null {
    return (this.#byId.get(id) ?? null) as SqlRow | null;
  }

  /** Returns the id of the root of a Log's trace: its own, if it is in none. */
  rootIdOf(row: SqlRow): string | null {
    if (row["trace_id"] !== null) return String(row["trace_id"]);
    const path: string[] = [];
    for (let one: SqlRow | null = row; one !== null;) {
      if (one["trace_id"] !== null) return String(one["trace_id"]);
      const id = one["id"] === null ? null : String(one["id"]);
      const parentId = one["trace_parent_id"];
      if (parentId === null || parentId === undefined) return id;
      // The root of a cycle of parents is the one with the least id.
      if (id !== null) {
        const at = path.indexOf(id);
        if (at !== -1) return path.slice(at).sort()[0]!;
        path.push(id);
      }
      const parent = this.log(String(parentId));
      if (parent === null) return String(parentId);
      one = parent;
    }
    return null;
  }

  /** Checks quickly whether a Log is alone in its trace. */
  #isAlone(row: SqlRow, rootId: string): boolean {
    return row["trace_id"] === null && row["id"] === rootId &&
      this.#isNamed.get(rootId)!["n"] === 0;
  }

  #numbersOf(rootId: string): readonly number[] {
    const numbers: number[] = [];
    const rows = this.#members.iterate(rootId) as IterableIterator<SqlRow>;
    for (const row of rows) {
      if (this.#filter.wants(row) && this.rootIdOf(row) === rootId) {
        numbers.push(Number(row["number"]));
      }
    }
    return numbers;
  }
}
