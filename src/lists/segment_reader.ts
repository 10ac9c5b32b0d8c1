/**
 * Reads one list, or one time window of it, as an ordered stream of batches, and
 * judges whether they are the list: pages must agree about its length, share the
 * record where they meet, and hold no record twice. Records that cannot be had
 * are a gap at their offsets, never the end of the list.
 */
import type { ListSpec } from "../api/list_spec.ts";
import type { RawRecord } from "../api/records.ts";
import type { KeySet } from "../core/key_set.ts";
import type {
  Batch,
  Cursor,
  PagingHints,
  ReaderContext,
} from "./list_types.ts";
import { Prefetcher } from "./prefetcher.ts";
import { type Fetched, isSplittable, type Part } from "./split_page.ts";

/** A list that grows beyond twice its length and this is not followed forever. */
const FARTHEST_BEYOND = 10_000;

/** What a {@linkcode SegmentReader} is made from. */
export interface SegmentOptions {
  /** Where to start; offsets are the segment's own. */
  readonly cursor: Cursor;
  /** The offset behind the last record that is wanted; infinite for all. */
  readonly end: number;
  /** How many records it has; `null` where that is still to be asked. */
  readonly count: number | null;
  readonly hints: PagingHints;
}

/** Reads one segment; dispose it when done. */
export class SegmentReader<T> implements Disposable {
  readonly #spec: ListSpec<T>;
  readonly #pages: Prefetcher<T>;
  readonly #keys: KeySet;
  readonly #end: number;
  /** The offset to be yielded next. */
  #offset: number;
  /** The key of the record before it; `null` where that is not known. */
  #lastKey: string | null;
  /** What `total` was at the beginning. */
  #firstTotal: number;
  /** Whether two pages disagreed about `total`. */
  #totalChanged = false;
  /** Whether two responses held different records at the same offset. */
  #overlapMismatch = false;
  /** How many records came a second time and were left out. */
  #repeated = 0;
  /** Whether what may be behind the end could not be asked for. */
  #endUnseen = false;

  constructor(
    context: ReaderContext,
    spec: ListSpec<T>,
    { cursor, end, count, hints }: SegmentOptions,
  ) {
    this.#spec = spec;
    this.#keys = cursor.keys;
    this.#lastKey = cursor.lastKey;
    this.#offset = cursor.offset;
    this.#end = end;
    this.#firstTotal = count ?? Infinity;
    const from = cursor.offset;
    const total = this.#firstTotal;
    this.#pages = new Prefetcher(context, spec, { from, end, total, hints });
  }

