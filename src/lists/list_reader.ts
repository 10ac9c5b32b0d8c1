/**
 * Reads a list from a cursor on as one ordered stream. A list is one segment, or
 * several that follow on each other: the time windows of a long list of Logs.
 * While one is read the next is opened, so that no slot is idle between them.
 */
import type { ListSpec } from "../api/list_spec.ts";
import type { RawRecord } from "../api/records.ts";
import { KeySet } from "../core/key_set.ts";
import type {
  Batch,
  Cursor,
  PagingHints,
  ReaderContext,
} from "./list_types.ts";
import { SegmentReader } from "./segment_reader.ts";

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
  readonly hints?: PagingHints;
}

interface Opened<T> {
  readonly segment: ListSegment<T>;
  readonly reader: SegmentReader<T>;
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
    await reader.open();
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
  /** The segments that are not opened yet. */
  readonly #waiting: ListSegment<T>[];
  readonly #open = new Set<SegmentReader<T>>();
  #current: Opened<T> | null = null;
  #hints: PagingHints;
  #total: number;
  #mismatch: string | null = null;
  #sourceChanged = false;
  #ended = false;

  constructor(
    context: ReaderContext,
    segments: readonly ListSegment<T>[],
    cursor: Cursor,
    { end = Infinity, hints }: ReadOptions,
  ) {
    this.#context = context;
    this.#cursor = cursor;
    this.#end = end;
    const last = segments.at(-1)!;
    this.#waiting = segments.filter((segment) =>
      segment === last || segment.offset + segment.count! > cursor.offset
    );
    this.#total = last.offset + (last.count ?? 0);
    this.#hints = hints ??
      { maxPageSize: last.spec.pageSize, isFixedSize: false };
  }

  /** Opens the first segment. */
  async open(): Promise<void> {
    this.#current = await this.#openNext();
  }

  /** How many records the list has, as far as known. */
  get total(): number {
    return this.#total;
  }

  /** Whether the list changed while it was read. */
  get sourceChanged(): boolean {
    return this.#sourceChanged ||
      [...this.#open].some((reader) => reader.sourceChanged);
  }

  /** Gives the records of the next page without taking them, as far as it has any. */
  async peek(): Promise<readonly RawRecord<T>[]> {
    return await this.#current?.reader.peek() ?? [];
  }

  /** Whether nothing is left to ask for. */
  get isAskedFor(): boolean {
    return this.#waiting.length === 0 &&
      (this.#current?.reader.isAskedFor ?? true);
  }

  /** How the server gives its pages. */
  get hints(): PagingHints {
    return this.#current?.reader.hints ?? this.#hints;
  }

  /**
   * Judges what was read, at its end.
   *
   * @returns Why it cannot be called the list; `null` when it can.
   */
  checkConsistency(): string | null {
    return this.#mismatch;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Batch<T>, void> {
    while (this.#current !== null) {
      const next = this.#openNext();
      // Awaited below; a rejection before that must not end the process.
      next.catch(() => {});
      yield* this.#read(this.#current);
      this.#current = await next;
    }
  }

  [Symbol.dispose](): void {
    this.#ended = true;
    for (const reader of this.#open) reader[Symbol.dispose]();
  }

  async *#read({ segment, reader }: Opened<T>): AsyncGenerator<Batch<T>> {
    const { offset } = segment;
    for await (const batch of reader) {
      yield batch.kind === "records"
        ? { ...batch, offset: offset + batch.offset }
        : {
          ...batch,
          gap: { ...batch.gap, offset: offset + batch.gap.offset },
        };
    }
    if (this.#waiting.length === 0) this.#total = offset + reader.total;
    this.#mismatch ??= reader.checkConsistency();
    this.#sourceChanged ||= reader.sourceChanged;
    this.#hints = reader.hints;
    reader[Symbol.dispose]();
    this.#open.delete(reader);
  }

  async #openNext(): Promise<Opened<T> | null> {
    const segment = this.#waiting[0];
    if (segment === undefined || segment.offset >= this.#end) return null;
    const { offset, count, spec } = segment;
    const inside = this.#cursor.offset >= offset;
    const reader = new SegmentReader(this.#context, spec, {
      cursor: inside
        ? { ...this.#cursor, offset: this.#cursor.offset - offset }
        : atBeginning(),
      end: this.#end - offset,
      count,
      hints: this.hints,
    });
    this.#open.add(reader);
    if (this.#ended) reader[Symbol.dispose]();
    await reader.open();
    this.#waiting.shift();
    if (this.#waiting.length === 0) this.#total = offset + reader.total;
    return { segment, reader };
  }
}
