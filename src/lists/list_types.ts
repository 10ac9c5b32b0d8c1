/** What goes into a walk over a list, and what comes out of it. */
import type { Observer } from "../core/observer.ts";
import type { DateWindow, EmptyPlaces } from "../core/gap.ts";
import type { WorkObserver } from "../core/work.ts";
import type { MemoryBudget } from "../api/memory_budget.ts";
import type { Session } from "../api/session.ts";
import type { RawRecord } from "../api/records.ts";
import type { RecentKeys } from "./recent_keys.ts";

/** What a walk yields, in the list's order. */
export type WalkEvent<T> =
  | { readonly kind: "records"; readonly records: readonly RawRecord<T>[] }
  | { readonly kind: "gap"; readonly gap: EmptyPlaces }
  /** From here on the list is what these instants enclose. */
  | { readonly kind: "rest"; readonly rest: DateWindow };

/** A list as an ordered stream; disposing it ends it. */
export interface ListWalk<T> extends AsyncIterable<WalkEvent<T>>, Disposable {
  /** How many records the list has, as the newest page says. */
  readonly total: number;
  /** Whether the list moved under the walk: its pages don't fit together. */
  readonly moved: boolean;
  /**
   * Judges the walk at its end.
   *
   * @param places How many places it came to, empty ones included.
   * @returns Why its records cannot be called the list; `null` when they can.
   */
  mismatch(places: number): string | null;
}

/** What every walk of a run shares. */
export interface WalkContext {
  readonly session: Session;
  readonly budget: MemoryBudget;
  readonly observer: Observer;
  /** Hears how much there is to do. */
  readonly work: WorkObserver;
  readonly signal: AbortSignal;
  /** Pages of one list to be asked for at once. */
  readonly inFlight: number;
  /** These, and those that wait to be written. */
  readonly lookahead: number;
}

/** Where a walk begins. */
export interface WalkStart {
  /** Records to leave out. */
  readonly skip: number;
  /** The key of the last of them; `null` where it is not known. */
  readonly last: string | null;
  /** Keys of the records before. */
  readonly recent: RecentKeys;
  /** What another walk over nearly the same list has found out. */
  readonly expected?: Expected;
}

/** What is known of a list before a walk over it has begun. */
export interface Expected {
  readonly total: number;
  /** The most records that the server gives a page. */
  readonly most: number;
  /** Whether the server gives pages of that size only. */
  readonly fixed: boolean;
  readonly pageBytes: number;
}