  /**
   * Makes sure of the total by the first page that comes, of the two that the
   * reading begins with.
   *
   * @throws {ApiError | NetworkError | ProtocolError} When neither can be had.
   */
  async open(): Promise<void> {
    const isKnown = Number.isFinite(this.#firstTotal);
    const first = await this.#firstPage(isKnown);
    let total = totalOf(first);
    if (total === undefined) {
      // The page behind has the total too, and what this one lacks is a gap.
      const failure = failureOf(first);
      if (failure === undefined || !isSplittable(failure)) throw failure;
      total = totalOf(await this.#pages.peek(1)) ?? 0;
      if (total <= this.#offset) throw failure;
    }
    this.#totalChanged ||= Number.isFinite(this.#firstTotal) &&
      total !== this.#firstTotal;
    this.#pages.total = total;
    this.#firstTotal = total;
    if (first.kind === "resized") this.#pages.resize(first.page, this.#offset);
  }

  /** How many records the segment has, as the newest page says. */
  get total(): number {
    return this.#pages.total;
  }

  /** Whether the list changed while it was read: its pages don't fit together. */
  get sourceChanged(): boolean {
    return this.#totalChanged || this.#overlapMismatch || this.#repeated > 0;
  }

  /** How the server gives its pages. */
  get hints(): PagingHints {
    return this.#pages.hints;
  }

  /** Gives the records of the next page without taking them, as far as it has any. */
  async peek(): Promise<readonly RawRecord<T>[]> {
    const fetched = await this.#firstPage(false);
    if (fetched.kind !== "parts") return [];
    return fetched.parts.flatMap((part) =>
      part.kind === "records" ? part.records : []
    );
  }

  /** Whether nothing is left to ask for. */
  get isAskedFor(): boolean {
    return this.#pages.isAskedFor;
  }

  /**
   * Judges what was read, at its end.
   *
   * @returns Why it cannot be called the list; `null` when it can.
   */
  checkConsistency(): string | null {
    const total = this.#firstTotal;
    if (this.#totalChanged) {
      return `the source kept changing while it was read, from ${total} to ${this.total} records`;
    }
    if (this.#overlapMismatch) {
      return "the source kept changing while it was read: its pages don't fit together";
    }
    if (this.#repeated > 0) {
      return `the source kept changing while it was read: ${this.#repeated} records came twice`;
    }
    if (this.#endUnseen) {
      return `whether the list ends at ${total} records cannot be seen`;
    }
    if (this.#offset === Math.min(total, this.#end)) return null;
    return `the API says ${total} records, the list holds ${this.#offset} distinct ones`;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Batch<T>, void> {
    const farthest = 2 * this.#firstTotal + FARTHEST_BEYOND;
    while (this.#offset < farthest) {
      // A last page may only show that the end is one. If the list shrank and
      // grew, what is left was asked for when it was not there.
      if (this.#pages.isOver) return;
      if (this.#totalChanged && this.#offset >= this.total) return;
      const fetched = await this.#firstPage(true);
      if (fetched.kind === "resized") {
        this.#pages.resize(fetched.page, this.#offset);
        continue;
      }
      using _page = this.#pages.shift();
      if (fetched.kind !== "parts") continue;
      this.#overlapMismatch ||= fetched.overlapMismatch;
      for (const part of fetched.parts) yield* this.#take(part);
    }
  }

  [Symbol.dispose](): void {
    this.#pages[Symbol.dispose]();
  }

  /** Gives the next page, of a size that the machine can hold. */
  async #firstPage(prefetches: boolean): Promise<Fetched<T>> {
    while (true) {
      const fetched = await this.#pages.peek(0, prefetches);
      if (fetched.kind !== "tooLarge") return fetched;
      this.#pages.shrink(fetched.address, this.#offset);
    }
  }

  *#take(part: Part<T>): Generator<Batch<T>, void> {
    if (this.#offset >= this.#end) return;
    if (part.kind === "gap") return yield* this.#takeGap(part);
    const { records, offset, total } = part;
    this.#totalChanged ||= total !== this.total;
    this.#pages.total = total;
    if (records.length > 0 && offset > this.#offset) {
      // It shrank and grew again.
      this.#totalChanged = true;
      this.#offset = offset;
    }
    const index = this.#offset - offset;
    const keyOf = ({ info }: { readonly info: T }) => this.#spec.key(info);
    const shared = records[index - 1];
    if (shared !== undefined && this.#lastKey !== null) {
      this.#overlapMismatch ||= keyOf(shared) !== this.#lastKey;
    }
    const wanted = records.slice(Math.max(0, index), this.#end - offset);
    if (wanted.length === 0) return;
    const from = this.#offset;
    this.#offset += wanted.length;
    this.#lastKey = keyOf(wanted.at(-1)!);
    const fresh = wanted.filter((record) => this.#keys.add(keyOf(record)));
    this.#repeated += wanted.length - fresh.length;
    if (fresh.length > 0) {
      yield { kind: "records", offset: from, records: fresh };
    }
  }

  *#takeGap(
    { end, isEnd, failure }: Part<T> & { readonly kind: "gap" },
  ): Generator<Batch<T>, void> {
    this.#endUnseen ||= end > this.total && isEnd !== true;
    const { fileId, part } = this.#spec;
    const offset = this.#offset;
    const missing = Math.min(end, this.total, this.#end) - offset;
    if (missing <= 0) return;
    this.#offset += missing;
    this.#lastKey = null;
    const reason = failure.message;
    yield { kind: "gap", gap: { fileId, part, reason, offset, missing } };
  }
}

function totalOf<T>(fetched: Fetched<T>): number | undefined {
  if (fetched.kind === "resized") return fetched.page.total;
  if (fetched.kind === "tooLarge") return undefined;
  return fetched.parts.find((part) => part.kind === "records")?.total;
}

function failureOf<T>(fetched: Fetched<T>): Error | undefined {
  if (fetched.kind !== "parts") return undefined;
  return fetched.parts.find((part) => part.kind === "gap")?.failure;
}
