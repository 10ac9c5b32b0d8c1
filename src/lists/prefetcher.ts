/**
 * The pages of one list that are on their way: a sliding window of requests, as
 * far ahead as the run's slots and bytes allow, of sizes that the server gives
 * and the machine can hold. Which records are the list is not judged here.
 */
import { ProtocolError } from "../core/errors.ts";
import type { Permit } from "../api/memory_budget.ts";
import type { Page } from "./page.ts";
import type { ListSpec } from "../api/list_spec.ts";
import { endOf, type PageAddress, pageFrom, startOf } from "./page_address.ts";
import { type Fetched, fetchPlaces } from "./split_page.ts";
import type { Asking } from "./overlap.ts";
import { Task, type Work } from "../core/work.ts";
import type { Expected, WalkContext } from "./list_types.ts";

interface Flight<T> {
  readonly address: PageAddress;
  readonly permit: Permit;
  readonly result: Promise<Fetched<T>>;
}

/** A page of more than this is followed by smaller ones, in bytes. */
const HEAVY_PAGE_BYTES = 8 * 1024 * 1024;
/** How often the server may change its mind about the size of a page. */
const MOST_RESIZED = 5;

/** Asks for the pages of one list, in order and ahead of time. */
export class Prefetcher<T> implements Disposable {
  readonly #context: WalkContext;
  readonly #asking: Asking<T>;
  readonly #prefetcher: Flight<T>[] = [];
  readonly #task: Task;
  /** The place up to which pages were asked for before the total was known. */
  #blind = 0;
  /** The place from which the next page is to be asked for. */
  #next: number;
  /** The most records that the server gives a page, and whether it gives no fewer. */
  #limit: number;
  #fixed: boolean;
  /** The most records to ask for a page; fewer than the limit where they are heavy. */
  #most: number;
  #resized = 0;
  #pageBytes: number;
  #unfinished = 0;
  #ended = false;
  /** How many records the list has, as far as known; may be infinite. */
  total: number;

  /**
   * @param from The first place that is wanted.
   * @param known What is known of the list.
   */
  constructor(
    context: WalkContext,
    spec: ListSpec<T>,
    from: number,
    known: Expected,
  ) {
    this.#context = context;
    this.#task = new Task(context.work);
    this.#asking = { session: context.session, spec, cuts: { failed: 0 } };
    this.#next = from;
    this.#limit = known.most;
    this.#most = known.most;
    this.#fixed = known.fixed;
    this.#pageBytes = known.pageBytes;
    this.total = known.total;
  }

  /** What a walk over nearly the same list may expect. */
  get found(): Expected {
    return {
      total: this.total,
      most: this.#limit,
      fixed: this.#fixed,
      pageBytes: this.#pageBytes,
    };
  }

  /** Whether all is asked for: the last page reaches beyond the end, and so shows it. */
  get isAskedFor(): boolean {
    if (this.#next > this.total || this.total === 0) return true;
    // Where the next page would hold nothing but what is past the end.
    const next = startOf(this.#addressAt(this.#next));
    return this.#next === this.total && next >= this.total;
  }

  /** Whether nothing is left to ask for, nor to take. */
  get isOver(): boolean {
    return this.isAskedFor && this.#prefetcher.length === 0;
  }

  /** Tells how much there is to do from a place on, once the total is known. */
  announce(from: number): void {
    const until = (place: number) =>
      this.#workOf(Math.max(0, Math.min(this.total, place) - from));
    this.#task.expected(until(this.total));
    this.#task.done(until(this.#blind));
  }

  #workOf(records: number): Work {
    const { total } = this;
    const aPage = Math.min(this.#limit, total);
    return { requests: total === 0 ? 1 : records / aPage, records };
  }

  /**
   * What comes of the page that is to be taken next, or of one behind it.
   *
   * @param ahead 0 for the next, 1 for the one behind it.
   */
  async peek(ahead: 0 | 1): Promise<Fetched<T>> {
    while (this.#prefetcher.length <= ahead) {
      const { budget, signal } = this.#context;
      this.#fly(await budget.take(this.#pageBytes, signal));
    }
    this.#fill();
    return await this.#prefetcher[ahead]!.result;
  }

  /** Is done with the page that was to be taken next. */
  shift(): Disposable {
    const { permit } = this.#prefetcher.shift()!;
    return { [Symbol.dispose]: () => permit.release() };
  }

  /**
   * Believes the server's size of a page, and asks anew by it.
   *
   * @param page What the server gave.
   * @param from The first place that is still wanted.
   * @throws {ProtocolError} When it does not stop changing its mind.
   */
  resize({ size }: Page<T>, from: number): void {
    if (++this.#resized > MOST_RESIZED) {
      throw new ProtocolError("the server gives pages of ever other sizes");
    }
    this.#fixed = size > this.#prefetcher[0]!.address.size;
    this.#limit = size;
    this.#most = size;
    this.#forget();
    this.#next = from;
  }

  /** Gives back what pages hold that nobody is going to take. */
  [Symbol.dispose](): void {
    this.#ended = true;
    this.#task[Symbol.dispose]();
    this.#forget();
  }

  #forget(): void {
    for (const { permit } of this.#prefetcher) permit.release();
    this.#prefetcher.length = 0;
  }

  /** Starts as many later pages as the window and the budget allow. */
  #fill(): void {
    const { budget, inFlight, lookahead } = this.#context;
    while (
      !this.#ended && Number.isFinite(this.total) && !this.isAskedFor &&
      this.#unfinished < inFlight && this.#prefetcher.length < lookahead
    ) {
      const permit = budget.tryTake(this.#pageBytes);
      if (permit === null) return;
      this.#fly(permit);
    }
  }

  #fly(permit: Permit): void {
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
    this.#prefetcher.push({ address, permit, result });
  }

  #addressAt(place: number): PageAddress {
    if (!this.#fixed) return pageFrom(place, this.#most, this.total);
    return { page: Math.floor(place / this.#most) + 1, size: this.#most };
  }

  async #fetch(
    address: PageAddress,
    from: number,
    permit: Permit,
  ): Promise<Fetched<T>> {
    // The record before is wanted too, to see that it is still the same.
    const first = Math.max(startOf(address), from - 1);
    const isBlind = !Number.isFinite(this.total);
    if (isBlind) this.#blind = endOf(address);
    const got = await fetchPlaces(this.#asking, address, first, this.total);
    const to = Math.min(endOf(address), this.total);
    if (!isBlind && !this.#ended && to > from) {
      this.#task.done(this.#workOf(to - from));
    }
    if (got.kind === "resized" || got.bytes === 0) return got;
    permit.resize(got.bytes);
    // Believes a heavy page at once and a light one by and by.
    this.#pageBytes = Math.max(got.bytes, this.#pageBytes / 2);
    if (!this.#fixed) this.#weigh(got.bytes, address.size);
    return got;
  }

  /** Asks for fewer records a page where they are heavy, for more where not. */
  #weigh(bytes: number, records: number): void {
    if (bytes > HEAVY_PAGE_BYTES) {
      const fewer = Math.floor(records * HEAVY_PAGE_BYTES / bytes);
      this.#most = Math.max(1, Math.min(this.#most, fewer));
      this.#pageBytes = HEAVY_PAGE_BYTES;
    } else if (bytes < HEAVY_PAGE_BYTES / 2 && this.#most < this.#limit) {
      this.#most = Math.min(this.#limit, this.#most * 2);
    }
  }
}
