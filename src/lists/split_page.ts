/**
 * Fetches a range of a list. A page that keeps failing is requested in smaller
 * and smaller pages, down to single records, so that one record that the server
 * cannot serve costs one record and not a hundred. Retries are for whole pages:
 * what a split asks for is asked once.
 */
import type { ListSpec } from "../api/list_spec.ts";
import type { RawRecord } from "../api/records.ts";
import type { Session } from "../api/session/session.ts";
import { ApiError, isListRecoverable, ProtocolError } from "../core/errors.ts";
import { fetchPage } from "./page.ts";
import {
  endOf,
  type PageAddress,
  pageAround,
  pageFrom,
  startOf,
} from "./page_address.ts";
import { keysOf } from "./record_keys.ts";

/** Records of a range, or why they could not be fetched. */
export type Part<T> =
  | {
    readonly kind: "records";
    readonly offset: number;
    readonly records: readonly RawRecord<T>[];
    /** How many records the list has, as this response says. */
    readonly total: number;
  }
  | {
    readonly kind: "gap";
    readonly offset: number;
    /** The offset behind its last record. */
    readonly end: number;
    readonly failure: Error;
    /** Whether the API answered that the list has no such records. */
    readonly isEnd?: true;
  };

/** A page, in parts where it had to be split. */
export interface Parts<T> {
  readonly kind: "parts";
  readonly parts: readonly Part<T>[];
  readonly bytes: number;
  /** Whether parts that were requested one by one are not of the same list. */
  readonly overlapMismatch: boolean;
}

/** The result of requesting a page. */
export type Fetched<T> =
  | Parts<T>
  /** The server uses another page size than was requested. */
  | { readonly kind: "resized"; readonly size: number }
  /** The page is larger than the server or this machine allows. */
  | { readonly kind: "tooLarge" };

/** Single records that fail one after the other before a list counts as failing. */
const MOST_RECORDS = 10;
/** Pages of a failing list that fail one after the other before it is given up. */
const MOST_PAGES = 10;
/** A page that the server calls too large is not made smaller than this, in records. */
const SMALLEST_REFUSED_PAGE = 10;

/**
 * Counts failures of one list. If single records fail one after the other, the
 * list itself fails, and splitting would only burden a server in trouble: then
 * its pages are requested once each, and after some failures no more.
 */
export class FailureCount {
  #records = 0;
  #pages = 0;
  /** The offset of the first of the records that failed. */
  #from = Infinity;

  /** Checks whether the list fails from an offset on, or before it. */
  isFailing(offset: number): boolean {
    return this.#records >= MOST_RECORDS && offset >= this.#from;
  }
  /** Checks whether the list was given up at an offset, or before it. */
  isGivenUp(offset: number): boolean {
    return this.#pages >= MOST_PAGES && offset >= this.#from;
  }
  success(): void {
    this.#records = 0;
    this.#pages = 0;
    this.#from = Infinity;
  }
  recordFailed(offset: number): void {
    this.#records++;
    this.#from = Math.min(this.#from, offset);
  }
  pageFailed(offset: number): void {
    if (this.isFailing(offset)) this.#pages++;
  }
}

/** What fetching a range needs. */
export interface RangeSource<T> {
  readonly session: Session;
  readonly spec: ListSpec<T>;
  readonly failures: FailureCount;
  /** The most bytes of a page to accept. */
  readonly maxBytes: number;
}

/**
 * Fetches one page, in parts where it has to be split.
 *
 * @param source The list.
 * @param address Which page.
 * @param from The first offset of it that is wanted.
 * @param total How many records the list has, as far as known.
 * @throws {AuthError} When the API refuses the key.
 * @throws {NetworkError} When the API does not answer at all any more.
 * @throws The signal's reason when the run ends.
 */
export async function fetchRange<T>(
  source: RangeSource<T>,
  address: PageAddress,
  from: number,
  total: number,
): Promise<Fetched<T>> {
  const { session, spec, failures, maxBytes } = source;
  const isFailing = failures.isFailing(from);
  // Requests one offset past the end, to see that it is the end.
  const end = Math.min(endOf(address), Math.max(total, from) + 1);
  const gap = (failure: Error): Fetched<T> =>
    onePart({ kind: "gap", offset: from, end, failure }, 0);
  if (failures.isGivenUp(from)) {
    const reason = "the list was given up: too much of it failed";
    return gap(new ProtocolError(reason));
  }
  try {
    const { records, total, size, bytes } = await fetchPage(
      ...[session, spec, address] as const,
      { maxBytes, attempts: isFailing ? 1 : undefined },
    );
    const isAll = address.page === 1 && total <= size;
    if (size !== address.size && !isAll) return { kind: "resized", size };
    failures.success();
    const offset = startOf(address);
    return onePart({ kind: "records", offset, records, total }, bytes);
  } catch (failure) {
    if (!isListRecoverable(failure)) throw failure;
    if (isTooLarge(failure, address.size)) return { kind: "tooLarge" };
    failures.pageFailed(from);
    if (isFailing || !isSplittable(failure) || end - from <= 1) {
      return gap(failure);
    }
    const split = new Split(source, startOf(address), from);
    await split.run(end, Math.floor(address.size / 2), failure);
    const { parts, bytes } = split;
    const overlapMismatch = !await split.isOneList();
    return { kind: "parts", parts, bytes, overlapMismatch };
  }
}

