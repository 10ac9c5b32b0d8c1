/** Puts the parts of the client together, for one run. */
import type { Observer } from "../core/observer.ts";
import { UNWATCHED } from "../core/work.ts";
import type { Runtime } from "../core/runtime.ts";
import { MemoryBudget } from "../api/memory_budget.ts";
import { Session } from "../api/session.ts";
import { RateLimiter } from "../api/rate_limiter.ts";
import type { WalkContext } from "./list_types.ts";

/** What a connection is made from. */
export interface ConnectOptions {
  readonly runtime: Pick<Runtime, "fetch" | "clock" | "random">;
  readonly observer: Observer;
  /** The API's address, without a slash at its end. */
  readonly apiUrl: string;
  readonly apiKey: string;
  /** Requests in flight at once. */
  readonly concurrency: number;
  /** How long to wait for an API that does not answer, in milliseconds. */
  readonly patienceMs: number;
  readonly signal: AbortSignal;
}

/** Bytes of pages to be in flight or waiting to be written at once. */
const BYTES_IN_FLIGHT = 64 * 1024 * 1024;
/** Pages of one list that wait to be written, for each request in flight. */
const PAGES_PER_SLOT = 2;
/** Pages that wait for a slot, so that a free one finds work at once. */
const PAGES_IN_WAITING = 4;

/** Makes what all requests of a run share. */
export function connect(options: ConnectOptions): WalkContext {
  const { runtime: { clock }, observer, concurrency, signal } = options;
  const limiter = new RateLimiter({ concurrency, clock });
  return {
    session: new Session({ ...options, limiter }),
    budget: new MemoryBudget(BYTES_IN_FLIGHT),
    observer,
    work: UNWATCHED,
    signal,
    inFlight: concurrency + PAGES_IN_WAITING,
    lookahead: (1 + PAGES_PER_SLOT) * concurrency,
  };
}
