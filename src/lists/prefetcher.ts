/**
 * Requests the pages of one list ahead of time: a sliding window, as far ahead
 * as the run's slots and bytes allow, of sizes that the server gives and the
 * machine can hold. It does not judge which records are the list.
 */
import type { ListSpec } from "../api/list_spec.ts";
import type { Permit } from "../api/memory_budget.ts";
import { ProtocolError } from "../core/errors.ts";
import type { PagingHints, ReaderContext } from "./list_types.ts";
import { endOf, type PageAddress, pageFrom, startOf } from "./page_address.ts";
import type { Page } from "./page.ts";
import {
  FailureCount,
  type Fetched,
  fetchRange,
  type RangeSource,
} from "./split_page.ts";

interface PendingPage<T> {
  readonly address: PageAddress;
  readonly permit: Permit;
  readonly result: Promise<Fetched<T>>;
}

/** A page of more than this is followed by smaller ones, in bytes. */
const HEAVY_PAGE_BYTES = 8 * 1024 * 1024;
/** A page of more than this is asked for again in smaller ones, in bytes. */
const MAX_PAGE_BYTES = 2 * HEAVY_PAGE_BYTES;
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
  /** How the server gave pages of nearly the same list. */
  readonly hints: PagingHints;
}

/** Asks for the pages of one list, in order and ahead of time. */
export class Prefetcher<T> implements Disposable {
  readonly #context: ReaderContext;
  readonly #source: RangeSource<T>;
  readonly #end: number;
  readonly #pages: PendingPage<T>[] = [];
  /** The offset from which the next page is to be asked for. */
  #next: number;
  #hints: PagingHints;
  /** The most records to ask for a page; fewer than the server's most where they are heavy. */
  #most: number;
  #resized = 0;
  #pageBytes: number;
  #unfinished = 0;
  #ended = false;
  total: number;

  constructor(
    context: ReaderContext,
    spec: ListSpec<T>,
    { from, end, total, hints }: PrefetcherOptions,
  ) {
    this.#context = context;
    this.#source = {
      session: context.session,
      spec,
      failures: new FailureCount(),
      maxBytes: MAX_PAGE_BYTES,
    };
    this.#next = from;
    this.#end = end;
    this.#hints = hints;
    this.total = total;
    const weight = context.weights.of(spec.records);
    const fitting = weight === null
      ? hints.maxPageSize
      : Math.max(1, Math.floor(HEAVY_PAGE_BYTES / weight));
    this.#most = hints.isFixedSize
      ? hints.maxPageSize
      : Math.min(hints.maxPageSize, fitting);
    this.#pageBytes = weight === null
      ? MAX_PAGE_BYTES
      : Math.min(MAX_PAGE_BYTES, weight * this.#most);
  }

  /** What the reader of a similar list may expect. */
  get hints(): PagingHints {
    return this.#hints;
  }

