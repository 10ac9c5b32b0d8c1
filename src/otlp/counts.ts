/**
 * Counts what a database holds and what the filters choose, by other queries
 * than those that read the spans, so that both can be compared at the end.
 */
import type { DatabaseSync } from "node:sqlite";
import { all, first, type SqlRow } from "../database/sqlite.ts";
import { type LogFilter, logFilter, type SpanFilters } from "./filter.ts";
import { countUnread, lackingLogs } from "./unread.ts";

/** The counts to compare with. */
export interface Expected {
  /** Logs of the database, including those that could not be read. */
  readonly logs: number;
  /** Of these, those that the filters choose. */
  readonly wantedLogs: number;
  readonly judgments: number;
  /** Judgments of Logs that the filters choose. */
  readonly wantedJudgments: number;
  /**
   * Judgments for which neither the judged Log nor the Evaluator's is in the
   * database.
   */
  readonly homelessJudgments: number;
  /** What is wrong with the Logs of the export itself, in words. */
  readonly lacking: readonly string[];
}

/** Counts Logs and judgments. */
export function expectedSpans(
  database: DatabaseSync,
  filters: SpanFilters,
): Expected {
  const filter = logFilter(database, filters);
  const count = (sql: string) => Number(first(database, sql)!["n"]);
  const { unread, wanted } = countUnread(database, filter);
  return {
    logs: count("SELECT count(*) AS n FROM logs") + unread,
    wantedLogs: sumOf(
      filter,
      all(
        database,
        `SELECT file_id, type, count(*) AS n FROM logs
         WHERE ${filter.timeSql} GROUP BY file_id, type`,
      ),
    ) + wanted,
    judgments: count("SELECT count(*) AS n FROM judgments"),
    wantedJudgments: sumOf(
      filter,
      all(
        database,
        `SELECT logs.file_id, logs.type, count(*) AS n FROM judgments
         JOIN logs ON logs.number = judgments.log
         WHERE ${filter.timeSql} GROUP BY logs.file_id, logs.type
         UNION ALL
         SELECT logs.file_id, logs.type, count(*) AS n FROM judgments
         JOIN logs ON logs.id = judgments.evaluator_log_id
         WHERE judgments.log IS NULL AND ${filter.timeSql}
         GROUP BY logs.file_id, logs.type`,
      ),
    ),
    homelessJudgments: count(
      `SELECT count(*) AS n FROM judgments WHERE log IS NULL AND NOT EXISTS
       (SELECT 1 FROM logs WHERE logs.id = judgments.evaluator_log_id)`,
    ),
    lacking: lackingLogs(database),
  };
}

function sumOf(filter: LogFilter, rows: readonly SqlRow[]): number {
  return rows.filter(filter.wantsFile)
    .reduce((sum, { n }) => sum + Number(n), 0);
}
