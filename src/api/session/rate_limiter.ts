/**
 * Decides when a request may start, for the whole run. Bounds how many are in
 * flight, first come first served: half as many after a 429, once for a burst;
 * then more again, quickly up to the number that was too many, slowly beyond
 * it. Obeys `Retry-After`: no request starts before the time that the server
 * asked for. While the server answers nothing but 429, the run waits longer
 * each time, and ends when `--patience` is over.
 */
import { ApiError, NetworkError } from "../../core/errors.ts";
import { durationText, YEAR_MS } from "./failure_text.ts";
import {
  type ApiRequest,
  askedMs,
  type LayerOptions,
  type Transport,
} from "./request.ts";

/** Time without a 429 before one more request may go, in milliseconds. */
const CLIMB_MS = 500;
/**
 * The same at the number that was too many; doubled each time that it is again.
 */
const FIRST_TRIAL_MS = 5_000;
const LONGEST_TRIAL_MS = 60_000;
/** A server may answer 429 for this long, however short `--patience` is. */
const LEAST_PATIENCE_MS = 30_000;
/** How long the run waits after the second refusal in a row; doubled each time. */
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 10_000;

/** The layer that hands out the slots for requests. */
export class RateLimiter implements Transport {
  readonly #next: Transport;
  readonly #options: LayerOptions;
  readonly #patienceMs: number;
  readonly #ended = new AbortController();
  /** Ends all waits, when the run ends or the limiter gives up. */
  readonly #stop: AbortSignal;
  readonly #waiting: Array<() => void> = [];
  #taken = 0;
  #limit: number;
  /** The number of requests at which the last 429 came. */
  #tooMany: number;
  #trialMs = FIRST_TRIAL_MS;
  #changedMs = -Infinity;
  /** No request starts before this time. */
  #allowedAtMs = -Infinity;
  /** When the server began to answer nothing but 429; `null` while it does not. */
  #refusedSinceMs: number | null = null;
  #refusals = 0;
  #lastRefusalMs = -Infinity;

  constructor(next: Transport, options: LayerOptions) {
    this.#next = next;
    this.#options = options;
    this.#patienceMs = Math.max(options.patienceMs, LEAST_PATIENCE_MS);
    this.#stop = AbortSignal.any([options.signal, this.#ended.signal]);
    this.#limit = options.concurrency;
    this.#tooMany = options.concurrency + 1;
  }

  /** How many requests may be in flight now. */
  get limit(): number {
    return this.#limit;
  }

