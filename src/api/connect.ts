/** Puts the parts of the client together, for one run. */
import type { Observer } from "../observer.ts";
import { UNWATCHED } from "../work.ts";
import type { World } from "../world.ts";
import { ByteBudget } from "./budget.ts";
import { Http } from "./http.ts";
import { Pacer } from "./pacing.ts";
import type { WalkContext } from "./walk_types.ts";

/** What a connection is made from. */
export interface ConnectOptions {
  readonly world: Pick<World, "fetch" | "clock" | "random">;
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
  const { world: { clock }, observer, concurrency, signal } = options;
  const pacer = new Pacer({ concurrency, clock });
  return {
    http: new Http({ ...options, pacer }),
    budget: new ByteBudget(BYTES_IN_FLIGHT),
    observer,
    work: UNWATCHED,
    signal,
    inFlight: concurrency + PAGES_IN_WAITING,
    lookahead: (1 + PAGES_PER_SLOT) * concurrency,
  };
}
