/** What goes into a walk over a list, and what comes out of it. */
import type { Observer } from "../observer.ts";
import type { ByteBudget } from "./budget.ts";
import type { Http } from "./http.ts";
import type { RawRecord } from "./records.ts";

/** Records that are missing from a list, by their place in it. */
export interface ListGap {
  /** How many records of the list come before. */
  readonly offset: number;
  /** How many places are concerned. */
  readonly count: number;
  /** How many records of these places are there all the same. */
  readonly kept: number;
  /** Records a page: the gap is page `offset / pageSize + 1`. */
  readonly pageSize: number;
  readonly reason: string;
}

/** What a walk yields, in the list's order. */
export type WalkEvent<T> =
  | { readonly kind: "records"; readonly records: readonly RawRecord<T>[] }
  | { readonly kind: "gap"; readonly gap: ListGap };

/** What every walk of a run shares. */
export interface WalkContext {
  readonly http: Http;
  readonly budget: ByteBudget;
  readonly observer: Observer;
  readonly signal: AbortSignal;
  /** Pages of one list to be asked for at once. */
  readonly inFlight: number;
  /** These, and those that wait to be written. */
  readonly lookahead: number;
}

/** Where a walk begins. */
export interface WalkStart {
  /** Records to leave out, a multiple of a chunk. */
  readonly skip: number;
  /** Keys of the records just before, to recognise an overlap. */
  readonly recent: readonly string[];
  /** What another walk over nearly the same list has found out. */
  readonly expected?: Expected;
}

/** What is known of a list before a walk over it has begun. */
export interface Expected {
  readonly total: number;
  /** Records a page. */
  readonly size: number;
  readonly pageBytes: number;
}

/** What a page is reckoned to weigh before any is here. */
export const FIRST_ESTIMATE_BYTES = 256 * 1024;
