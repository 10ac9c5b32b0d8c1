/** Puts together what all readers of a run share. */
import { MemoryBudget } from "../api/session/memory_budget.ts";
import type { Session } from "../api/session/session.ts";

/** What all readers of a run share. */
export interface ReaderContext {
  readonly session: Session;
  readonly budget: MemoryBudget;
  /** What lists of the run were seen to be like, by what their records are: `Logs`. */
  readonly hints: Map<string, ListHints>;
  readonly signal: AbortSignal;
  /** Pages of one list to be asked for at once. */
  readonly inFlight: number;
  /** These, and those that wait to be written. */
  readonly lookahead: number;
}

/** What a list is taken to be like before its pages are seen. */
export interface ListHints {
  /** The most records that the server gives a page. */
  readonly maxPageSize: number;
  /** Whether it gives pages of that size only. */
  readonly isFixedSize: boolean;
  /** Bytes of a record, by which the first page is no larger than memory allows; `null` while none was seen. */
  readonly recordBytes: number | null;
}

/** Bytes of pages that are held at once: in flight or waiting to be written. */
const BYTES_HELD = 48 * 1024 * 1024;
/** Pages of one list that may wait to be written, for each slot. */
const PAGES_PER_SLOT = 2;
/** Pages that wait for a slot, so that a free one is taken at once. */
const PAGES_IN_WAITING = 4;

/**
 * Makes what all readers of a run share.
 *
 * @param session The way to the API.
 * @param concurrency The most requests at once.
 * @param signal Ends every reading.
 */
export function readerContext(
  session: Session,
  concurrency: number,
  signal: AbortSignal,
): ReaderContext {
  return {
    session,
    budget: new MemoryBudget(BYTES_HELD),
    hints: new Map(),
    signal,
    inFlight: concurrency + PAGES_IN_WAITING,
    lookahead: (1 + PAGES_PER_SLOT) * concurrency,
  };
}
