/**
 * Obeys `Retry-After` for the whole run: after it no request starts before the
 * time that the server asked for. Where the server answers nothing but 429, the
 * run waits longer each time, and ends when `--patience` does.
 */
import { ApiError, NetworkError } from "../core/errors.ts";
import { durationText, YEAR_MS } from "./failure_text.ts";
import type { ApiRequest, LayerOptions, Transport } from "./request.ts";

type Options = Pick<
  LayerOptions,
  "clock" | "observer" | "patienceMs" | "signal"
>;

/** A server may say 429 for this long, however short `--patience` is. */
const LEAST_PATIENCE_MS = 30_000;
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 10_000;

/** The layer above a single attempt: lets it start when the server allows it. */
export class RetryAfter implements Transport {
  readonly #next: Transport;
  readonly #options: Options;
  readonly #patienceMs: number;
  readonly #ended = new AbortController();
  readonly #stop: AbortSignal;
  #allowedAtMs = -Infinity;
  /** When the server began to answer nothing but 429; `null` while it does not. */
  #refusedSinceMs: number | null = null;
  #refusals = 0;
  #lastRefusalMs = -Infinity;

  constructor(next: Transport, options: Options) {
    this.#next = next;
    this.#options = options;
    this.#patienceMs = Math.max(options.patienceMs, LEAST_PATIENCE_MS);
    this.#stop = AbortSignal.any([options.signal, this.#ended.signal]);
  }

  /**
   * Makes a request as soon as the server allows one.
   *
   * @throws {NetworkError} With `outage`, when the server asks to wait for longer
   * than `--patience`, or says nothing but 429 for as long.
   * @throws What the layer below throws, or the signal's reason when the run ends.
   */
  async get<T>(request: ApiRequest<T>): Promise<T> {
    await this.#untilAllowed();
    const startedMs = this.#options.clock.monotonicMs();
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
  }

  async #untilAllowed(): Promise<void> {
    const { clock } = this.#options;
    while (true) {
      this.#stop.throwIfAborted();
      const waitMs = this.#allowedAtMs - clock.monotonicMs();
      if (waitMs <= 0) return;
      await clock.sleep(waitMs, { signal: this.#stop });
    }
  }

  /** Obeys another answer than 429, unless one thing would hold up the run for too long. */
  #failed({ retryAfterMs = 0 }: ApiError): void {
    this.#refusedSinceMs = null;
    if (retryAfterMs <= this.#patienceMs) this.#pause(retryAfterMs);
  }

  #refused(error: ApiError, startedMs: number): void {
    const nowMs = this.#options.clock.monotonicMs();
    if (this.#refusedSinceMs === null) {
      this.#refusedSinceMs = nowMs;
      this.#refusals = 0;
    }
    // Requests that were on their way together are refused together: that is one refusal.
    if (startedMs >= this.#lastRefusalMs) {
      this.#refusals++;
      this.#lastRefusalMs = nowMs;
    }
    const leftMs = this.#refusedSinceMs + this.#patienceMs - nowMs;
    const askedMs = error.retryAfterMs ?? 0;
    if (leftMs <= 0 || askedMs > leftMs) {
      throw this.#giveUp(error, nowMs - this.#refusedSinceMs);
    }
    this.#pause(Math.max(askedMs, Math.min(leftMs, pauseMs(this.#refusals))));
  }

  #pause(waitMs: number): void {
    const { clock, observer } = this.#options;
    const allowedAtMs = clock.monotonicMs() + waitMs;
    if (waitMs === 0 || allowedAtMs <= this.#allowedAtMs) return;
    this.#allowedAtMs = allowedAtMs;
    observer.waiting("rate limited, resumes", clock.now() + waitMs);
  }

  #giveUp(error: ApiError, refusedMs: number): NetworkError {
    const { clock, observer } = this.#options;
    const said = refusedMs < 1_000
      ? `the API refuses requests (${error.message})`
      : `the API has refused every request for ${
        durationText(refusedMs)
      } (${error.message})`;
    const asked = askedText(error.retryAfterMs, clock.now());
    const failure = new NetworkError(
      `${said}${asked}, or wait longer with --patience`,
      { outage: true },
    );
    observer.log("ERROR", failure.message);
    this.#ended.abort(failure);
    return failure;
  }
}

/**
 * Decides how long the run waits after so many refusals in a row: not at all
 * after the first.
 */
function pauseMs(refusals: number): number {
  if (refusals < 2) return 0;
  return Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (refusals - 2));
}

function askedText(askedMs: number | undefined, nowMs: number): string {
  if (askedMs === undefined || askedMs === 0) return "; resume later";
  if (askedMs > YEAR_MS) {
    return " and asks to wait for more than a year; resume later";
  }
  const until = new Date(nowMs + askedMs).toISOString();
  const time = until.slice(0, 16).replace("T", " ");
  return ` and asks to wait until ${time} UTC; resume after that`;
}

/**
 * Reads a `Retry-After` header (RFC 9110, section 10.2.3). A date is measured
 * against the `Date` of the same answer, where there is one.
 *
 * @param headers The answer's headers.
 * @param nowMs The time to measure by where it has none, in milliseconds since 1970.
 * @returns Milliseconds from now, or `null` where there is nothing to obey.
 */
export function retryAfterMs(headers: Headers, nowMs: number): number | null {
  const text = headers.get("retry-after")?.trim() ?? "";
  if (/^\d+(\.\d+)?$/.test(text)) return Math.ceil(Number(text) * 1000);
  const untilMs = Date.parse(text);
  if (Number.isNaN(untilMs)) return null;
  const dateMs = Date.parse(headers.get("date") ?? "");
  return Math.max(0, untilMs - (Number.isNaN(dateMs) ? nowMs : dateMs));
}
