/**
 * Notices when the API answers nothing at all, and makes the whole run wait for
 * it: one request at a time asks for a sign of life, at growing intervals, until
 * there is one or patience ends.
 */
import {
  ApiError,
  isRecoverable,
  NetworkError,
  ProtocolError,
} from "../core/errors.ts";
import type { Observer } from "../core/observer.ts";
import type { Clock } from "../core/runtime.ts";

/** What {@linkcode CircuitBreaker} is made from. */
export interface CircuitBreakerOptions {
  readonly clock: Clock;
  readonly observer: Observer;
  /** How long to wait for the API, in milliseconds from its first silence. */
  readonly patienceMs: number;
  /** Makes one request; throws what it met. */
  readonly probe: () => Promise<void>;
  readonly signal: AbortSignal;
}

/** Tries that fail in a row, with no answer between them, before it is looked into. */
const SUSPICIOUS = 5;
const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 60_000;

/** Watches over one run's requests. */
export class CircuitBreaker {
  readonly #options: CircuitBreakerOptions;
  #failed = 0;
  #sinceMs = 0;
  /** Runs while nothing else may: whether the API was really down. */
  #pause: Promise<boolean> | null = null;
  #wake = new AbortController();
  #gaveUp: NetworkError | null = null;

  constructor(options: CircuitBreakerOptions) {
    this.#options = options;
  }

  /** The API answered, if only with a refusal. */
  answered(): void {
    this.#failed = 0;
    this.#wake.abort();
  }

  /**
   * A try was not answered.
   *
   * @returns Whether the API was down and is back, so that the try does not count.
   * @throws {NetworkError} When patience is at its end.
   * @throws {AuthError} When what comes back refuses the key.
   * @throws The signal's reason when the run ends.
   */
  async noAnswer(): Promise<boolean> {
    if (this.#failed++ === 0) this.#sinceMs = this.#options.clock.now();
    if (this.#pause === null && this.#failed < SUSPICIOUS) return false;
    this.#pause ??= this.#waitForAnswer().finally(() => {
      this.#pause = null;
    });
    return await this.#pause;
  }

  /**
   * Waits until requests may be made.
   *
   * @returns Whether the API was down meanwhile.
   * @throws As {@linkcode noAnswer}.
   */
  async over(): Promise<boolean> {
    if (this.#gaveUp !== null) throw this.#gaveUp;
    return await this.#pause ?? false;
  }

  async #waitForAnswer(): Promise<boolean> {
    const { clock, observer, patienceMs } = this.#options;
    let down = false;
    for (let waitMs = FIRST_WAIT_MS;; waitMs *= 2) {
      this.#wake = new AbortController();
      const failure = await this.#probe();
      const nowMs = clock.now();
      if (failure === null || this.#failed === 0) {
        this.#failed = 0;
        if (down) {
          const took = timeText(nowMs - this.#sinceMs);
          observer.log("WARN", `the API answers again, after ${took}`);
        }
        return down;
      }
      const reason = failure.message;
      const leftMs = this.#sinceMs + patienceMs - nowMs;
      if (leftMs <= 0) throw this.#giveUp(reason, nowMs);
      if (!down) {
        observer.log(
          "WARN",
          `the API does not answer (${reason}); the run waits up to ${
            timeText(patienceMs)
          } for it (--patience)`,
        );
      }
      down = true;
      const untilMs = nowMs + Math.min(waitMs, LONGEST_WAIT_MS, leftMs);
      observer.waiting("the API does not answer, asks again", untilMs);
      await this.#sleep(untilMs - nowMs);
    }
  }

  /** Sleeps until an answer comes from a request that was on its way. */
  async #sleep(ms: number): Promise<void> {
    const { clock, signal } = this.#options;
    const wake = this.#wake.signal;
    try {
      await clock.sleep(ms, { signal: AbortSignal.any([signal, wake]) });
    } catch (error) {
      signal.throwIfAborted();
      if (!wake.aborted) throw error;
    }
  }

  /** Asks for a sign of life; `null` when there is one. */
  async #probe(): Promise<Error | null> {
    try {
      await this.#options.probe();
      return null;
    } catch (error) {
      if (!isRecoverable(error)) throw error;
      return isNoAnswer(error) ? error : null;
    }
  }

  #giveUp(reason: string, nowMs: number): NetworkError {
    this.#gaveUp = new NetworkError(
      `the API has not answered for ${
        timeText(nowMs - this.#sinceMs)
      } (${reason}); resume when it does, or wait longer with --patience`,
      { outage: true },
    );
    this.#options.observer.log("ERROR", this.#gaveUp.message);
    return this.#gaveUp;
  }
}

/** `42 s`, `15 min`. */
function timeText(ms: number): string {
  return ms < 120_000
    ? `${Math.round(ms / 1000)} s`
    : `${Math.round(ms / 60_000)} min`;
}

/**
 * Whether a failure is a sign that the API is down: no answer, or one that a
 * proxy or a service in trouble gives. A 429 and a refusal are answers.
 */
export function isNoAnswer(error: Error): boolean {
  if (error instanceof ApiError) return error.retryable && error.status !== 429;
  return error instanceof NetworkError || error instanceof ProtocolError;
}
