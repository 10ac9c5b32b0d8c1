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

/** Part of a list that is asked for with parameters of its own. */
export interface ListSegment<T> {
  readonly spec: ListSpec<T>;
  /** Index in the list of its first record. */
  readonly offset: number;
  /** How many records it holds; `null`, for the last only, where that is still to be asked. */
  readonly count: number | null;
}

/** What all readers of a run share. */
export interface ReaderContext {
  readonly session: Session;
  readonly budget: MemoryBudget;
  readonly weights: RecordWeights;
  /** How the server gives the pages of lists, by what their records are, as far as it differs from what is asked. */
  readonly paging: Map<string, PagingHints>;
  readonly signal: AbortSignal;
  /** Pages of one list to be asked for at once. */
  readonly inFlight: number;
  /** These, and those that wait to be written. */
  readonly lookahead: number;
}

/** How the server gives the pages of a list. */
export interface PagingHints {
  /** The most records that it gives a page. */
  readonly maxPageSize: number;
  /** Whether it gives pages of that size only. */
  readonly isFixedSize: boolean;
}