function onePart<T>(part: Part<T>, bytes: number): Parts<T> {
  return { kind: "parts", parts: [part], bytes, overlapMismatch: false };
}

/** One page that is requested in smaller ones. */
class Split<T> {
  readonly #source: RangeSource<T>;
  /** No page begins before this offset: it would hold a record known to fail. */
  #notBefore: number;
  #offset: number;
  readonly parts: Part<T>[] = [];
  bytes = 0;

  constructor(source: RangeSource<T>, notBefore: number, from: number) {
    this.#source = source;
    this.#notBefore = notBefore;
    this.#offset = from;
  }

  /** Fetches up to `end` by pages of at most `most` records. */
  async run(end: number, most: number, before: Error): Promise<void> {
    const { failures } = this.#source;
    while (this.#offset < end) {
      if (failures.isFailing(this.#offset)) return this.#gap(end, before);
      const bounds = { notBefore: this.#notBefore };
      const address = pageFrom(this.#offset, most, bounds);
      try {
        if (!await this.#fetch(address, end)) return;
      } catch (failure) {
        if (!isListRecoverable(failure)) throw failure;
        const to = Math.min(endOf(address), end);
        if (address.size === 1) failures.recordFailed(this.#offset);
        if (address.size > 1 && isSplittable(failure)) {
          await this.run(to, Math.floor(address.size / 2), failure);
        } else this.#gap(to, failure);
      }
    }
  }

  /**
   * Checks whether the list changed between the requests for its parts: where
   * two meet, requests both records once more in one page.
   */
  async isOneList(): Promise<boolean> {
    const { session, spec } = this.#source;
    for (const [i, after] of this.parts.entries()) {
      const before = this.parts[i - 1];
      if (before?.kind !== "records" || after.kind !== "records") continue;
      const { offset } = after;
      if (before.offset + before.records.length !== offset) continue;
      const range = [offset - 1, offset + 1] as const;
      const address = pageAround(...range, spec.pageSize, [
        before.offset,
        offset + after.records.length,
      ]);
      if (address === null) continue;
      const keys = await keysOf(session, spec, address, range, 1);
      const expected = [before.records.at(-1), after.records[0]]
        .map((record) => record && spec.key(record.info));
      if (!expected.every((key, i) => key === keys?.[i])) return false;
    }
    return true;
  }

  /** Fetches one page; returns whether the list goes on behind it. */
  async #fetch(address: PageAddress, end: number): Promise<boolean> {
    const { session, spec, failures } = this.#source;
    const page = await fetchPage(session, spec, address, { attempts: 1 });
    if (page.size !== address.size) {
      throw new ProtocolError(
        `the server sends pages of ${page.size} records where ${address.size} are requested`,
      );
    }
    failures.success();
    const offset = startOf(address);
    const { records, total } = page;
    this.parts.push({ kind: "records", offset, records, total });
    this.bytes += page.bytes;
    this.#offset = Math.max(this.#offset, offset + records.length);
    if (offset + records.length >= endOf(address)) return true;
    const failure = new ProtocolError(
      `the list ends at ${total} records, where the API had counted more`,
    );
    if (this.#offset < end) this.#gap(end, failure, true);
    return false;
  }

  /**
   * Makes what is up to `end` a gap, and joins it with one that ends where it
   * begins.
   */
  #gap(end: number, failure: Error, isEnd = false): void {
    const last = this.parts.at(-1);
    const offset = this.#offset;
    this.#offset = end;
    this.#notBefore = end;
    if (last?.kind === "gap" && !last.isEnd && !isEnd) {
      this.parts[this.parts.length - 1] = { ...last, end };
    } else {
      const gap = { kind: "gap", offset, end, failure } as const;
      this.parts.push(isEnd ? { ...gap, isEnd } : gap);
    }
  }
}

/**
 * Checks whether a page may have failed because of some of its records only.
 */
export function isSplittable(failure: Error): boolean {
  return !(failure instanceof ApiError) || failure.retryable ||
    failure.status === 413 || failure.status === 422;
}

/**
 * Checks whether a page failed for its size, and a smaller one is worth
 * requesting.
 */
function isTooLarge(failure: Error, size: number): boolean {
  if (!(failure instanceof ApiError) || size === 1) return false;
  return failure.status === 413 ||
    failure.status === 422 && size > SMALLEST_REFUSED_PAGE;
}
