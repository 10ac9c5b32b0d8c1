/** Clocks for tests: none of them waits in real time. */
import { clearImmediate, setImmediate } from "node:timers";
import { denoRuntime } from "../../src/core/runtime/deno_runtime.ts";
import type { Clock } from "../../src/core/runtime/runtime.ts";

interface Sleeper {
  readonly untilMs: number;
  wake(): void;
}

/**
 * A clock that jumps to the next sleeper whenever everything else has settled.
 * For code without real input and output: stubbed fetch, no disk.
 */
export class VirtualClock implements Clock {
  #nowMs: number;
  /** How far the clock on the wall was set back (below 0) or ahead. */
  #setByMs = 0;
  readonly #sleepers = new Set<Sleeper>();
  #timer: ReturnType<typeof setImmediate> | null = null;
  #stopped = false;

  constructor(nowMs = Date.UTC(2025, 5, 6, 12)) {
    this.#nowMs = nowMs;
  }

  now(): number {
    return this.#nowMs + this.#setByMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  /** Sets the clock on the wall back (below 0) or ahead; durations stay what they are. */
  setBy(ms: number): void {
    this.#setByMs += ms;
  }

  sleep(
    ms: number,
    { signal }: { readonly signal?: AbortSignal } = {},
  ): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const stop = () => {
        this.#sleepers.delete(sleeper);
        this.#rest();
        reject(signal?.reason);
      };
      const sleeper = {
        untilMs: this.#nowMs + ms,
        wake: () => {
          signal?.removeEventListener("abort", stop);
          resolve();
        },
      };
      signal?.addEventListener("abort", stop, { once: true });
      this.#sleepers.add(sleeper);
      this.#turn();
    });
  }

  /** Wakes no sleeper any more: the machine is off. */
  stop(): void {
    this.#stopped = true;
    this.#sleepers.clear();
    this.#rest();
  }

  #turn(): void {
    if (this.#timer !== null || this.#stopped) return;
    this.#timer = setImmediate(() => {
      this.#timer = null;
      const [first, ...others] = this.#sleepers;
      if (first === undefined) return;
      const next = others.reduce(
        (a, b) => b.untilMs < a.untilMs ? b : a,
        first,
      );
      this.#sleepers.delete(next);
      this.#nowMs = Math.max(this.#nowMs, next.untilMs);
      next.wake();
      if (this.#sleepers.size > 0) this.#turn();
    });
  }

  /** Leaves no timer behind when nothing sleeps. */
  #rest(): void {
    if (this.#sleepers.size > 0 || this.#timer === null) return;
    clearImmediate(this.#timer);
    this.#timer = null;
  }
}

/** Makes a clock that runs `times` as fast as the real one, for tests over loopback. */
export function fastClock(times: number): Clock {
  const { clock } = denoRuntime();
  const startMs = clock.now();
  return {
    now: () => startMs + (clock.now() - startMs) * times,
    monotonicMs: () => clock.monotonicMs() * times,
    sleep: (ms, options) => clock.sleep(ms / times, options),
  };
}
