/**
 * Notices when the API answers nothing at all, and makes the whole run wait for
 * it: one probe at a time, at growing intervals, until it answers or
 * `--patience` is over. An API that never answered in this run is given up much
 * sooner.
 */
import { ApiError, isRecoverable, NetworkError } from "../../core/errors.ts";
import { durationText } from "./failure_text.ts";
import {
  type ApiRequest,
  askedMs,
  type LayerOptions,
  type Transport,
} from "./request.ts";

/** Attempts that fail in a row, with no answer between them, before the API is probed. */
const SUSPICIOUS = 5;
const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 60_000;
/** How long to try to reach an API that has not answered in this run. */
const REACH_MS = 30_000;

/**
 * Says that the API was down and is back, so that the attempt does not count.
 * Its cause is the failure of the attempt, if that was made.
 */
export class OutageEnded extends Error {
  override readonly name = "OutageEnded";
}

/** The layer that pauses all requests of a run while the API is down. */
export class CircuitBreaker implements Transport {
  readonly #next: Transport;
  readonly #options: LayerOptions;
  #failed = 0;
  /** How many answers arrived, and when the last one did. */
  #answers = 0;
  #answeredMs = -Infinity;
  /** When the API stopped answering. */
  #sinceMs = 0;
  /**
   * While set, all requests wait for it; resolves to whether the API was really
   * down.
   */
  #pause: Promise<boolean> | null = null;
  #wake = new AbortController();
  #gaveUp: NetworkError | null = null;

  constructor(next: Transport, options: LayerOptions) {
    this.#next = next;
    this.#options = options;
  }

