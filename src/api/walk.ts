/**
 * Walks a list as an ordered stream: the first page tells how many records there
 * are, then a sliding window of requests is in flight while earlier pages are
 * being written. No barrier between pages, no request past the end. A page that
 * cannot be had is a gap in its place, never the end of the list.
 */
import { ProtocolError } from "../errors.ts";
import type { Lease } from "./budget.ts";
import {
  type Fetched,
  fetchPageOrFailure,
  isSpecific,
  type ListSpec,
} from "./page.ts";
import { RecentKeys } from "./recent_keys.ts";
import type {
  Expected,
  WalkContext,
  WalkEvent,
  WalkStart,
} from "./walk_types.ts";

interface Flight<T> {
  readonly lease: Lease;
  readonly result: Promise<Fetched<T>>;
}

/** One walk over one list; `openWalk` begins it, disposing ends it. */
export class Walk<T> implements Disposable {
  readonly #context: WalkContext;
  readonly #spec: ListSpec<T>;
  readonly #size: number;
  readonly #flights = new Map<number, Flight<T>>();
  readonly #recent: RecentKeys;
  /** The page to be written next, from 1. */
  #number: number;
  /** The page to be started next. */
  #next: number;
  #unfinished = 0;
  #ended = false;
  #pageBytes: number;
  /** How many records the list has, as the newest page says. */
  total: number;
  /** What `total` was at the beginning. */
  #firstTotal: number;
  /** Whether two pages disagreed about `total`. */
  changed = false;
  /** How many records came a second time and were left out. */
  repeated = 0;

  constructor(
    context: WalkContext,
    spec: ListSpec<T>,
    start: WalkStart,
    known: Expected,
  ) {
    this.#context = context;
    this.#spec = spec;
    this.#size = known.size;
    this.#recent = new RecentKeys(start.recent);
    this.#pageBytes = known.pageBytes;
    this.total = known.total;
    this.#firstTotal = known.total;
    this.#number = start.skip / known.size + 1;
    this.#next = this.#number;
  }

  /** Takes over what came of the page that it begins with. */
  begin(first: Fetched<T>, lease: Lease): void {
    const result = Promise.resolve(first);
    this.#flights.set(this.#next++, { lease, result });
    this.#expectRequests(this.pages - this.#number);
  }

  /**
   * Starts at once on what another walk has found out, and corrects it by the
   * first page that comes, of the two that it begins with.
   *
   * @throws {ApiError | NetworkError | ProtocolError} When neither can be had.
   */
  async beginExpecting(): Promise<void> {
    this.#expectRequests(this.pages - this.#number + 1);
    const { budget, signal } = this.#context;
    this.#start(this.#next++, await budget.take(this.#pageBytes, signal));
    this.#fill();
    const first = await this.#flights.get(this.#number)!.result;
    const { page } = first.page !== undefined || !isSpecific(first.failure)
      ? first
      : await this.#flights.get(this.#number + 1)?.result ?? first;
    const tells = first.failure === undefined ||
      page !== undefined && page.total > (this.#number - 1) * this.#size;
    if (page === undefined || !tells) throw first.failure;
    this.total = page.total;
    this.#firstTotal = page.total;
  }

  /** Whether the list moved under the walk: its pages don't fit together. */
  get moved(): boolean {
    return this.changed || this.repeated > 0;
  }

  /**
   * Judges a walk at its end.
   *
   * @param places How many places it came to, empty ones included.
   * @returns Why its records cannot be called the list; `null` when they can.
   */
  mismatch(places: number): string | null {
    const total = this.#firstTotal;
    if (this.changed) {
      return `the source changed while it was read, from ${total} to ${this.total} records`;
    }
    if (places === total && !this.moved) return null;
    return `the API says ${total} records, the list holds ${places} distinct ones`;
  }

  /** What a walk over nearly the same list may expect. */
  get found(): Expected {
    const { total } = this;
    return { total, size: this.#size, pageBytes: this.#pageBytes };
  }

  /** How many pages the list has, as the newest page says. */
  get pages(): number {
    return Math.ceil(this.total / this.#size);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<WalkEvent<T>, void> {
    for (; this.#number <= this.pages; this.#number++) {
      yield* this.#take(this.#number);
    }
  }

  /** Gives back what pages hold that nobody is going to take. */
  [Symbol.dispose](): void {
    this.#ended = true;
    for (const { lease } of this.#flights.values()) lease.release();
    this.#flights.clear();
  }

  async *#take(number: number): AsyncGenerator<WalkEvent<T>, void> {
    if (!this.#flights.has(number)) {
      const { budget, signal } = this.#context;
      this.#start(number, await budget.take(this.#pageBytes, signal));
      this.#next = number + 1;
    }
    this.#fill();
    const flight = this.#flights.get(number)!;
    const { page, failure } = await flight.result;
    this.#flights.delete(number);
    try {
      if (page !== undefined && page.total !== this.total) {
        this.changed = true;
        this.total = page.total;
      }
      const came = page?.records ?? [];
      const records = came.filter(({ info }) =>
        this.#recent.add(this.#spec.key(info))
      );
      this.repeated += came.length - records.length;
      if (records.length > 0) yield { kind: "records", records };
      if (failure !== undefined) {
        const offset = (number - 1) * this.#size;
        const gap = {
          offset,
          count: Math.min(this.#size, this.total - offset),
          kept: records.length,
          pageSize: this.#size,
          reason: failure.message,
        };
        yield { kind: "gap", gap };
      }
    } finally {
      flight.lease.release();
    }
  }

  /** Starts as many later pages as the window and the budget allow. */
  #fill(): void {
    const { budget, inFlight, lookahead } = this.#context;
    while (
      !this.#ended && this.#next <= this.pages &&
      this.#unfinished < inFlight && this.#flights.size < lookahead
    ) {
      const lease = budget.tryTake(this.#pageBytes);
      if (lease === null) return;
      this.#start(this.#next++, lease);
    }
  }

  #expectRequests(pages: number): void {
    this.#context.observer.requestsExpected(Math.max(0, pages));
  }

  #start(number: number, lease: Lease): void {
    this.#unfinished++;
    const result = this.#fetch(number, lease).finally(() => {
      this.#unfinished--;
      this.#fill();
    });
    // Awaited in its turn; a rejection before that must not end the process.
    result.catch(() => {});
    this.#flights.set(number, { lease, result });
  }

  async #fetch(number: number, lease: Lease): Promise<Fetched<T>> {
    const size = this.#size;
    const { http } = this.#context;
    const got = await fetchPageOrFailure(http, this.#spec, {
      page: number,
      size,
    });
    if (got.page === undefined) return got;
    if (got.page.size !== size) {
      const failure = new ProtocolError(
        `the server gave ${got.page.size} records a page where it gave ${size} before`,
      );
      return { page: undefined, failure };
    }
    lease.resize(got.page.bytes);
    // Believes a heavy page at once and a light one by and by.
    this.#pageBytes = Math.max(got.page.bytes, this.#pageBytes / 2);
    return got;
  }
}
