/**
 * Decides which Logs are wanted, by their time of creation, and where a long
 * list is cut so that it stays the same while it is read. The cut-off does not
 * select Logs: those behind it are read too, as a last, short window.
 */
import type { FileInfo, LogInfo } from "../../api/client.ts";
import { logsList } from "../../api/client.ts";
import type { Filters } from "../../core/filters.ts";
import type { ListSpec } from "../../api/list_spec.ts";
import type { Session } from "../../api/session/session.ts";
import { isListRecoverable } from "../../core/errors.ts";
import type { ListSegment } from "../../lists/list_reader.ts";
import {
  type DatedList,
  NotTimeOrdered,
  planTimeWindows,
  probeList,
} from "../../lists/time_windows.ts";
import { countInWindows, type TimeWindow } from "../../core/ranges.ts";

/** Logs created between two instants (ISO 8601, UTC); `null` for no bound. */
export interface TimeRange {
  readonly after: string | null;
  readonly until: string | null;
}

/** A list of more Logs than this is read in time windows. */
export const LONG_LIST = 20_000;
/**
 * How often to request counts that do not add up, since the list may be
 * growing.
 */
const MOST_COUNTS = 3;

/** Which Logs are wanted. */
export class TimeFilter {
  /** Between which instants; both `null` for all. */
  readonly wanted: TimeRange;
  /** Whether only some Logs are wanted. */
  readonly isFiltered: boolean;
  /** Whether the API was found in this run to ignore dates. */
  isIgnored = false;

  /**
   * @param cutoff When the export began, by the API's clock; `null` if unknown.
   */
  constructor(
    readonly cutoff: string | null,
    { since, until }: Pick<Filters, "since" | "until">,
  ) {
    this.wanted = { after: since, until };
    this.isFiltered = since !== null || until !== null;
  }
}

/** How to read a list of Logs. */
export interface LogsPlan {
  readonly segments: readonly ListSegment<LogInfo>[];
  /** Requests the whole frozen part as one. */
  readonly spec: ListSpec<LogInfo>;
  /** The frozen part, as the checkpoint keeps it. */
  readonly windows: readonly TimeWindow[];
}

/**
 * Plans the reading of a list of Logs.
 *
 * @param total How many Logs the API counts, of any time.
 * @param cutoff Where the frozen part ends; `null` to freeze nothing.
 * @returns The plan; `null` if the API cannot filter by dates.
 * @throws {ApiError | NetworkError | ProtocolError} When the run cannot go on.
 */
export async function planLogs(
  session: Session,
  file: FileInfo,
  times: TimeFilter,
  total: number,
  cutoff: string | null,
): Promise<LogsPlan | null> {
  const { after, until } = times.wanted;
  const isInside = cutoff !== null && (after === null || after < cutoff) &&
    (until === null || cutoff < until);
  if (!isInside && !times.isFiltered) return null;
  const counts = await countRanges(session, file, total, [
    ...after === null ? [null] : [null, after],
    ...isInside ? [cutoff] : [],
    ...until === null ? [null] : [until, null],
  ]);
  if (counts === null) {
    times.isIgnored = true;
    return null;
  }
  const range = { after, until: isInside ? cutoff : until };
  const frozen = counts[after === null ? 0 : 1]!;
  const windows = await cutFrozen(session, file, range, frozen);
  return planFrom(file, times, windows);
}

/** Makes the plan from the time windows of the frozen part. */
export function planFrom(
  file: FileInfo,
  times: TimeFilter,
  windows: readonly TimeWindow[],
): LogsPlan {
  const frozen = windows.map((window) => ({
    spec: logsList(file, window.after, window.until),
    offset: window.offset,
    count: window.count,
  }));
  const count = countInWindows(windows);
  const cutoff = cutoffOf(windows);
  const spec = logsList(file, times.wanted.after, cutoff);
  if (cutoff === times.wanted.until) return { segments: frozen, spec, windows };
  // Logs behind the cut-off are requested after all others.
  const later = logsList(file, cutoff, times.wanted.until);
  const last = { spec: later, offset: count, count: null };
  return { segments: [...frozen, last], spec, windows };
}

/** Returns the cut-off: where the newest window ends. */
function cutoffOf(windows: readonly TimeWindow[]): string | null {
  const ends = windows.map(({ until }) => until);
  if (ends.includes(null)) return null;
  return ends.reduce((last, end) => last! > end! ? last : end, "");
}

/** Cuts a long frozen part into time windows; a short one is one window. */
async function cutFrozen(
  session: Session,
  file: FileInfo,
  { after, until }: TimeRange,
  count: number,
): Promise<readonly TimeWindow[]> {
  const whole = { after, until, count };
  const list: DatedList<LogInfo> = (after, until) =>
    logsList(file, after, until);
  if (count <= LONG_LIST) return [{ ...whole, offset: 0 }];
  try {
    const { firstKey } = await probeList(session, list(after, until));
    return await planTimeWindows(session, list, { ...whole, firstKey });
  } catch (error) {
    const isUncut = error instanceof NotTimeOrdered || isListRecoverable(error);
    if (!isUncut) throw error;
    return [{ ...whole, offset: 0 }];
  }
}

/**
 * Counts the Logs between consecutive instants, of which the first and the last
 * may be open.
 *
 * @returns The counts; `null` if they do not add up to `total`, so that the API
 * ignores dates, or if a request fails.
 */
async function countRanges(
  session: Session,
  file: FileInfo,
  total: number,
  bounds: readonly (string | null)[],
): Promise<readonly number[] | null> {
  let before = total;
  try {
    for (let tries = 1;; tries++) {
      const heads = await Promise.all(
        bounds.slice(1).map((bound, i) =>
          probeList(session, logsList(file, bounds[i]!, bound))
        ),
      );
      const counts = heads.map((head) => head.total);
      const sum = counts.reduce((one, other) => one + other, 0);
      if (sum === before) return counts;
      // If each range holds all Logs, the API ignores dates.
      if (counts.every((count) => count === before)) return null;
      const all = await probeList(session, logsList(file, null, null));
      // A list that grows steadily never gives two equal counts.
      const isBetween = before < sum && sum <= all.total;
      if (!isBetween && tries === MOST_COUNTS) return null;
      if (isBetween && tries === MOST_COUNTS) return counts;
      before = all.total;
    }
  } catch (error) {
    if (!isListRecoverable(error)) throw error;
    return null;
  }
}
