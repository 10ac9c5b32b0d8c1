/** Puts together what all readers of a run share. */
import { MemoryBudget } from "../api/session/memory_budget.ts";
import type { Session } from "../api/session/session.ts";
import type { ReaderContext } from "./list_types.ts";
import { RecordWeights } from "./record_weights.ts";

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
    weights: new RecordWeights(),
    paging: new Map(),
    signal,
    inFlight: concurrency + PAGES_IN_WAITING,
    lookahead: (1 + PAGES_PER_SLOT) * concurrency,
  };
}
