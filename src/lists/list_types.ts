/** Describes what goes into reading a list, and what comes out of it. */
import type { ListSpec } from "../api/list_spec.ts";
import type { MemoryBudget } from "../api/session/memory_budget.ts";
import type { RawRecord } from "../api/records.ts";
import type { Session } from "../api/session/session.ts";
import type { RecordGap } from "../core/gap.ts";
import type { KeySet } from "../core/key_set.ts";
import type { RecordWeights } from "./record_weights.ts";

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

/** Part of a list that is requested with parameters of its own. */
export interface ListSegment<T> {
  readonly spec: ListSpec<T>;
  /** Index in the list of its first record. */
  readonly offset: number;
  /**
   * How many records it holds; `null`, in the last one only, if not known yet.
   */
  readonly count: number | null;
}

/** What all readers of a run share. */
export interface ReaderContext {
  readonly session: Session;
  readonly budget: MemoryBudget;
  readonly weights: RecordWeights;
  /**
   * How the server pages lists, by the kind of their records, where it differs
   * from what is requested.
   */
  readonly paging: Map<string, PagingHints>;
  readonly signal: AbortSignal;
  /** The most pages of one list to request at once. */
  readonly inFlight: number;
  /** The most pages of one list that are requested or wait to be written. */
  readonly lookahead: number;
}

/** How the server pages a list. */
export interface PagingHints {
  /** The most records that it puts into a page. */
  readonly maxPageSize: number;
  /** Whether all its pages have that size. */
  readonly isFixedSize: boolean;
}
