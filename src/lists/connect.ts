/** Puts together what all requests of a run share. */
import type { Observer } from "../core/observer.ts";
import { UNWATCHED } from "../core/work.ts";
import { MemoryBudget } from "../api/memory_budget.ts";
import { Session, type SessionOptions } from "../api/session.ts";
import type { WalkContext } from "./list_types.ts";

/** What a connection is made from. */
export interface ConnectOptions extends SessionOptions {
  readonly observer: Observer;
}

/** Bytes of pages that are held at once: on their way or waiting to be written. */
const BYTES_HELD = 64 * 1024 * 1024;
/** Pages of one list that wait to be written, for each request at once. */
const PAGES_PER_SLOT = 2;
/** Pages that wait for a slot, so that a free one finds work at once. */
const PAGES_IN_WAITING = 4;

/** Makes what all requests of a run share. */
export function connect(options: ConnectOptions): WalkContext {
  const { observer, concurrency, signal } = options;
  return {
    session: new Session(options),
    budget: new MemoryBudget(BYTES_HELD),
    observer,
    work: UNWATCHED,
    signal,
    inFlight: concurrency + PAGES_IN_WAITING,
    lookahead: (1 + PAGES_PER_SLOT) * concurrency,
  };
}
