/**
 * How many requests fly at once, for the whole run: a fixed number of slots,
 * first come first served, and a time before which nobody may start because
 * the server asked for quiet (`Retry-After`).
 */
import type { Clock } from "../world.ts";

/** What {@linkcode Pacer} is made from. */
export interface PacerOptions {
  /** Requests in flight at once, at least 1. */
  readonly concurrency: number;
  readonly clock: Clock;
}

/** Hands out the slots for requests. */
export class Pacer {
  readonly #clock: Clock;
  readonly #waiting: Array<() => void> = [];
  #free: number;
  #quietUntilMs = 0;

  constructor(options: PacerOptions) {
    this.#free = options.concurrency;
    this.#clock = options.clock;
  }

  /**
   * Runs `work` in a slot, as soon as one is free and no quiet is asked for.
   *
   * @throws The signal's reason when it aborts before `work` begins.
   */
  async run<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    await this.#take(signal);
    try {
      await this.#quiet(signal);
      return await work();
    } finally {
      this.#give();
    }
  }

  /** No request of the run starts before `untilMs` (milliseconds since 1970). */
  hold(untilMs: number): void {
    this.#quietUntilMs = Math.max(this.#quietUntilMs, untilMs);
  }

  async #quiet(signal: AbortSignal): Promise<void> {
    while (true) {
      signal.throwIfAborted();
      const waitMs = this.#quietUntilMs - this.#clock.now();
      if (waitMs <= 0) return;
      await this.#clock.sleep(waitMs, { signal });
    }
  }

  async #take(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#free > 0) {
      this.#free--;
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const granted = () => {
        signal.removeEventListener("abort", aborted);
        resolve();
      };
      const aborted = () => {
        this.#waiting.splice(this.#waiting.indexOf(granted), 1);
        reject(signal.reason);
      };
      signal.addEventListener("abort", aborted, { once: true });
      this.#waiting.push(granted);
    });
  }

  #give(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free++;
    else next();
  }
}