  /** Whether all is asked for: the last page reaches beyond the end, and so shows it. */
  get isAskedFor(): boolean {
    if (this.#next >= this.#end) return true;
    if (this.#next > this.total || this.total === 0) return true;
    // Where the next page would hold nothing but what is past the end.
    const next = startOf(this.#addressAt(this.#next));
    return this.#next === this.total && next >= this.total;
  }

  /** Whether nothing is left to ask for, nor to take. */
  get isOver(): boolean {
    return this.isAskedFor && this.#pages.length === 0;
  }

  /**
   * Gives what came of the page that is to be taken next, or of one behind it.
   *
   * @param ahead 0 for the next, 1 for the one behind it.
   * @param prefetches Whether later pages are asked for too: the reader may only
   * want to know what the list is like.
   */
  async peek(ahead: 0 | 1, prefetches = true): Promise<Fetched<T>> {
    while (this.#pages.length <= ahead) {
      const { budget, signal } = this.#context;
      this.#request(await budget.take(this.#pageBytes, signal));
    }
    if (prefetches) this.#fill();
    return await this.#pages[ahead]!.result;
  }

  /** Takes the next page; disposing the result gives its bytes back. */
  shift(): Disposable {
    const { permit } = this.#pages.shift()!;
    return { [Symbol.dispose]: () => permit.release() };
  }

  /**
   * Takes over the server's size of a page, and asks anew by it.
   *
   * @param page What the server gave.
   * @param from The first offset that is still wanted.
   * @throws {ProtocolError} When the server does not stop changing it.
   */
  resize({ size }: Page<T>, from: number): void {
    if (++this.#resized > MOST_RESIZED) {
      throw new ProtocolError("the server keeps changing its page size");
    }
    const isFixedSize = size > this.#pages[0]!.address.size;
    this.#hints = { maxPageSize: size, isFixedSize };
    this.#restart(size, from);
  }

  /**
   * Asks anew for smaller pages than one that was too large.
   *
   * @param from The first offset that is still wanted.
   */
  shrink({ size }: PageAddress, from: number): void {
    this.#pageBytes = MAX_PAGE_BYTES / 2;
    this.#restart(
      Math.max(1, Math.min(this.#most, Math.floor(size / 4))),
      from,
    );
  }

  /** Gives back the permits of pages that will not be taken. */
  [Symbol.dispose](): void {
    this.#ended = true;
    this.#forget();
  }

  #restart(most: number, from: number): void {
    this.#most = most;
    this.#forget();
    this.#next = from;
  }

  #forget(): void {
    for (const { permit } of this.#pages) permit.release();
    this.#pages.length = 0;
  }

  /** Requests as many later pages as the window and the budget allow. */
  #fill(): void {
    const { budget, inFlight, lookahead } = this.#context;
    while (
      !this.#ended && Number.isFinite(this.total) && !this.isAskedFor &&
      this.#unfinished < inFlight && this.#pages.length < lookahead
    ) {
      const permit = budget.tryTake(this.#pageBytes);
      if (permit === null) return;
      this.#request(permit);
    }
  }

  #request(permit: Permit): void {
    const from = this.#next;
    const address = this.#addressAt(from);
    this.#next = endOf(address);
    this.#unfinished++;
    const result = this.#fetch(address, from, permit).finally(() => {
      this.#unfinished--;
      this.#fill();
    });
    // Awaited in its turn; a rejection before that must not end the process.
    result.catch(() => {});
    this.#pages.push({ address, permit, result });
  }

  #addressAt(offset: number): PageAddress {
    const size = this.#most;
    if (!this.#hints.isFixedSize) {
      return pageFrom(offset, size, { total: this.total });
    }
    return { page: Math.floor(offset / size) + 1, size };
  }

  async #fetch(
    address: PageAddress,
    from: number,
    permit: Permit,
  ): Promise<Fetched<T>> {
    // The record before is wanted too, to see that it is still the same.
    const first = Math.max(startOf(address), from - 1);
    const fetched = await fetchRange(this.#source, address, first, this.total);
    if (fetched.kind !== "parts" || fetched.bytes === 0) return fetched;
    const { bytes, parts: [page] } = fetched;
    permit.resize(bytes);
    const count = page?.kind === "records" ? page.records.length : 0;
    this.#context.weights.observe(this.#source.spec.records, count, bytes);
    // Counts a heavy page at once, and lighter ones by and by.
    this.#pageBytes = this.#pageBytes >= MAX_PAGE_BYTES / 2
      ? bytes
      : Math.max(bytes, this.#pageBytes / 2);
    if (!this.#hints.isFixedSize) this.#weigh(bytes, address.size);
    return fetched;
  }

  /** Asks for fewer records a page where they are heavy, for more where not. */
  #weigh(bytes: number, records: number): void {
    const { maxPageSize } = this.#hints;
    if (bytes > HEAVY_PAGE_BYTES) {
      const fewer = Math.floor(records * HEAVY_PAGE_BYTES / bytes);
      this.#most = Math.max(1, Math.min(this.#most, fewer));
    } else if (bytes < HEAVY_PAGE_BYTES / 2 && this.#most < maxPageSize) {
      this.#most = Math.min(maxPageSize, this.#most * 2);
    }
  }
}
