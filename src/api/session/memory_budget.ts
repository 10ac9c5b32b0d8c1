/**
 * Bounds the bytes of pages that are in flight or wait to be written, so that
 * huge Logs do not fill the memory. A page's size is known only when it has
 * arrived, so an estimate is taken and corrected.
 *
 * Only a list that holds nothing may wait (`take`), and one of those that wait
 * may exceed the limit: so one always proceeds and gives back what it holds.
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
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#waiting.add(resolve);
      signal.addEventListener("abort", () => resolve(), { once: true });
      await promise;
      this.#waiting.delete(resolve);
    }
  }

  #permit(bytes: number, overdraws: boolean): Permit {
    let held = 0;
    let isOverdraft = overdraws;
    let released = false;
    const resize = (to: number) => {
      if (released) return;
      this.#held += to - held;
      held = to;
      if (isOverdraft && this.#held <= this.#limit) {
        isOverdraft = false;
        this.#overdrawn = false;
      }
      for (const wake of this.#waiting) wake();
    };
    const release = () => {
      resize(0);
      released = true;
      if (isOverdraft) this.#overdrawn = false;
    };
    resize(bytes);
    return { resize, release };
  }
}

/** A page's share of the budget. */
export interface Permit {
  /** Corrects the estimate once the size is known; nothing after `release`. */
  resize(bytes: number): void;
  /** Gives it back; a second call does nothing. */
  release(): void;
}
