/**
 * Knows the server's time from the `Date` headers of its answers and the
 * monotonic clock, so that a wrong system clock does not matter.
 */
import type { Clock } from "../../core/runtime/runtime.ts";

/** Follows the server's clock. */
export class ServerClock {
  readonly #clock: Clock;
  /** What to add to the monotonic clock; `null` before the first `Date` header. */
  #aheadMs: number | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Reads an answer's headers. An older `Date`, as from a cache, changes
   * nothing.
   */
  learn(headers: Headers): void {
    const dateMs = Date.parse(headers.get("date") ?? "");
    if (Number.isNaN(dateMs)) return;
    const aheadMs = dateMs - this.#clock.monotonicMs();
    this.#aheadMs = Math.max(this.#aheadMs ?? aheadMs, aheadMs);
  }

  /**
   * Returns the server's time in milliseconds since 1970; `null` if it sent
   * none.
   */
  nowMs(): number | null {
    return this.#aheadMs === null
      ? null
      : this.#aheadMs + this.#clock.monotonicMs();
  }
}
