/**
 * Fetches a range of a list. A page that fails for good is asked for in ever
 * smaller pages, down to single records, so that one record that the server
 * cannot serve costs one record and not a hundred. Retries are for whole pages:
 * what a split asks for is asked once.
 */
import type { ListSpec } from "../api/list_spec.ts";
import type { Session } from "../api/session.ts";
import { ApiError, isListRecoverable, ProtocolError } from "../core/errors.ts";
import { doOverlap, type Records } from "./overlap.ts";
import { fetchPage, type Page } from "./page.ts";
import { endOf, type PageAddress, pageFrom, startOf } from "./page_address.ts";

/** Records of a range, or why they cannot be had. */
export type Part<T> =
  | Records<T> & {
    readonly kind: "records";
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

/** What came of asking for a page. */
export type Fetched<T> =
  | {
    readonly kind: "parts";
    readonly parts: readonly Part<T>[];
    readonly bytes: number;
    /** Whether parts that were asked for one by one are not of the same list. */
    readonly overlapMismatch: boolean;
  }
  /** The server counts pages of another size than was asked for. */
  | { readonly kind: "resized"; readonly page: Page<T> }
  /** The page is larger than the server or this machine allows. */
  | { readonly kind: "tooLarge"; readonly address: PageAddress };

/** Single records that fail one after the other before a list counts as failing. */
const MOST_RECORDS = 10;
/** Pages of a failing list that fail one after the other before it is given up. */
const MOST_PAGES = 10;
/** A page that the server calls too large is not made smaller than this, in records. */
const SMALLEST_REFUSED_PAGE = 10;

/**
 * Counts failures of one list. Where single records fail one after the other, it
 * is the list that fails, and splitting would only ask more of a server in
 * trouble: then its pages are asked for once each, and in the end no more.
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
 * Fetches one page, in parts if need be.
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
  // One offset past the end, to see that it is the end.
  const end = Math.min(endOf(address), Math.max(total, from) + 1);
  const gap = (failure: Error): Fetched<T> => ({
    kind: "parts",
    parts: [{ kind: "gap", offset: from, end, failure }],
    bytes: 0,
    overlapMismatch: false,
  });
  if (failures.isGivenUp(from)) {
    return gap(
      new ProtocolError("the list was given up: too much of it failed"),
    );
  }
  try {
    const page = await fetchPage(session, spec, address, {
      maxBytes,
      ...(isFailing ? { attempts: 1 } : {}),
    });
    const isAll = address.page === 1 && page.total <= page.size;
    if (page.size !== address.size && !isAll) return { kind: "resized", page };
    failures.success();
    const { records } = page;
    const offset = startOf(address);
    return {
      kind: "parts",
      parts: [{ kind: "records", offset, records, total: page.total }],
      bytes: page.bytes,
      overlapMismatch: false,
    };
  } catch (failure) {
    if (!isListRecoverable(failure)) throw failure;
    if (isTooLarge(failure, address.size)) return { kind: "tooLarge", address };
    failures.pageFailed(from);
    if (isFailing || !isSplittable(failure) || end - from <= 1) {
      return gap(failure);
    }
    const split = new Split(source, startOf(address), from);
    await split.run(end, Math.floor(address.size / 2), failure);
    const { parts } = split;
    const runs = parts.filter((part) => part.kind === "records");
    const overlapMismatch = !await doOverlap(session, spec, runs);
    return { kind: "parts", parts, bytes: 0, overlapMismatch };
  }
}

/** One page that is asked for in smaller ones. */
class Split<T> {
  readonly #source: RangeSource<T>;
  /** No page begins before this offset: it would hold a record known to fail. */
  #notBefore: number;
  #offset: number;
  readonly parts: Part<T>[] = [];

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

  /** Fetches one page; returns whether the list goes on behind it. */
  async #fetch(address: PageAddress, end: number): Promise<boolean> {
    const { session, spec, failures } = this.#source;
    const page = await fetchPage(session, spec, address, { attempts: 1 });
    if (page.size !== address.size) {
      throw new ProtocolError(
        `the server gives ${page.size} records a page where ${address.size} are asked for`,
      );
    }
    failures.success();
    const offset = startOf(address);
    const { records, total } = page;
    this.parts.push({ kind: "records", offset, records, total });
    this.#offset = Math.max(this.#offset, offset + records.length);
    if (offset + records.length >= endOf(address)) return true;
    const failure = new ProtocolError(
      `the list ends at ${total} records, where more were promised`,
    );
    if (this.#offset < end) this.#gap(end, failure, true);
    return false;
  }

  /** Leaves out what is up to `end`; a gap that goes on where the last ended joins it. */
  #gap(end: number, failure: Error, isEnd = false): void {
    const last = this.parts.at(-1);
    const joins = last?.kind === "gap" && !last.isEnd && !isEnd;
    if (joins) this.parts[this.parts.length - 1] = { ...last, end };
    else {
      this.parts.push({
        ...{ kind: "gap", offset: this.#offset, end, failure },
        ...isEnd && { isEnd },
      });
    }
    this.#offset = end;
    this.#notBefore = end;
  }
}

/** Checks whether a failure may be of some of the records only. */
export function isSplittable(failure: Error): boolean {
  return !(failure instanceof ApiError) || failure.retryable ||
    failure.status === 413 || failure.status === 422;
}

/** Checks whether a page failed for its size, and a smaller one is worth asking for. */
function isTooLarge(failure: Error, size: number): boolean {
  if (!(failure instanceof ApiError) || size === 1) return false;
  return failure.status === 413 ||
    failure.status === 422 && size > SMALLEST_REFUSED_PAGE;
}
