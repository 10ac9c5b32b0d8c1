/**
 * Requests the pages of one list ahead of time: a sliding window, as far ahead
 * as the run's slots and memory budget allow, of sizes that server and memory
 * permit. It does not judge which records are the list.
 */
import type { ListSpec } from "../api/list_spec.ts";
import type { Permit } from "../api/session/memory_budget.ts";
import { ProtocolError } from "../core/errors.ts";
import { endOf, type PageAddress, pageFrom, startOf } from "./page_address.ts";
import type { ListHints, ReaderContext } from "./reader_context.ts";
import {
  FailureCount,
  type Fetched,
  fetchRange,
  type Parts,
} from "./split_page.ts";

interface PendingPage<T> {
  /** The first offset of it that is wanted. */
  readonly from: number;
  readonly address: PageAddress;
  readonly permit: Permit;
  readonly result: Promise<Fetched<T>>;
}

/** A page of more than this is followed by smaller ones, in bytes. */
const HEAVY_PAGE_BYTES = 8 * 1024 * 1024;
/** A page of more than this is requested again in smaller ones, in bytes. */
const MAX_PAGE_BYTES = 2 * HEAVY_PAGE_BYTES;
/**
 * The same while the weight of such records is unknown, so that the first pages
 * of many lists fit into memory.
 */
const MAX_UNKNOWN_PAGE_BYTES = HEAVY_PAGE_BYTES / 2;
/** How much of an estimate a lighter page replaces. */
const LIGHTER_SHARE = 0.25;
/** How often the server may change the size of its pages. */
const MOST_RESIZED = 5;

/** What a {@linkcode Prefetcher} is made from. */
export interface PrefetcherOptions {
  /** The first offset that is wanted. */
  readonly from: number;
  /** The offset behind the last that is wanted; infinite for all. */
  readonly end: number;
  /** How many records the list has, as far as known; may be infinite. */
  readonly total: number;
}

/** Requests the pages of one list, in order and ahead of time. */
export class Prefetcher<T> implements Disposable {
  readonly #context: ReaderContext;
  readonly #end: number;
  readonly #failures = new FailureCount();
  readonly #pages: PendingPage<T>[] = [];
  /** What this list's own records weigh; `null` while none was seen. */
  #ownBytes: number | null = null;
  /** What they are taken to weigh where a page was too large; `null` where none was. */
  #assumedBytes: number | null = null;
  /** The offset from which the next page is requested. */
  #next: number;
  #hints: ListHints;
  /** The most records to ask for a page; fewer than the server's most where they are heavy. */
  #most: number;
  #resized = 0;
  #unfinished = 0;
  #ended = false;
  total: number;
  /** How pages are requested from now on. */
  spec: ListSpec<T>;

