/**
 * Makes a failed request a few more times, where that may help, with growing
 * waits between. An outage and a 429 do not count: those are waited for.
 */
import {
  ApiError,
  isOutage,
  NetworkError,
  ProtocolError,
} from "../core/errors.ts";
import { OutageEnded } from "./circuit_breaker.ts";
import { durationText } from "./failure_text.ts";
import type { ApiRequest, LayerOptions, Transport } from "./request.ts";

type Options = Pick<LayerOptions, "clock" | "random" | "observer" | "signal">;

/** How many attempts a request gets that names no number. */
const MOST_ATTEMPTS = 5;
/** How many outages may begin while one request is on its way. */
const MOST_OUTAGES = 5;
const FIRST_BACKOFF_MS = 500;
const LONGEST_BACKOFF_MS = 10_000;

/** The layer that decides about another attempt, and waits for it. */
export class Retry implements Transport {
  readonly #next: Transport;
  readonly #options: Options;

  constructor(next: Transport, options: Options) {
    this.#next = next;
    this.#options = options;
  }

  /**
   * Makes a request, up to `request.attempts` times.
   *
   * @throws {ApiError | NetworkError | ProtocolError} What the last attempt met.
   * @throws The signal's reason when the run ends.
   */
  async get<T>(request: ApiRequest<T>): Promise<T> {
    const { clock, random, signal } = this.#options;
    const attempts = request.attempts ?? MOST_ATTEMPTS;
    let failed = 0;
    let refused = 0;
    let outages = 0;
    while (true) {
      try {
        return await this.#next.get(request);
      } catch (error) {
        if (error instanceof OutageEnded) {
          failed = 0;
          if (!isRetryable(error.cause) || ++outages < MOST_OUTAGES) continue;
          // It may be what brings the API down.
          this.#log("INFO", request, `met ${outages} outages`, error.cause);
          throw error.cause;
        }
        if (!isRetryable(error)) throw error;
        const isRefused = error instanceof ApiError && error.status === 429;
        if (isRefused) refused++;
        else failed++;
        if (failed === attempts) {
          this.#log(
            "INFO",
            request,
            `failed in ${attemptsText(failed)}`,
            error,
          );
          throw error;
        }
        const waitMs = isRefused
          ? slowDownMs(refused, random())
          : backoffMs(failed, random());
        const wait = waitText(error, waitMs);
        this.#log(
          failed + refused === 1 ? "INFO" : "WARN",
          request,
          isRefused
            ? `asked to slow down, next attempt ${wait}`
            : `retry ${failed} of ${attempts - 1} ${wait}`,
          error,
        );
        await clock.sleep(waitMs, { signal });
      }
    }
  }

  #log(
    level: "INFO" | "WARN",
    { label }: ApiRequest<unknown>,
    text: string,
    { message }: Error,
  ): void {
    this.#options.observer.log(level, `${label}, ${text}: ${message}`);
  }
}

function isRetryable(error: unknown): error is Error {
  if (error instanceof ApiError) return error.retryable;
  return error instanceof ProtocolError ||
    error instanceof NetworkError && !isOutage(error);
}

function attemptsText(count: number): string {
  return count === 1 ? "its only attempt" : `all of ${count} attempts`;
}

/** Says how long a request waits; `Retry-After` is obeyed below, by the whole run. */
function waitText(error: Error, waitMs: number): string {
  const askedMs = error instanceof ApiError ? error.retryAfterMs ?? 0 : 0;
  return askedMs > waitMs
    ? `when the API allows it (Retry-After ${durationText(askedMs)})`
    : `in ${durationText(waitMs)}`;
}

/**
 * Gives the wait after a failure: full jitter, so anything from nothing to 0.5 s
 * after the first, doubling to 10 s.
 */
function backoffMs(failed: number, random: number): number {
  return Math.round(random * longestWaitMs(failed));
}

/** Gives the wait after a 429: never less than half of the longest. */
function slowDownMs(refused: number, random: number): number {
  return Math.round((0.5 + random / 2) * longestWaitMs(refused));
}

function longestWaitMs(count: number): number {
  return Math.min(LONGEST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** (count - 1));
}
