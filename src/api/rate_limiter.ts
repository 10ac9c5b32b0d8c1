/**
 * Bounds how many requests are on their way at once, for the whole run, first
 * come first served. Fewer when the server says 429: half of them, once for a
 * burst. More when it recovers: quickly up to what was too many, beyond that one
 * at a time and slowly.
 */
import { ApiError } from "../core/errors.ts";
import type { Clock } from "../core/runtime.ts";
import type { ApiRequest, LayerOptions, Transport } from "./request.ts";

/** Time without a 429 before one more request may go, in milliseconds. */
const CLIMB_MS = 500;
/** The same where the server said that it was too many; doubled each time that it is too many. */
const FIRST_TRIAL_MS = 5_000;
const LONGEST_TRIAL_MS = 60_000;

/** The layer that hands out the slots for requests. */
export class RateLimiter implements Transport {
  readonly #next: Transport;
  readonly #clock: Clock;
  readonly #signal: AbortSignal;
  readonly #most: number;
  readonly #waiting: Array<() => void> = [];
  #taken = 0;
  #limit: number;
  /** The number of requests that was too many of late. */
  #tooMany: number;
  #trialMs = FIRST_TRIAL_MS;
  #changedMs = -Infinity;
  /** How often the limit was halved. */
  #halvings = 0;

  constructor(
    next: Transport,
    options: Pick<LayerOptions, "concurrency" | "clock" | "signal">,
  ) {
    this.#next = next;
    this.#clock = options.clock;
    this.#signal = options.signal;
    this.#most = options.concurrency;
    this.#limit = options.concurrency;
    this.#tooMany = options.concurrency + 1;
  }

  /** How many requests may go at once just now. */
  get limit(): number {
    return this.#limit;
  }

  /**
   * Makes a request as soon as a slot is free.
   *
   * @throws What the layer below throws, or the signal's reason when the run ends.
   */
  async get<T>(request: ApiRequest<T>): Promise<T> {
    await this.#take();
    const halvings = this.#halvings;
    try {
      return await this.#next.get(request);
    } catch (error) {
      const isRefused = error instanceof ApiError && error.status === 429;
      // Requests that went before the last change belong to the same burst.
      if (isRefused && halvings === this.#halvings) this.#slowDown();
      throw error;
    } finally {
      this.#taken--;
      this.#recover();
      this.#admit();
    }
  }

  #slowDown(): void {
    this.#halvings++;
    this.#trialMs = this.#limit === this.#tooMany
      ? Math.min(LONGEST_TRIAL_MS, this.#trialMs * 2)
      : FIRST_TRIAL_MS;
    this.#tooMany = this.#limit;
    this.#limit = Math.max(1, Math.floor(this.#limit / 2));
    this.#changedMs = this.#clock.monotonicMs();
  }

  #recover(): void {
    if (this.#limit >= this.#most) return;
    const nowMs = this.#clock.monotonicMs();
    const waitMs = this.#limit + 1 < this.#tooMany ? CLIMB_MS : this.#trialMs;
    if (nowMs - this.#changedMs < waitMs) return;
    this.#limit++;
    this.#changedMs = nowMs;
  }

  #admit(): void {
    while (this.#taken < this.#limit && this.#waiting.length > 0) {
      this.#taken++;
      this.#waiting.shift()!();
    }
  }

  async #take(): Promise<void> {
    const signal = this.#signal;
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
