/**
 * How many requests fly at once, for the whole run, first come first served.
 * Fewer when the server says 429: half of them, once for a burst. More again when
 * it recovers: quickly up to what was too many, beyond that one at a time and
 * slowly. And none before the time that the server asked for (`Retry-After`).
 */
import type { Clock } from "../core/runtime.ts";

/** What {@linkcode RateLimiter} is made from. */
export interface RateLimiterOptions {
  /** The most requests in flight at once, at least 1. */
  readonly concurrency: number;
  readonly clock: Clock;
}

/** Time without a 429 before one more request may fly, in milliseconds. */
const CLIMB_MS = 500;
/** The same where the server said that it was too many; doubled when it says so again. */
const FIRST_PROBE_MS = 5_000;
const LAST_PROBE_MS = 60_000;

/** Hands out the slots for requests. */
export class RateLimiter {
  readonly #clock: Clock;
  readonly #most: number;
  readonly #waiting: Array<() => void> = [];
  #flying = 0;
  #limit: number;
  /** The number of requests in flight that was too many of late. */
  #tooMany: number;
  #probeMs = FIRST_PROBE_MS;
  #changedMs = -Infinity;
  #quietUntilMs = 0;

  constructor({ concurrency, clock }: RateLimiterOptions) {
    this.#clock = clock;
    this.#most = concurrency;
    this.#limit = concurrency;
    this.#tooMany = concurrency + 1;
  }

  /** How many requests may fly at once just now. */
  get limit(): number {
    return this.#limit;
  }

  /**
   * Runs `work` in a slot, as soon as one is free and no quiet is asked for.
   *
   * @throws The signal's reason when it aborts before `work` begins.
   */
  async run<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    await this.#take(signal);
    try {
      await this.quiet(signal);
      return await work();
    } finally {
      this.#flying--;
      this.#recover();
      this.#admit();
    }
  }

  /**
   * Waits until the server allows requests again (`Retry-After`).
   *
   * @throws The signal's reason when it aborts.
   */
  async quiet(signal: AbortSignal): Promise<void> {
    while (true) {
      signal.throwIfAborted();
      const waitMs = this.#quietUntilMs - this.#clock.now();
      if (waitMs <= 0) return;
      await this.#clock.sleep(waitMs, { signal });
    }
  }

  /** No request of the run starts before `untilMs` (milliseconds since 1970). */
  hold(untilMs: number): void {
    this.#quietUntilMs = Math.max(this.#quietUntilMs, untilMs);
  }

  /**
   * The server said that these are too many requests.
   *
   * @param startedMs When the request began that it said it to. What began before
   * the last change belongs to the same burst.
   */
  slowDown(startedMs: number): void {
    if (startedMs <= this.#changedMs) return;
    this.#probeMs = this.#limit === this.#tooMany
      ? Math.min(LAST_PROBE_MS, this.#probeMs * 2)
      : FIRST_PROBE_MS;
    this.#tooMany = this.#limit;
    this.#limit = Math.max(1, Math.floor(this.#limit / 2));
    this.#changedMs = this.#clock.now();
  }

  #recover(): void {
    if (this.#limit >= this.#most) return;
    const nowMs = this.#clock.now();
    const waitMs = this.#limit + 1 < this.#tooMany ? CLIMB_MS : this.#probeMs;
    if (nowMs - Math.max(this.#changedMs, this.#quietUntilMs) < waitMs) return;
    this.#limit++;
    this.#changedMs = nowMs;
  }

  #admit(): void {
    while (this.#flying < this.#limit && this.#waiting.length > 0) {
      this.#flying++;
      this.#waiting.shift()!();
    }
  }

  async #take(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
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
      this.#admit();
    });
  }
}