  constructor(
    context: ReaderContext,
    spec: ListSpec<T>,
    { from, end, total }: PrefetcherOptions,
  ) {
    this.#context = context;
    this.spec = spec;
    this.#next = from;
    this.#end = end;
    this.total = total;
    this.#hints = this.#sharedHints;
    const { maxPageSize, isFixedSize } = this.#hints;
    const fitting = Math.floor(HEAVY_PAGE_BYTES / (this.#recordBytes ?? 1));
    this.#most = isFixedSize
      ? maxPageSize
      : Math.max(1, Math.min(maxPageSize, fitting));
  }

  /**
   * Whether every page has been requested: the last reaches beyond the end, and
   * so shows it.
   */
  get isAskedFor(): boolean {
    if (this.#next >= this.#end) return true;
    if (this.#next > this.total || this.total === 0) return true;
    // The next page would hold only what is past the end.
    const next = startOf(this.#addressAt(this.#next));
    return this.#next === this.total && next >= this.total;
  }

  /** Whether nothing is left to request or to take. */
  get isOver(): boolean {
    return this.isAskedFor && this.#pages.length === 0;
  }

  /**
   * Returns the result of the page that is taken next, or of the one behind it.
   * Pages of a size that the server or the memory does not permit are requested
   * again in another.
   *
   * @param ahead 0 for the next page, 1 for the one behind it.
   * @throws {ProtocolError} When the server keeps changing the size of its pages.
   */
  async peek(ahead: 0 | 1 = 0): Promise<Parts<T>> {
    const { budget, signal } = this.#context;
    while (true) {
      while (this.#pages.length <= ahead) {
        this.#request(await budget.take(this.#pageBytes, signal));
      }
      const { result, address } = this.#pages[ahead]!;
      const fetched = await result;
      if (fetched.kind === "parts") return fetched;
      if (fetched.kind === "resized") this.#resize(fetched.size, address);
      else this.#shrink(address);
      this.#next = this.#pages[0]!.from;
      this.#forget();
    }
  }

  /** Takes the next page; disposing the result gives its bytes back. */
  shift(): Disposable {
    const { permit } = this.#pages.shift()!;
    return { [Symbol.dispose]: () => permit.release() };
  }

  /** Requests as many pages as the window and the budget allow. */
  prefetch(): void {
    const { budget, inFlight, lookahead } = this.#context;
    while (
      !this.#ended && !this.isAskedFor &&
      (Number.isFinite(this.total) || this.#pages.length === 0) &&
      this.#unfinished < inFlight && this.#pages.length < lookahead
    ) {
      const permit = budget.tryTake(this.#pageBytes);
      if (permit === null) return;
      this.#request(permit);
    }
  }

  /** Gives back the permits of pages that will not be taken. */
  [Symbol.dispose](): void {
    this.#ended = true;
    this.#forget();
  }

  #forget(): void {
    for (const { permit } of this.#pages) permit.release();
    this.#pages.length = 0;
  }

  /** Requests the next page. */
  #request(permit: Permit): void {
    const from = this.#next;
    const address = this.#addressAt(from);
    this.#next = endOf(address);
    this.#unfinished++;
    const source = {
      session: this.#context.session,
      spec: this.spec,
      failures: this.#failures,
      maxBytes: this.#recordBytes === null
        ? MAX_UNKNOWN_PAGE_BYTES
        : MAX_PAGE_BYTES,
    };
    // Includes the record before, to see that it is still the same.
    const first = Math.max(startOf(address), from - 1);
    const result = fetchRange(source, address, first, this.total)
      .then((fetched) => {
        this.#learnFrom(fetched, address, permit);
        return fetched;
      })
      .finally(() => {
        this.#unfinished--;
        this.prefetch();
      });
    // It is awaited later; a rejection before that must not end the process.
    result.catch(() => {});
    this.#pages.push({ from, address, permit, result });
  }

  #addressAt(offset: number): PageAddress {
    const size = this.#most;
    if (!this.#hints.isFixedSize) {
      return pageFrom(offset, size, { total: this.total });
    }
    return { page: Math.floor(offset / size) + 1, size };
  }

  /** What is known of lists of this kind by now. */
  get #sharedHints(): ListHints {
    const { records, pageSize } = this.spec;
    return this.#context.hints.get(records) ??
      { maxPageSize: pageSize, isFixedSize: false, recordBytes: null };
  }

  #share(learnt: Partial<ListHints>): void {
    const hints = { ...this.#sharedHints, ...learnt };
    this.#context.hints.set(this.spec.records, hints);
  }

  /** What a record weighs, by pages of this list or else of others; `null` while none was seen. */
  get #recordBytes(): number | null {
    return this.#ownBytes ?? this.#assumedBytes ??
      this.#sharedHints.recordBytes;
  }

  /** What the next page may weigh. */
  get #pageBytes(): number {
    const bytes = this.#recordBytes;
    if (bytes === null) return MAX_UNKNOWN_PAGE_BYTES;
    return Math.min(MAX_PAGE_BYTES, bytes * this.#most);
  }

  /** Corrects the estimates by the weight of a page. */
  #learnFrom(
    fetched: Fetched<T>,
    { size }: PageAddress,
    permit: Permit,
  ): void {
    if (fetched.kind !== "parts") return;
    const { parts: [first, ...others], bytes } = fetched;
    // A list must hold nothing while it waits for the next page.
    if (bytes === 0) permit.release();
    if (first?.kind !== "records" || others.length > 0) return;
    permit.resize(bytes);
    if (first.records.length > 0) {
      const weight = bytes / first.records.length;
      this.#ownBytes = estimate(this.#ownBytes, weight);
      const recordBytes = estimate(this.#sharedHints.recordBytes, weight);
      this.#share({ recordBytes });
    }
    const { maxPageSize, isFixedSize } = this.#hints;
    if (isFixedSize) return;
    if (bytes > HEAVY_PAGE_BYTES) {
      const fewer = Math.floor(size * HEAVY_PAGE_BYTES / bytes);
      this.#most = Math.max(1, Math.min(this.#most, fewer));
    } else if (bytes < HEAVY_PAGE_BYTES / 2) {
      this.#most = Math.min(maxPageSize, this.#most * 2);
    }
  }

  /** Adopts the server's page size. */
  #resize(size: number, asked: PageAddress): void {
    if (++this.#resized > MOST_RESIZED) {
      throw new ProtocolError("the server keeps changing its page size");
    }
    this.#share({ maxPageSize: size, isFixedSize: size > asked.size });
    this.#hints = this.#sharedHints;
    this.#most = size;
  }

  /** Requests fewer records a page from now on, after one was too large. */
  #shrink({ size }: PageAddress): void {
    this.#most = Math.max(1, Math.min(this.#most, Math.floor(size / 4)));
    this.#assumedBytes = HEAVY_PAGE_BYTES / this.#most;
  }
}

/** Estimates anew what a record weighs: heavier ones count at once, lighter ones by and by. */
function estimate(before: number | null, seen: number): number {
  if (before === null || seen > before) return seen;
  return before + (seen - before) * LIGHTER_SHARE;
}
