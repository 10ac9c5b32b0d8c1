/**
 * Cuts a long list of Logs into windows of time, since deep pages get slower on
 * every database. Nothing is assumed about dates: a cut counts only when both
 * sides together hold as many Logs as the whole, and when the list's first Log
 * is the first of one side, always the same one. So whether a bound includes its
 * instant does not matter, and a server that ignores dates is noticed.
 */
import { isRecoverable } from "../core/errors.ts";
import type { Session } from "../api/session.ts";
import { fetchPage } from "./page.ts";
import type { ListSpec } from "../api/list_spec.ts";
import { isSplittable } from "./split_page.ts";
import type { DateWindow } from "../core/gap.ts";

/** A list that can be asked for between two instants (ISO 8601), or without a bound. */
export type DatedList<T> = (
  after: string | null,
  until: string | null,
) => ListSpec<T>;

/** What one request tells of a list. */
export interface Head {
  readonly total: number;
  /** The key of its first record; `null` where it is not known. */
  readonly first: string | null;
  /** What the record weighs that was asked for; 0 where there is none. */
  readonly bytes: number;
}

/** The list is in no order of time. */
export class NotTimeOrdered extends Error {}

/** The most Logs of a window, where time can be cut so fine. */
const WINDOW_RECORDS = 10_000;

/** Where time begins, as far as cutting goes: a product's, a web's, a computer's, a calendar's. */
const BEGINNINGS = ["2020", "2000", "1970", "0001"].map((year) =>
  Date.parse(`${year}-01-01T00:00:00Z`)
);
const DAY_MS = 86_400_000;
/** Where to cut, as a share of the time between the bounds. */
const SHARES = [0.5, 0.45, 0.55, 0.4];

/**
 * Asks how many records a list has.
 *
 * @throws {ApiError | NetworkError | ProtocolError} When it cannot be had.
 */
export async function probeList<T>(
  session: Session,
  spec: ListSpec<T>,
): Promise<Head> {
  try {
    const { total, records } = await fetchPage(session, spec, {
      page: 1,
      size: 1,
    });
    const [first] = records;
    const key = first ? spec.key(first.info) : null;
    return { total, first: key, bytes: first?.bytes.length ?? 0 };
  } catch (error) {
    if (!isRecoverable(error) || !isSplittable(error)) throw error;
    // Its first record may be the one that cannot be served.
    const { total, records: [second] } = await fetchPage(session, spec, {
      page: 2,
      size: 1,
    });
    return { total, first: null, bytes: second?.bytes.length ?? 0 };
  }
}

/** A window, and all that the list holds from its first record on. */
export interface CutWindow {
  readonly window: DateWindow;
  readonly rest: DateWindow;
}

/** A window that is still to be looked at. */
interface Part extends Omit<DateWindow, "before"> {
  readonly first: string | null;
}

/**
 * Cuts a list into windows, one at a time and in the list's order.
 *
 * @param http The connection.
 * @param list The list.
 * @param whole What is to be cut.
 * @returns Windows that follow on each other, each with what is left from it on.
 * @throws {NotTimeOrdered} When the list is in no order of time.
 */
export async function* cutByDate<T>(
  session: Session,
  list: DatedList<T>,
  whole: DateWindow & Head,
): AsyncGenerator<CutWindow, void> {
  const order: Order = { newestFirst: null };
  const parts: Part[] = [whole];
  let { before } = whole;
  for (let part = parts.pop(); part !== undefined; part = parts.pop()) {
    const { after, until, count } = part;
    if (count === 0) continue;
    const halves = count > WINDOW_RECORDS
      ? await halve(session, list, part, order)
      : null;
    if (halves !== null) {
      parts.push(...halves);
      continue;
    }
    yield {
      window: { after, until, before, count },
      rest: {
        after: order.newestFirst === false ? after : whole.after,
        until: order.newestFirst === false ? whole.until : until,
        before,
        count: whole.before + whole.count - before,
      },
    };
    before += count;
  }
}

interface Order {
  newestFirst: boolean | null;
}

/** Two parts, the one to come first last; `null` where no cut adds up. */
async function halve<T>(
  session: Session,
  list: DatedList<T>,
  part: Part,
  order: Order,
): Promise<readonly Part[] | null> {
  for (const at of cutsOf(part)) {
    const [old, young] = await Promise.all([
      probeList(session, list(part.after, at)),
      probeList(session, list(at, part.until)),
    ]);
    if (old.total + young.total !== part.count) continue;
    if (!followOrder(part, old, young, order)) return null;
    const older = { ...old, after: part.after, until: at, count: old.total };
    const younger = {
      ...young,
      after: at,
      until: part.until,
      count: young.total,
    };
    return order.newestFirst === false ? [younger, older] : [older, younger];
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
function followOrder(
  part: Part,
  old: Head,
  young: Head,
  order: Order,
): boolean {
  if (old.total === 0 || young.total === 0) return true;
  if (part.first === null) return order.newestFirst !== null;
  const newestFirst = part.first === young.first;
  if (!newestFirst && part.first !== old.first) {
    if (old.first === null || young.first === null) {
      return order.newestFirst !== null;
    }
    throw new NotTimeOrdered();
  }
  order.newestFirst ??= newestFirst;
  if (order.newestFirst !== newestFirst) throw new NotTimeOrdered();
  return true;
}
