/**
 * Implements the demo server's `start_date` and `end_date`: the Logs between
 * two instants.
 */
import type { Sequence } from "./workspace.ts";

/** Whether the bounds include their instants; the API does not say. */
export interface Bounds {
  readonly startIncluded?: boolean;
  readonly endIncluded?: boolean;
}

/** Times of Sequences that never change, read once. */
const known = new WeakMap<object, readonly number[]>();

/**
 * Returns the Logs that an address asks for by their time of creation. If they
 * have none, dates are ignored.
 */
export function between(logs: Sequence, url: URL, bounds: Bounds): Sequence {
  const start = Date.parse(url.searchParams.get("start_date") ?? "");
  const end = Date.parse(url.searchParams.get("end_date") ?? "");
  if (Number.isNaN(start) && Number.isNaN(end)) return logs;
  const { startIncluded = true, endIncluded = false } = bounds;
  const isLate = (ms: number) => ms > end || (ms === end && !endIncluded);
  const isEarly = (ms: number) =>
    ms < start || (ms === start && !startIncluded);
  const { createdMs } = logs;
  if (createdMs !== undefined) {
    // Cuts off what is too late at the beginning, and too early at the end.
    const from = firstThat(logs.length, (i) => !isLate(createdMs(i)));
    const to = firstThat(logs.length, (i) => isEarly(createdMs(i)));
    return { length: Math.max(0, to - from), at: (i) => logs.at(from + i) };
  }
  const times = timesOf(logs);
  if (times.some(Number.isNaN)) return logs;
  const indexes = times.flatMap((ms, i) =>
    isLate(ms) || isEarly(ms) ? [] : [i]
  );
  return { length: indexes.length, at: (i) => logs.at(indexes[i] ?? -1) };
}

/**
 * Returns the first index from which on `test` holds; `length` if it never
 * does.
 */
function firstThat(length: number, test: (index: number) => boolean): number {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (test(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}

function timesOf(logs: Sequence): readonly number[] {
  const cached = known.get(logs);
  if (cached !== undefined) return cached;
  const times = Array.from({ length: logs.length }, (_, i) => {
    const { created_at } = JSON.parse(logs.at(i)!);
    const zone = /Z|[+-]\d\d:\d\d$/.test(created_at) ? "" : "Z";
    return Date.parse(created_at + zone);
  });
  // Caches only lists that cannot change, as those of a test may.
  if (!Array.isArray(logs)) known.set(logs, times);
  return times;
}