  /**
   * Makes a request as soon as a slot is free and the server allows one.
   *
   * @throws {NetworkError} With `outage`, when the server asks to wait for
   * longer than `--patience`, or answers nothing but 429 for that long.
   * @throws What the layer below throws, or the signal's reason when the run ends.
   */
  async get<T>(request: ApiRequest<T>): Promise<T> {
    const { clock } = this.#options;
    this.#stop.throwIfAborted();
    if (this.#taken < this.#limit) this.#taken++;
    else await this.#slot();
    try {
      while (this.#allowedAtMs > clock.monotonicMs()) {
        const waitMs = this.#allowedAtMs - clock.monotonicMs();
        await clock.sleep(waitMs, { signal: this.#stop });
      }
      this.#stop.throwIfAborted();
      const startedMs = clock.monotonicMs();
      try {
        const value = await this.#next.get(request);
        this.#refusedSinceMs = null;
        return value;
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        if (error.status === 429) this.#refused(error, startedMs);
        else this.#failed(error);
        throw error;
      }
    } finally {
      this.#taken--;
      this.#recover();
      while (this.#taken < this.#limit && this.#waiting.length > 0) {
        this.#taken++;
        this.#waiting.shift()!();
      }
    }
  }

  /** Waits for a slot. */
  async #slot(): Promise<void> {
    const stop = this.#stop;
    await new Promise<void>((resolve, reject) => {
      const granted = () => {
        stop.removeEventListener("abort", aborted);
        resolve();
      };
      const aborted = () => {
        this.#waiting.splice(this.#waiting.indexOf(granted), 1);
        reject(stop.reason);
      };
      stop.addEventListener("abort", aborted, { once: true });
      this.#waiting.push(granted);
    });
  }

  /**
   * Obeys `Retry-After` of an answer other than 429, unless it is longer than
   * patience: one bad record must not hold up the run.
   */
  #failed(error: ApiError): void {
    this.#refusedSinceMs = null;
    const waitMs = askedMs(error, this.#options.clock);
    if (waitMs <= this.#patienceMs) this.#pause(waitMs);
  }

  #refused(error: ApiError, startedMs: number): void {
    const nowMs = this.#options.clock.monotonicMs();
    if (this.#refusedSinceMs === null) {
      this.#refusedSinceMs = nowMs;
      this.#refusals = 0;
    }
    // Requests that were in flight together are refused together: that is one
    // refusal.
    if (startedMs >= this.#lastRefusalMs) {
      this.#lastRefusalMs = nowMs;
      this.#refusals++;
      this.#slowDown(nowMs);
    }
    const leftMs = this.#refusedSinceMs + this.#patienceMs - nowMs;
    const waitMs = askedMs(error, this.#options.clock);
    if (leftMs <= 0 || waitMs > leftMs) {
      throw this.#giveUp(error, nowMs - this.#refusedSinceMs, waitMs);
    }
    // Does not pause after the first refusal.
    const pauseMs = this.#refusals < 2
      ? 0
      : Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (this.#refusals - 2));
    this.#pause(Math.max(waitMs, Math.min(leftMs, pauseMs)));
  }

  #pause(waitMs: number): void {
    const { clock, observer } = this.#options;
    const allowedAtMs = clock.monotonicMs() + waitMs;
    if (waitMs === 0 || allowedAtMs <= this.#allowedAtMs) return;
    this.#allowedAtMs = allowedAtMs;
    observer.waiting("rate limited, resumes", clock.now() + waitMs);
  }

  #giveUp(
    { message }: ApiError,
    refusedMs: number,
    waitMs: number,
  ): NetworkError {
    const { clock, server } = this.#options;
    const said = refusedMs < 1_000
      ? `${server.name} refuses requests`
      : `${server.name} has refused every request for ${
        durationText(refusedMs)
      }`;
    const asked = askedText(waitMs, clock.now(), server.goOn);
    const failure = new NetworkError(
      `${said} (${message})${asked}, or wait longer with --patience`,
      { outage: true },
    );
    this.#ended.abort(failure);
    return failure;
  }

  #slowDown(nowMs: number): void {
    this.#trialMs = this.#limit === this.#tooMany
      ? Math.min(LONGEST_TRIAL_MS, this.#trialMs * 2)
      : FIRST_TRIAL_MS;
    this.#tooMany = this.#limit;
    this.#limit = Math.max(1, Math.floor(this.#limit / 2));
    this.#changedMs = nowMs;
  }

  #recover(): void {
    if (this.#limit >= this.#options.concurrency) return;
    const nowMs = this.#options.clock.monotonicMs();
    const waitMs = this.#limit + 1 < this.#tooMany ? CLIMB_MS : this.#trialMs;
    if (nowMs - this.#changedMs < waitMs) return;
    this.#limit++;
    this.#changedMs = nowMs;
  }
}

function askedText(waitMs: number, nowMs: number, goOn: string): string {
  if (waitMs === 0) return `; ${goOn} later`;
  if (waitMs > YEAR_MS) {
    return ` and asks to wait for more than a year; ${goOn} later`;
  }
  const until = new Date(nowMs + waitMs).toISOString();
  const time = until.slice(0, 16).replace("T", " ");
  return ` and asks to wait until ${time} UTC; ${goOn} after that`;
}
