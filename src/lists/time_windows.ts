/**
 * Cuts a long list of Logs into time windows before it is read, since deep pages
 * get slower on every database. Nothing is assumed about dates: a cut counts only
 * when both sides together hold as many Logs as the whole, and when the list's
 * first Log is the first of one side, always the same one. So whether a bound
 * includes its instant does not matter, and a server that ignores dates shows.
 */
import type { ListSpec } from "../api/list_spec.ts";
import type { Session } from "../api/session/session.ts";
import { releaseLarge } from "../core/text/bytes.ts";
import { isListRecoverable } from "../core/errors.ts";
import type { TimeWindow } from "../core/ranges.ts";
import { fetchPage } from "./page.ts";
import { isSplittable } from "./split_page.ts";

/**
 * A list that can be requested between two instants (ISO 8601), or without a
 * bound.
 */
export type DatedList<T> = (
  after: string | null,
  until: string | null,
) => ListSpec<T>;

/** What one small request shows of a list. */
export interface ListHead {
  readonly total: number;
  /** The key of its first record; `null` if unknown. */
  readonly firstKey: string | null;
  /** The bytes of the record that was requested; 0 if there is none. */
  readonly bytes: number;
}

/** The list is not in the order of time. */
export class NotTimeOrdered extends Error {}

/** The most Logs of a window, unless they share an instant. */
const WINDOW_RECORDS = 10_000;

/** Instants that are tried, one after the other, as the time of the oldest Log. */
const BEGINNINGS = ["2020", "2000", "1970", "0001"].map((year) =>
  Date.parse(`${year}-01-01T00:00:00Z`)
);
const DAY_MS = 86_400_000;
/** Where to cut, as a share of the time between the bounds. */
const SHARES = [0.5, 0.45, 0.55, 0.4];

/**
 * Requests how many records a list has.
 *
 * @throws {ApiError | NetworkError | ProtocolError} When the request fails.
 */
export async function probeList<T>(
  session: Session,
  spec: ListSpec<T>,
): Promise<ListHead> {
  try {
    const { total, records } = await fetchPage(session, spec, {
      page: 1,
      size: 1,
    });
    const [first] = records;
    const firstKey = first ? spec.key(first.info) : null;
    return { total, firstKey, bytes: weigh(records) };
  } catch (error) {
    if (!isListRecoverable(error) || !isSplittable(error)) throw error;
    // The first record may be the one that the server cannot serve.
    const { total, records } = await fetchPage(session, spec, {
      page: 2,
      size: 1,
    });
    return { total, firstKey: null, bytes: weigh(records) };
  }
}

/** Returns the bytes of the first record, and frees the memory of all. */
function weigh(records: ReadonlyArray<{ readonly bytes: Uint8Array }>): number {
  const weight = records[0]?.bytes.length ?? 0;
  releaseLarge(records.map(({ bytes }) => bytes));
  return weight;
}

/** A window that may still be cut. */
type Part = Omit<TimeWindow, "offset"> & Pick<ListHead, "firstKey">;

/** Whether the newest Log comes first; learnt from the first cut. */
interface Order {
  newestFirst: boolean | null;
}

/**
 * Plans the time windows of a list.
 *
 * @param session The way to the API.
 * @param list The list.
 * @param whole What is to be cut.
 * @returns Windows that follow on each other, in the list's order.
 * @throws {NotTimeOrdered} When the list is not in the order of time.
 */
export async function planTimeWindows<T>(
  session: Session,
  list: DatedList<T>,
  whole: Part,
): Promise<readonly TimeWindow[]> {
  const order: Order = { newestFirst: null };
  const cut = async (part: Part): Promise<readonly Part[]> => {
    if (part.count === 0) return [];
    const halves = part.count > WINDOW_RECORDS
      ? await halve(session, list, part, order)
      : null;
    if (halves === null) return [part];
    return (await Promise.all(halves.map(cut))).flat();
  };
  let offset = 0;
  return (await cut(whole)).map(({ after, until, count }) => {
    const window = { after, until, offset, count };
    offset += count;
    return window;
  });
}

/** Cuts a part in two, in the list's order; `null` where no cut adds up. */
async function halve<T>(
  session: Session,
  list: DatedList<T>,
  part: Part,
  order: Order,
): Promise<readonly Part[] | null> {
  const { after, until, count } = part;
  for (const instant of cutsOf(part)) {
    const heads = await Promise.all([
      probeList(session, list(after, instant)),
      probeList(session, list(instant, until)),
    ]).catch((error) => {
      if (!isListRecoverable(error)) throw error;
      return null;
    });
    if (heads === null) return null;
    const [old, young] = heads;
    if (old.total + young.total !== count) continue;
    if (!followsOrder(part, old, young, order)) return null;
    const older = { ...old, after, until: instant, count: old.total };
    const younger = { ...young, after: instant, until, count: young.total };
    return order.newestFirst === false ? [older, younger] : [younger, older];
  }
  return null;
}

/** Instants to cut at; none where the bounds are too close. */
function cutsOf({ after, until }: Part): readonly string[] {
  const end = Date.parse(until ?? "");
  const start = after === null
    ? BEGINNINGS.find((beginning) => beginning < end - DAY_MS) ?? end
    : Date.parse(after);
  const cuts = SHARES.map((share) => Math.round(start + (end - start) * share))
    .filter((ms) => ms > start && ms < end);
  return [...new Set(cuts)].map((ms) => new Date(ms).toISOString());
}

/** Learns the order from the first cut with Logs on both sides, and holds the others to it. */
function followsOrder(
  part: Part,
  old: ListHead,
  young: ListHead,
  order: Order,
): boolean {
  if (old.total === 0 || young.total === 0) return true;
  if (part.firstKey === null) return order.newestFirst !== null;
  const newestFirst = part.firstKey === young.firstKey;
  if (!newestFirst && part.firstKey !== old.firstKey) {
    if (old.firstKey === null || young.firstKey === null) {
      return order.newestFirst !== null;
    }
    throw new NotTimeOrdered();
  }
  order.newestFirst ??= newestFirst;
  if (order.newestFirst !== newestFirst) throw new NotTimeOrdered();
  return true;
}
