/**
 * Reads a list from a cursor on as one ordered stream of batches, and judges
 * whether they are the list: pages must agree about its length, share the record
 * where they meet, and hold no record twice. Records that cannot be had are a gap
 * at their offsets, never the end of the list.
 *
 * A list is one segment, or several that follow on each other: the time windows
 * of a long list of Logs. Once all of one is asked for the next is prefetched, so
 * that no slot is idle between them.
 */
import type { ListSpec } from "../api/list_spec.ts";
import type { RawRecord } from "../api/records.ts";
import type { RecordGap } from "../core/gap.ts";
import { KeySet } from "../core/key_set.ts";
import { Prefetcher } from "./prefetcher.ts";
import type { ReaderContext } from "./reader_context.ts";
import { isSplittable, type Part } from "./split_page.ts";

/** A list that grows beyond twice its length and this is not followed forever. */
const FARTHEST_BEYOND = 10_000;

/** What a list reader yields: records at consecutive offsets, or a gap. */
export type Batch<T> =
  | {
    readonly kind: "records";
    readonly offset: number;
    readonly records: readonly RawRecord<T>[];
  }
  | { readonly kind: "gap"; readonly gap: RecordGap };

/** Where reading starts. */
export interface Cursor {
  /** Records of the list before it. */
  readonly offset: number;
  /** The key of the last of them; `null` where it is not known. */
  readonly lastKey: string | null;
  /** The keys that a record from here on must not have. */
  readonly keys: KeySet;
}

/** Part of a list that is asked for with parameters of its own. */
export interface ListSegment<T> {
  readonly spec: ListSpec<T>;
  /** Index in the list of its first record. */
  readonly offset: number;
  /** How many records it holds; `null`, for the last only, where that is still to be asked. */
  readonly count: number | null;
}

/** How a list is read. */
export interface ReadOptions {
  /** The offset behind the last record that is wanted; absent for all. */
  readonly end?: number | undefined;
}

/**
 * Opens a list.
 *
 * @param context What the readers of the run share.
 * @param segments The list, in order; at least one.
 * @param cursor Where to start.
 * @returns The reader, whose `total` is known.
 * @throws {ApiError | NetworkError | ProtocolError} When it cannot be opened.
 */
export async function openList<T>(
  context: ReaderContext,
  segments: readonly ListSegment<T>[],
  cursor: Cursor = atBeginning(),
  options: ReadOptions = {},
): Promise<ListReader<T>> {
  const reader = new ListReader(context, segments, cursor, options);
  try {
    await reader.openNext();
    return reader;
  } catch (error) {
    reader[Symbol.dispose]();
    throw error;
  }
}

/** Makes one segment of the whole list. */
export function wholeList<T>(spec: ListSpec<T>): readonly ListSegment<T>[] {
  return [{ spec, offset: 0, count: null }];
}

/** Makes the cursor at a list's beginning. */
export function atBeginning(): Cursor {
  return { offset: 0, lastKey: null, keys: new KeySet() };
}

/** Reads one list; dispose it when done. */
export class ListReader<T> implements Disposable {
  readonly #context: ReaderContext;
  readonly #cursor: Cursor;
  readonly #end: number;
  /** The segments behind the one that is read. */
  readonly #waiting: ListSegment<T>[];
  /** The pages of the segment that is read; `null` behind the last. */
  #pages: Prefetcher<T> | null = null;
  /** Those of the segment behind it, once they are requested ahead. */
  #ahead: Prefetcher<T> | null = null;
  /** Index in the list of the segment's first record; the next offset is the segment's own. */
  #start = 0;
  /** The offset to be yielded next. */
  #offset = 0;
  /** The key of the record before it; `null` where that is not known. */
  #lastKey: string | null = null;
  /** The keys that no further record of the segment may have. */
  #keys = new KeySet();
  /** What the segment's `total` was at the beginning. */
  #firstTotal = Infinity;
  /** Whether two pages disagreed about `total`. */
  #totalChanged = false;
  /** Whether two responses held different records at the same offset. */
  #overlapMismatch = false;
  /** How many records came a second time and were left out. */
  #repeated = 0;
  /** Whether what may be behind the end could not be asked for. */
  #endUnseen = false;
  #total: number;
  #mismatch: string | null = null;

