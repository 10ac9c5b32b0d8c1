/**
 * Bounds the bytes of pages that are on their way or wait to be written, so that
 * huge Logs do not fill the memory. A page's size is known only once it is here,
 * so an estimate is taken and corrected.
 *
 * The page that its list waits for (its head) must never wait for pages behind
 * it: one head at a time may overdraw, so there is always one that proceeds.
 */

/** The bytes of pages that a run holds. */
export class MemoryBudget {
  readonly #limit: number;
  readonly #waiting = new Set<() => void>();
  #held = 0;
  #overdrawn = false;

  /** @param limit The most bytes to hold, unless one page alone is larger. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Takes `bytes` for a page that may as well be fetched later. */
  tryTake(bytes: number): Permit | null {
    if (this.#held + bytes > this.#limit) return null;
    return this.#permit(bytes, false);
  }

  /**
   * Takes `bytes` for the page that its list waits for.
   *
   * @throws The signal's reason when it aborts first.
   */
  async take(bytes: number, signal: AbortSignal): Promise<Permit> {
    while (true) {
      signal.throwIfAborted();
      const permit = this.tryTake(bytes);
      if (permit !== null) return permit;
      if (!this.#overdrawn) {
        this.#overdrawn = true;
        return this.#permit(bytes, true);
      }
      await this.#freed(signal);
    }
  }

  #permit(bytes: number, overdraft: boolean): Permit {
    let held = bytes;
    let released = false;
    const change = (to: number) => {
      this.#held += to - held;
      held = to;
    };
    this.#held += held;
    return {
      resize: (to) => {
        if (!released) change(to);
      },
      release: () => {
        if (released) return;
        released = true;
        change(0);
        if (overdraft) this.#overdrawn = false;
        for (const wake of [...this.#waiting]) wake();
      },
    };
  }

  #freed(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (end: () => void) => () => {
        this.#waiting.delete(wake);
        signal.removeEventListener("abort", stop);
        end();
      };
      const wake = settle(resolve);
      const stop = settle(() => reject(signal.reason));
      this.#waiting.add(wake);
      signal.addEventListener("abort", stop, { once: true });
    });
  }
}

/** A page's share of the budget. */
export interface Permit {
  /** Corrects the estimate once the size is known; nothing after `release`. */
  resize(bytes: number): void;
  /** Gives it back; a second call does nothing. */
  release(): void;
}
