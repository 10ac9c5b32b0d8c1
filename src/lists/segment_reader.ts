/**
 * Reads one list, or one time window of it, as an ordered stream of batches,
 * and judges whether they are the list: pages must agree about its length,
 * share the record where they meet, and hold no record twice. Records that
 * cannot be fetched are a gap at their offsets, never the end of the list.
 */
import type { ListSpec } from "../api/list_spec.ts";
import type { KeySet } from "../core/key_set.ts";
import type {
  Batch,
  Cursor,
  ListSegment,
  ReaderContext,
} from "./list_types.ts";
import { Prefetcher } from "./prefetcher.ts";
import { isSplittable, type Part } from "./split_page.ts";

/**
 * A list that grows while it is read is followed up to twice its length and
 * this many records.
 */
const FARTHEST_BEYOND = 10_000;

/** How a segment is read; offsets are those of the whole list. */
export interface SegmentOptions {
  readonly cursor: Cursor;
  /** The offset behind the last record that is wanted; infinite for all. */
  readonly end: number;
}

/** Reads one segment; dispose it when done. */
export class SegmentReader<T> implements Disposable {
  /** Its pages, which only this reader takes. */
  readonly pages: Prefetcher<T>;
  readonly #spec: ListSpec<T>;
  readonly #keys: KeySet;
  /** Index in the list of the segment's first record; offsets below are the segment's own. */
  readonly #start: number;
  readonly #end: number;
  /** The offset that is yielded next. */
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
    { spec, offset: start, count }: ListSegment<T>,
    { cursor, end }: SegmentOptions,
  ) {
    this.#spec = spec;
    this.#keys = cursor.keys;
    this.#lastKey = cursor.lastKey;
    this.#start = start;
    this.#end = end - start;
    this.#offset = cursor.offset - start;
    this.#firstTotal = count ?? Infinity;
    this.pages = new Prefetcher(context, spec, {
      from: this.#offset,
      end: this.#end,
      total: this.#firstTotal,
    });
  }

  /**
   * Learns the total from the first page, or from the second if the first
   * fails.
   *
   * @throws {ApiError | NetworkError | ProtocolError} When both fail.
   */
  async open(): Promise<void> {
    const isKnown = Number.isFinite(this.#firstTotal);
    if (isKnown) this.pages.prefetch();
    const { parts } = await this.pages.peek();
    let total = totalOf(parts);
    if (total === undefined) {
      // The page behind has the total too, so that this one can be a gap.
      const failure = parts.find((part) => part.kind === "gap")?.failure;
      if (failure === undefined || !isSplittable(failure)) throw failure;
      total = totalOf((await this.pages.peek(1)).parts) ?? 0;
      if (total <= this.#offset) throw failure;
    }
    this.#totalChanged ||= isKnown && total !== this.#firstTotal;
    this.pages.total = total;
    this.#firstTotal = total;
  }

  /** The offset in the list behind its last record, as the newest page says. */
  get end(): number {
    return this.#start + this.pages.total;
  }

  /**
   * Whether the list changed while it was read: its pages do not fit together.
   */
  get sourceChanged(): boolean {
    return this.#totalChanged || this.#overlapMismatch || this.#repeated > 0;
  }

  /**
   * Checks, at the end of the segment, whether what was read is the list.
   *
   * @returns Why it is not; `null` when it is.
   */
  checkConsistency(): string | null {
    const first = this.#firstTotal;
    const { total } = this.pages;
    const changed = "the source kept changing while it was read";
    if (this.#totalChanged) {
      return `${changed}, from ${first} to ${total} records`;
    }
    if (this.#overlapMismatch) {
      return `${changed}: its pages do not fit together`;
    }
    if (this.#repeated > 0) {
      return `${changed}: ${this.#repeated} records came twice`;
    }
    if (this.#endUnseen) {
      return `the page behind its ${first} records cannot be read, so it may have more`;
    }
    if (this.#offset === Math.min(first, this.#end)) return null;
    return `the API says ${first} records, the list holds ${this.#offset} distinct ones`;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Batch<T>, void> {
    const farthest = 2 * this.#firstTotal + FARTHEST_BEYOND;
    while (this.#offset < farthest) {
      // The last page may only show that the list ends. If the list shrank and
      // grew again, the pages that are left were requested when they were not
      // there.
      if (this.pages.isOver) return;
      if (this.#totalChanged && this.#offset >= this.pages.total) return;
      this.pages.prefetch();
      const page = await this.pages.peek();
      using _permit = this.pages.shift();
      this.#overlapMismatch ||= page.overlapMismatch;
      for (const part of page.parts) yield* this.#take(part);
    }
  }

  [Symbol.dispose](): void {
    this.pages[Symbol.dispose]();
  }

  /** Makes a batch of the new records of a part, and checks that they fit. */
  *#take(part: Part<T>): Generator<Batch<T>, void> {
    if (this.#offset >= this.#end) return;
    if (part.kind === "gap") return yield* this.#takeGap(part);
    const { records, offset, total } = part;
    this.#totalChanged ||= total !== this.pages.total;
    this.pages.total = total;
    if (records.length > 0 && offset > this.#offset) {
      // The list shrank and grew again.
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
    const from = this.#start + this.#offset;
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
    const { total } = this.pages;
    this.#endUnseen ||= end > total && isEnd !== true;
    const offset = this.#start + this.#offset;
    const missing = Math.min(end, total, this.#end) - this.#offset;
    if (missing <= 0) return;
    this.#offset += missing;
    this.#lastKey = null;
    const { fileId, part } = this.#spec;
    const reason = failure.message;
    yield { kind: "gap", gap: { fileId, part, reason, offset, missing } };
  }
}

function totalOf<T>(parts: readonly Part<T>[]): number | undefined {
  return parts.find((part) => part.kind === "records")?.total;
}