  /**
   * Makes a request, unless the API is down.
   *
   * @throws {OutageEnded} When the API was down meanwhile.
   * @throws {NetworkError} With `outage`, when `--patience` is over; also with
   * `neverReached`, when the API has not answered once in this run.
   * @throws What the layer below throws.
   */
  async get<T>(request: ApiRequest<T>): Promise<T> {
    if (this.#gaveUp !== null) throw this.#gaveUp;
    if (await this.#pause) throw new OutageEnded();
    const startedMs = this.#options.clock.monotonicMs();
    const answers = this.#answers;
    try {
      const value = await this.#next.get(request);
      this.#answered();
      return value;
    } catch (error) {
      if (!isRecoverable(error)) throw error;
      if (isAnswer(error)) {
        this.#answered();
        throw error;
      }
      // A request with only one attempt may have met the beginning of an
      // outage.
      const isOnly = request.attempts === 1 && answers === this.#answers;
      if (await this.#wasDown(error, startedMs, isOnly)) {
        throw new OutageEnded(error.message, { cause: error });
      }
      throw error;
    }
  }

  #answered(): void {
    this.#failed = 0;
    this.#answers++;
    this.#answeredMs = this.#options.clock.monotonicMs();
    this.#wake.abort();
  }

  /** Checks whether the API was down, once it is back. */
  async #wasDown(
    failure: Error,
    startedMs: number,
    isOnly: boolean,
  ): Promise<boolean> {
    if (this.#failed++ === 0) {
      this.#sinceMs = Math.max(startedMs, this.#answeredMs);
    }
    if (this.#answers === 0) this.#expectPatience(failure);
    if (this.#pause === null && this.#failed < SUSPICIOUS && !isOnly) {
      return false;
    }
    this.#pause ??= this.#waitForAnswer(failure).finally(() => {
      this.#pause = null;
    });
    return await this.#pause;
  }

  /** How long the API may stay silent from now on. */
  get #leftMs(): number {
    return this.#patienceMs - this.#silentMs;
  }

  get #patienceMs(): number {
    return this.#answers === 0 ? REACH_MS : this.#options.patienceMs;
  }

  get #silentMs(): number {
    return this.#options.clock.monotonicMs() - this.#sinceMs;
  }

  /** Ends the run if waiting cannot help, or has not helped. */
  #expectPatience(failure: Error): void {
    if (this.#gaveUp !== null) throw this.#gaveUp;
    const isPermanent = failure instanceof NetworkError && failure.permanent;
    if (this.#leftMs > 0 && !(isPermanent && this.#answers === 0)) return;
    throw this.#giveUp(failure);
  }

  /** Waits until the API answers; returns whether it was down. */
  async #waitForAnswer(first: Error): Promise<boolean> {
    const { clock, observer, server } = this.#options;
    await this.#sleep(this.#askedMs(first));
    let isDown = false;
    for (let waitMs = FIRST_WAIT_MS;; waitMs *= 2) {
      this.#wake = new AbortController();
      const failure = await this.#probe();
      if (failure === null || this.#failed === 0) {
        this.#failed = 0;
        if (isDown) {
          const took = durationText(this.#silentMs);
          observer.log(
            "WARN",
            `${server.name} is back, after ${took} without an answer`,
          );
        }
        return isDown;
      }
      this.#expectPatience(failure);
      if (!isDown) {
        const option = this.#answers === 0 ? "" : " (--patience)";
        const most = `${durationText(this.#patienceMs)} for it${option}`;
        observer.log(
          "WARN",
          `${server.name} does not answer (${failure.message}); the run waits up to ${most}`,
        );
      }
      isDown = true;
      const backoffMs = Math.min(waitMs, LONGEST_WAIT_MS, this.#leftMs);
      const pauseMs = Math.max(backoffMs, this.#askedMs(failure));
      observer.waiting(
        `${server.name} does not answer, next attempt`,
        clock.now() + pauseMs,
      );
      await this.#sleep(pauseMs);
    }
  }

  /** Returns how long `Retry-After` asks to wait; 0 if that is too long. */
  #askedMs(failure: Error): number {
    const { clock, patienceMs } = this.#options;
    const waitMs = askedMs(failure, clock);
    return waitMs <= patienceMs ? waitMs : 0;
  }

  /**
   * Sleeps, but no longer than until a request that was in flight is answered.
   */
  async #sleep(ms: number): Promise<void> {
    if (ms === 0) return;
    const { clock, signal } = this.#options;
    const wake = this.#wake.signal;
    try {
      await clock.sleep(ms, { signal: AbortSignal.any([signal, wake]) });
    } catch (error) {
      signal.throwIfAborted();
      if (!wake.aborted) throw error;
    }
  }

  /** Makes the smallest request; returns `null` when the API answers. */
  async #probe(): Promise<Error | null> {
    try {
      await this.#next.get(this.#options.server.probe);
    } catch (error) {
      if (!isRecoverable(error)) throw error;
      if (!isAnswer(error)) return error;
    }
    this.#answered();
    return null;
  }

  #giveUp(failure: Error): NetworkError {
    const { address, server } = this.#options;
    const neverReached = this.#answers === 0;
    const advice = failure instanceof NetworkError ? failure.advice : undefined;
    const check = `check the address (${server.addressOption})${
      failure instanceof ApiError ? ", or try later" : " and the network"
    }`;
    const silence = durationText(this.#silentMs);
    const resume =
      `${server.goOn} when it does, or wait longer with --patience`;
    const message = neverReached
      ? `cannot reach ${server.name} at ${address}: ${failure.message}; ${
        advice ?? check
      }`
      : `${server.name} has not answered for ${silence} (${failure.message}); ${
        advice === undefined ? resume : `${advice}, ${resume}`
      }`;
    this.#gaveUp = new NetworkError(message, {
      outage: true,
      neverReached,
      cause: failure,
    });
    return this.#gaveUp;
  }
}

/**
 * Checks whether a failed request was answered by the API. A refusal and a 429
 * are answers; errors of a proxy or of an overloaded service are not.
 */
function isAnswer(failure: Error): boolean {
  return failure instanceof ApiError &&
    (!failure.retryable || failure.status === 429);
}
