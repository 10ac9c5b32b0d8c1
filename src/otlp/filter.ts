/** Decides which Logs are wanted, by File and time of creation. */
import type { DatabaseSync } from "node:sqlite";
import { fileFilter, type Filters, NO_FILTERS } from "../core/filters.ts";
import { columnTime } from "../database/log_fields.ts";
import { all, type SqlRow } from "../database/sqlite.ts";

/** Which Logs are wanted; an absent filter chooses all. */
export type SpanFilters = Partial<
  Pick<Filters, "types" | "files" | "since" | "until">
>;

/** Decides whether rows of `logs` are wanted. */
export interface LogFilter {
  /** A condition of SQL on `time`, the time of a Log; `1` for all times. */
  readonly timeSql: string;
  /**
   * Whether the Logs of a File are wanted, whatever their time.
   *
   * @param row Its `type` and `file_id`.
   */
  readonly wantsFile: (row: SqlRow) => boolean;
  /**
   * Whether a Log is wanted.
   *
   * @param row Its `type`, `file_id`, and time as `microseconds`.
   */
  readonly wants: (row: SqlRow) => boolean;
}

/** Makes the filter. */
export function logFilter(
  database: DatabaseSync,
  filters: SpanFilters,
): LogFilter {
  const { types = [], files = [], since = null, until = null } = filters;
  const rows = all(database, "SELECT id, type, path FROM files");
  const known = new Map(rows.map(({ id, type, path }) => [
    String(id),
    { type: String(type ?? ""), path: path === null ? null : String(path) },
  ]));
  const isWanted = fileFilter(
    { ...NO_FILTERS, types, files },
    [...known.values()].map(({ path }) => path),
  );
  const decided = new Map<string, boolean>();
  const isFileWanted = (id: string, type: string) => {
    const key = `${type} ${id}`;
    let wanted = decided.get(key);
    if (wanted === undefined) {
      const file = known.get(id) ?? { type, path: null };
      wanted = isWanted({ id, ...file, type: file.type || type });
      decided.set(key, wanted);
    }
    return wanted;
  };
  const isAll = types.length + files.length === 0;
  const [from, to] = [microseconds(since), microseconds(until)];
  const bounds = [
    ...from === null ? [] : [`time >= ${from}`],
    ...to === null ? [] : [`time <= ${to}`],
    // A Log without a time is in no range of time.
    ...from === null && to === null ? [] : ["time <> 0"],
  ];
  const wantsFile = ({ file_id: id = null, type = null }: SqlRow) =>
    isAll || isFileWanted(String(id ?? ""), String(type ?? ""));
  return {
    timeSql: bounds.length === 0 ? "1" : bounds.join(" AND "),
    wantsFile,
    wants: (row) => {
      const time = Number(row["microseconds"]);
      const isInTime = (from === null || time >= from) &&
        (to === null || time <= to);
      const isAnyTime = from === null && to === null;
      return isInTime && (isAnyTime || time !== 0) && wantsFile(row);
    },
  };
}

function microseconds(instant: string | null): number | null {
  return instant === null ? null : columnTime(Date.parse(instant) * 1000);
}