  constructor(
    context: ReaderContext,
    segments: readonly ListSegment<T>[],
    cursor: Cursor,
    { end = Infinity }: ReadOptions,
  ) {
    this.#context = context;
    this.#cursor = cursor;
    this.#end = end;
    const last = segments.at(-1)!;
    // Opens a segment that ends at the cursor too: its end may not have been
    // seen.
    this.#waiting = segments.filter(({ offset, count }) =>
      offset === last.offset || offset + count! >= Math.max(1, cursor.offset)
    );
    this.#total = last.offset + (last.count ?? 0);
  }

  /** How many records the list has, as far as known. */
  get total(): number {
    return this.#total;
  }

  /** Whether the list changed while it was read: its pages do not fit together. */
  get sourceChanged(): boolean {
    return this.#totalChanged || this.#overlapMismatch || this.#repeated > 0;
  }

  /** Whether every page has been requested. */
  get isAskedFor(): boolean {
    return this.#waiting.length === 0 && (this.#pages?.isAskedFor ?? true);
  }

  /** Gives the records of the next page without taking them, as far as it has any. */
  async peek(): Promise<readonly RawRecord<T>[]> {
    const { parts } = await this.#pages?.peek() ?? { parts: [] };
    return parts.flatMap((part) => part.kind === "records" ? part.records : []);
  }

  /**
   * Reads the rest of the list as other segments, keeps the pages that have
   * arrived, and starts to prefetch.
   *
   * @param spec Asks for the very records of the list that was opened.
   */
  continueAs(spec: ListSpec<T>): void {
    if (this.#pages === null) return;
    this.#pages.spec = spec;
    this.#pages.prefetch();
  }

  /**
   * Checks, at the end of the list, whether what was read is the list.
   *
   * @returns Why it is not; `null` when it is.
   */
  checkConsistency(): string | null {
    return this.#mismatch;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Batch<T>, void> {
    while (this.#pages !== null) {
      const pages = this.#pages;
      const farthest = 2 * this.#firstTotal + FARTHEST_BEYOND;
      // A last page may only show that the end is one.
      while (this.#offset < farthest && !pages.isOver) {
        // If the list shrank and grew, what is left was asked for when it was not there.
        if (this.#totalChanged && this.#offset >= pages.total) break;
        pages.prefetch();
        const page = await pages.peek();
        using _permit = pages.shift();
        this.#overlapMismatch ||= page.overlapMismatch;
        for (const part of page.parts) {
          const batch = this.#take(part, pages);
          if (batch === null) continue;
          if (pages.isAskedFor) this.#nextPages()?.prefetch();
          yield batch;
        }
      }
      this.#noteTotal(pages);
      this.#mismatch ??= this.#judge(pages);
      pages[Symbol.dispose]();
      await this.openNext();
    }
  }

  /**
   * Opens the next segment, where one is left. Makes sure of its total by the
   * first page that comes, of the two that the reading begins with.
   *
   * @throws {ApiError | NetworkError | ProtocolError} When neither can be had.
   */
  async openNext(): Promise<void> {
    const pages = this.#nextPages();
    this.#pages = pages;
    this.#ahead = null;
    if (pages === null) return;
    const { offset, count } = this.#waiting.shift()!;
    const isInside = this.#cursor.offset >= offset;
    this.#start = offset;
    this.#offset = isInside ? this.#cursor.offset - offset : 0;
    this.#lastKey = isInside ? this.#cursor.lastKey : null;
    this.#keys = isInside ? this.#cursor.keys : new KeySet();
    if (count !== null) pages.prefetch();
    const { parts } = await pages.peek();
    let total = totalOf(parts);
    if (total === undefined) {
      // The page behind has the total too, and what this one lacks is a gap.
      const failure = parts.find((part) => part.kind === "gap")?.failure;
      if (failure === undefined || !isSplittable(failure)) throw failure;
      total = totalOf((await pages.peek(1)).parts) ?? 0;
      if (total <= this.#offset) throw failure;
    }
    this.#totalChanged ||= count !== null && total !== count;
    this.#firstTotal = total;
    pages.total = total;
    this.#noteTotal(pages);
  }

  [Symbol.dispose](): void {
    this.#pages?.[Symbol.dispose]();
    this.#ahead?.[Symbol.dispose]();
  }

  /** Gives the pages of the next segment; `null` where none is wanted. */
  #nextPages(): Prefetcher<T> | null {
    const [segment] = this.#waiting;
    if (segment === undefined || segment.offset >= this.#end) return null;
    const { spec, offset, count } = segment;
    this.#ahead ??= new Prefetcher(this.#context, spec, {
      from: Math.max(0, this.#cursor.offset - offset),
      end: this.#end - offset,
      total: count ?? Infinity,
    });
    return this.#ahead;
  }

  /** Learns the length of the list from its last segment. */
  #noteTotal({ total }: Prefetcher<T>): void {
    if (this.#waiting.length === 0) this.#total = this.#start + total;
  }

  /** Judges the segment that was read, at its end. */
  #judge({ total }: Prefetcher<T>): string | null {
    const first = this.#firstTotal;
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
    const wanted = Math.min(first, this.#end - this.#start);
    if (this.#offset === wanted) return null;
    return `the API says ${first} records, the list holds ${this.#offset} distinct ones`;
  }

  /** Makes a batch of what is new of a part, and judges whether it fits; `null` where nothing is. */
  #take(part: Part<T>, pages: Prefetcher<T>): Batch<T> | null {
    const end = this.#end - this.#start;
    if (this.#offset >= end) return null;
    if (part.kind === "gap") return this.#takeGap(part, pages);
    const { records, offset, total } = part;
    this.#totalChanged ||= total !== pages.total;
    pages.total = total;
    if (records.length > 0 && offset > this.#offset) {
      // It shrank and grew again.
      this.#totalChanged = true;
      this.#offset = offset;
    }
    const index = this.#offset - offset;
    const keyOf = ({ info }: RawRecord<T>) => pages.spec.key(info);
    const shared = records[index - 1];
    if (shared !== undefined && this.#lastKey !== null) {
      this.#overlapMismatch ||= keyOf(shared) !== this.#lastKey;
    }
    const wanted = records.slice(Math.max(0, index), end - offset);
    if (wanted.length === 0) return null;
    const from = this.#start + this.#offset;
    this.#offset += wanted.length;
    this.#lastKey = keyOf(wanted.at(-1)!);
    const fresh = wanted.filter((record) => this.#keys.add(keyOf(record)));
    this.#repeated += wanted.length - fresh.length;
    return fresh.length === 0
      ? null
      : { kind: "records", offset: from, records: fresh };
  }

  #takeGap(
    { end, isEnd, failure }: Part<T> & { readonly kind: "gap" },
    { total, spec }: Prefetcher<T>,
  ): Batch<T> | null {
    this.#endUnseen ||= end > total && isEnd !== true;
    const offset = this.#start + this.#offset;
    const missing = Math.min(end, total, this.#end - this.#start) -
      this.#offset;
    if (missing <= 0) return null;
    this.#offset += missing;
    this.#lastKey = null;
    const { fileId, part } = spec;
    const reason = failure.message;
    return { kind: "gap", gap: { fileId, part, reason, offset, missing } };
  }
}

function totalOf<T>(parts: readonly Part<T>[]): number | undefined {
  return parts.find((part) => part.kind === "records")?.total;
}
