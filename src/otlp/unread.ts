/**
 * Reads the Logs that the database could not read: it keeps the text of each
 * line.
 */
import { hash } from "node:crypto";
import type { DatabaseSync } from "node:sqlite";
import { type Gap, unlistedTexts } from "../core/gap.ts";
import { all, type SqlRow } from "../database/sqlite.ts";
import type { LogFilter } from "./filter.ts";

/** A Log that is not JSON, or is within another and has no id. */
export interface UnreadLog {
  /** Distinguishes it from all others. */
  readonly key: string;
  /** Its position in the export. */
  readonly position: string;
  readonly reason: string;
  readonly text: string;
  readonly isJson: boolean;
}

/** Chooses the problems that are, or were, a Log. */
const IS_LOG = `(kind = 'noId' OR "table" IS NULL AND disk_line IS NOT NULL
  AND kind <> 'unterminated' AND disk_path LIKE '%/logs/%.jsonl')`;

/**
 * Reads those that the filters choose. Their time is unknown, so a filter by
 * time chooses none.
 */
export function* unreadLogs(
  database: DatabaseSync,
  filter: LogFilter,
): Generator<UnreadLog> {
  const rows = database.prepare(
    `SELECT kind, disk_path, disk_line, reason, text FROM problems
     WHERE text IS NOT NULL AND ${IS_LOG} ORDER BY rowid`,
  ).iterate() as IterableIterator<SqlRow>;
  const seen = new Map<string, number>();
  for (const row of rows) {
    if (!isWanted(filter, row)) continue;
    const text = String(row["text"]);
    const position = `${row["disk_path"]}:${row["disk_line"]}`;
    const isJson = row["kind"] === "noId";
    const own = isJson ? `${position}#${hash("sha256", text)}` : position;
    const nth = seen.get(own) ?? 0;
    seen.set(own, nth + 1);
    const key = nth === 0 ? own : `${own}#${nth}`;
    yield { key, position, reason: String(row["reason"]), text, isJson };
  }
}

/**
 * Counts Logs that the database could not read, and those of them that the
 * filters choose.
 */
export function countUnread(
  database: DatabaseSync,
  filter: LogFilter,
): { readonly unread: number; readonly wanted: number } {
  const rows = all(
    database,
    `SELECT disk_path, count(*) AS n FROM problems
     WHERE text IS NOT NULL AND ${IS_LOG} GROUP BY disk_path`,
  );
  const sum = (some: readonly SqlRow[]) =>
    some.reduce((sum, { n }) => sum + Number(n), 0);
  const wanted = rows.filter((row) => isWanted(filter, row));
  return { unread: sum(rows), wanted: sum(wanted) };
}

/**
 * Lists what the database lacks of the export's Logs: lines without text, files
 * that could not be read, counts that differ from those of the export, and what
 * makes the export itself incomplete.
 */
export function lackingLogs(database: DatabaseSync): readonly string[] {
  const unfinished = all(
    database,
    `SELECT dir || CASE with_logs WHEN 0
       THEN ' was made without Logs: it has those of Evaluations alone'
       ELSE ' is not complete: Files that its run did not reach are missing' END
       AS text
     FROM export WHERE with_logs = 0 OR state IN ('running', 'interrupted')
     UNION ALL
     SELECT e.prefix || 'files/' || f.id || ' is not complete in the export'
     FROM files f JOIN export e ON e.number = f.export
     WHERE ifnull(f.state, '') <> 'complete' AND ifnull(f.type, '') <> 'dataset'`,
  ).map(({ text }) => String(text));
  const unlisted = all(database, "SELECT dir, gaps FROM export")
    .flatMap(({ dir, gaps }) =>
      unlistedTexts(String(dir), JSON.parse(String(gaps)) as Gap[])
    );
  const unread = all(
    database,
    `SELECT disk_path, disk_line, reason FROM problems
     WHERE text IS NULL AND kind NOT IN ('dangling', 'twice', 'noId')
     AND (disk_path LIKE '%/logs/%'
       OR kind = 'count' AND "table" IN ('logs', 'evaluationLogs'))
     ORDER BY rowid`,
  ).map(({ disk_path: path, disk_line: line, reason }) =>
    `${path}${line === null ? "" : `:${line}`} ${reason}`
  );
  return [...unfinished, ...unlisted, ...unread];
}

function isWanted(filter: LogFilter, row: SqlRow): boolean {
  const path = String(row["disk_path"]);
  const [, file_id = null] = /(?:^|\/)files\/([^/]+)\//.exec(path) ?? [];
  return filter.wants({ file_id, type: null, microseconds: 0 });
}
