/**
 * Walks a list as an ordered stream, and judges whether what it yields is the
 * list: pages must agree about its length, share the record where they meet,
 * and hold no record twice. Places that cannot be had are a gap where they are,
 * never the end of the list.
 */
import type { EmptyPlaces } from "../core/gap.ts";
import { Prefetcher } from "./prefetcher.ts";
import type { ListSpec } from "../api/list_spec.ts";
import { type Fetched, isSplittable } from "./split_page.ts";
import type { Piece } from "./overlap.ts";
import { RecentKeys } from "./recent_keys.ts";
import type {
  Expected,
  ListWalk,
  WalkContext,
  WalkEvent,
  WalkStart,
} from "./list_types.ts";

/** What a page is reckoned to weigh before any is here, in bytes. */
const FIRST_ESTIMATE_BYTES = 256 * 1024;
/** A list that grows beyond twice its length and this is not followed forever. */
const FARTHEST_BEYOND = 10_000;

/**
 * Begins a walk over a list.
 *
 * @param context What the walks of the run share.
 * @param spec The list.
 * @param start Where to begin.
 * @returns The walk, whose `total` is known.
 * @throws {ApiError | NetworkError | ProtocolError} When it cannot be begun.
 */
export async function openWalk<T>(
  context: WalkContext,
  spec: ListSpec<T>,
  start: WalkStart = fromTheBeginning(),
): Promise<Walk<T>> {
  const unknown = {
    total: Infinity,
    most: spec.pageSize,
    fixed: false,
    pageBytes: FIRST_ESTIMATE_BYTES,
  };
  const walk = new Walk(context, spec, start, start.expected ?? unknown);
  try {
    await walk.begin();
    return walk;
  } catch (error) {
    walk[Symbol.dispose]();
    throw error;
  }
}

/** Where a walk over a whole list begins. */
export function fromTheBeginning(): WalkStart {
  return { skip: 0, last: null, recent: new RecentKeys([]) };
}

/** One walk over one list. */
export class Walk<T> implements ListWalk<T> {
  readonly #spec: ListSpec<T>;
  readonly #prefetcher: Prefetcher<T>;
  readonly #recent: RecentKeys;
  /** The place to be yielded next. */
  #place: number;
  /** The key at the place before it; `null` where that is not known. */
  #last: string | null;
  /** What `total` was at the beginning. */
  #firstTotal: number;
  /** Whether two pages disagreed about `total`. */
  changed = false;
  /** Whether two neighbouring pages held different records at the same place. */
  torn = false;
  /** How many records came a second time and were left out. */
  repeated = 0;
  /** Whether what may be behind the end could not be asked for. */
  #endUnseen = false;

  constructor(
    context: WalkContext,
    spec: ListSpec<T>,
    start: WalkStart,
    known: Expected,
  ) {
    this.#spec = spec;
    this.#prefetcher = new Prefetcher(context, spec, start.skip, known);
    this.#recent = start.recent;
    this.#last = start.last;
    this.#place = start.skip;
    this.#firstTotal = known.total;
  }

  /**
   * Makes sure of the total by the first page that comes, of the two that the
   * walk begins with.
   *
   * @throws {ApiError | NetworkError | ProtocolError} When neither can be had.
   */
  async begin(): Promise<void> {
    const first = await this.#prefetcher.peek(0);
    let total = totalOf(first);
    if (total === undefined) {
      // The page behind tells the total too, and what this one lacks is a gap.
      const failure = failureOf(first);
      if (failure === undefined || !isSplittable(failure)) throw failure;
      total = totalOf(await this.#prefetcher.peek(1)) ?? 0;
      if (total <= this.#place) throw failure;
    }
    this.#prefetcher.total = total;
    this.#firstTotal = total;
    if (first.kind === "resized") {
      this.#prefetcher.resize(first.page, this.#place);
    }
    this.#prefetcher.announce(this.#place);
  }

  get total(): number {
    return this.#prefetcher.total;
  }

  get moved(): boolean {
    return this.changed || this.torn || this.repeated > 0;
  }

  mismatch(places: number): string | null {
    const total = this.#firstTotal;
    if (this.changed) {
      return `the source kept changing while it was read, from ${total} to ${this.total} records`;
    }
    if (this.torn) {
      return "the source kept changing while it was read: its pages don't fit together";
    }
    if (this.repeated > 0) {
      return `the source kept changing while it was read: ${this.repeated} records came twice`;
    }
    if (this.#endUnseen) {
      return `whether the list ends at ${total} records cannot be seen`;
    }
    if (places === total) return null;
    return `the API says ${total} records, the list holds ${places} distinct ones`;
  }

  /** What a walk over nearly the same list may expect. */
  get found(): Expected {
    return this.#prefetcher.found;
  }

  /** Whether nothing is left to ask for. */
  get isAskedFor(): boolean {
    return this.#prefetcher.isAskedFor;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<WalkEvent<T>, void> {
    const farthest = 2 * this.#firstTotal + FARTHEST_BEYOND;
    while (this.#place < farthest) {
      // A last page may only show that the end is one. If the list shrank and
      // grew, what is left was asked for when it was not there.
      if (this.#prefetcher.isOver) return;
      if (this.changed && this.#place >= this.total) return;
      const fetched = await this.#prefetcher.peek(0);
      if (fetched.kind === "resized") {
        this.#prefetcher.resize(fetched.page, this.#place);
        continue;
      }
      using _page = this.#prefetcher.shift();
      this.torn ||= fetched.torn;
      for (const piece of fetched.pieces) yield* this.#take(piece);
    }
  }

  [Symbol.dispose](): void {
    this.#prefetcher[Symbol.dispose]();
  }

  *#take(piece: Piece<T>): Generator<WalkEvent<T>, void> {
    if (piece.kind === "gap") {
      this.#endUnseen ||= piece.to > this.total && piece.isEnd !== true;
      const count = Math.min(piece.to, this.total) - this.#place;
      if (count <= 0) return;
      const reason = piece.failure.message;
      const gap: EmptyPlaces = { offset: this.#place, count, reason };
      this.#place += count;
      this.#last = null;
      yield { kind: "gap", gap };
      return;
    }
    const { records, from, total } = piece;
    this.changed ||= total !== this.total;
    this.#prefetcher.total = total;
    if (records.length > 0 && from > this.#place) {
      // It shrank and grew again.
      this.changed = true;
      this.#place = from;
    }
    const at = this.#place - from;
    const key = ({ info }: { readonly info: T }) => this.#spec.key(info);
    const shared = records[at - 1];
    if (shared !== undefined && this.#last !== null) {
      this.torn ||= key(shared) !== this.#last;
    }
    const wanted = records.slice(Math.max(0, at));
    if (wanted.length === 0) return;
    this.#place += wanted.length;
    this.#last = key(wanted.at(-1)!);
    const fresh = wanted.filter((record) => this.#recent.add(key(record)));
    this.repeated += wanted.length - fresh.length;
    if (fresh.length > 0) yield { kind: "records", records: fresh };
  }
}

function totalOf<T>(fetched: Fetched<T>): number | undefined {
  if (fetched.kind === "resized") return fetched.page.total;
  return fetched.pieces.find((piece) => piece.kind === "records")?.total;
}

function failureOf<T>(fetched: Fetched<T>): Error | undefined {
  if (fetched.kind === "resized") return undefined;
  return fetched.pieces.find((piece) => piece.kind === "gap")?.failure;
}
