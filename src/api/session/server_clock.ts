/**
 * Knows the server's time: from the `Date` headers of its answers and a clock of
 * this machine that cannot jump, so that a wrong clock on the wall is no matter.
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

  /** Takes in an answer's headers. An older `Date`, as of a cache, changes nothing. */
  learn(headers: Headers): void {
    const dateMs = Date.parse(headers.get("date") ?? "");
    if (Number.isNaN(dateMs)) return;
    const aheadMs = dateMs - this.#clock.monotonicMs();
    this.#aheadMs = Math.max(this.#aheadMs ?? aheadMs, aheadMs);
  }

  /** Gives the server's time in milliseconds since 1970; `null` where it never said it. */
  nowMs(): number | null {
    return this.#aheadMs === null
      ? null
      : this.#aheadMs + this.#clock.monotonicMs();
  }
}
