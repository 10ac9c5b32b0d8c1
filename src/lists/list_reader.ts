/**
 * Reads a list from a cursor on as one ordered stream. A list is one segment,
 * or several that follow on each other: the time windows of a long list of
 * Logs. Once all pages of one are requested, the next is prefetched, so that no
 * slot is idle between them.
 */
import type { ListSpec } from "../api/list_spec.ts";
import type { RawRecord } from "../api/records.ts";
import { KeySet } from "../core/key_set.ts";
import type {
  Batch,
  Cursor,
  ListSegment,
  ReaderContext,
} from "./list_types.ts";
import { SegmentReader } from "./segment_reader.ts";

export type { ListSegment } from "./list_types.ts";

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
  /** The segments that have no reader yet. */
  readonly #waiting: ListSegment<T>[];
  #current: SegmentReader<T> | null = null;
  /** The reader after the current one, not opened yet. */
  #next: SegmentReader<T> | null = null;
  #total: number;
  #mismatch: string | null = null;
  #sourceChanged = false;

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

  /** Whether the list changed while it was read. */
  get sourceChanged(): boolean {
    return this.#sourceChanged || (this.#current?.sourceChanged ?? false);
  }

  /** Returns the records of the next page, if any, without taking them. */
  async peek(): Promise<readonly RawRecord<T>[]> {
    if (this.#current === null) return [];
    const { parts } = await this.#current.pages.peek();
    return parts.flatMap((part) => part.kind === "records" ? part.records : []);
  }

  /** Whether every page has been requested. */
  get isAskedFor(): boolean {
    return this.#waiting.length === 0 &&
      (this.#current?.pages.isAskedFor ?? true);
  }

  /**
   * Reads the rest of the list as other segments, keeps the pages that have
   * arrived, and starts to prefetch.
   *
   * @param segments The first begins with the same records as the list that was
   * opened.
   */
  continueAs([first, ...others]: readonly ListSegment<T>[]): void {
    if (this.#current === null || first === undefined) return;
    const { pages } = this.#current;
    pages.spec = first.spec;
    pages.prefetch();
    this.#waiting.push(...others);
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
    while (this.#current !== null) {
      const reader = this.#current;
      for await (const batch of reader) {
        if (reader.pages.isAskedFor) this.#makeNext()?.pages.prefetch();
        yield batch;
      }
      this.#noteTotal(reader);
      this.#mismatch ??= reader.checkConsistency();
      this.#sourceChanged ||= reader.sourceChanged;
      reader[Symbol.dispose]();
      await this.openNext();
    }
  }

  /** Opens the next segment, where one is left. */
  async openNext(): Promise<void> {
    this.#current = this.#makeNext();
    this.#next = null;
    await this.#current?.open();
    this.#noteTotal(this.#current);
  }

  [Symbol.dispose](): void {
    this.#current?.[Symbol.dispose]();
    this.#next?.[Symbol.dispose]();
  }

  #makeNext(): SegmentReader<T> | null {
    const [segment] = this.#waiting;
    if (this.#next !== null || segment === undefined) return this.#next;
    if (segment.offset >= this.#end) return null;
    this.#waiting.shift();
    const isInside = this.#cursor.offset >= segment.offset;
    this.#next = new SegmentReader(this.#context, segment, {
      cursor: isInside
        ? this.#cursor
        : { ...atBeginning(), offset: segment.offset },
      end: this.#end,
    });
    return this.#next;
  }

  /** Learns the length of the list from its last segment. */
  #noteTotal(reader: SegmentReader<T> | null): void {
    const isLast = this.#waiting.length === 0 && this.#next === null;
    if (reader !== null && isLast) this.#total = reader.end;
  }
}
