/**
 * Retries a failed request, where that may help, after growing waits. An outage
 * and a 429 do not count as attempts: the run waits until they are over.
 */
import {
  ApiError,
  isOutage,
  NetworkError,
  ProtocolError,
} from "../../core/errors.ts";
import { OutageEnded } from "./circuit_breaker.ts";
import { durationText } from "./failure_text.ts";
import {
  type ApiRequest,
  askedMs,
  type LayerOptions,
  type Transport,
} from "./request.ts";

/** How many attempts a request gets, unless it says so itself. */
const MOST_ATTEMPTS = 5;
/** How many outages one request may meet. */
const MOST_OUTAGES = 5;
const FIRST_BACKOFF_MS = 500;
const LONGEST_BACKOFF_MS = 10_000;

/** The layer that decides whether to retry, and waits before it does. */
export class Retry implements Transport {
  readonly #next: Transport;
  readonly #options: LayerOptions;

  constructor(next: Transport, options: LayerOptions) {
    this.#next = next;
    this.#options = options;
  }

  /**
   * Makes a request, up to `request.attempts` times.
   *
   * @throws {ApiError | NetworkError | ProtocolError} The failure of the last
   * attempt.
   * @throws The signal's reason when the run ends.
   */
  async get<T>(request: ApiRequest<T>): Promise<T> {
    const { clock, random, observer, signal, server } = this.#options;
    const { label, attempts = MOST_ATTEMPTS } = request;
    const log = (level: "INFO" | "WARN", text: string, { message }: Error) =>
      observer.log(level, `${label}, ${text}: ${message}`);
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
          // Gives up: this request may be what brings the API down.
          log("INFO", `met ${outages} outages`, error.cause);
          throw error.cause;
        }
        if (!isRetryable(error)) throw error;
        const isRefused = error instanceof ApiError && error.status === 429;
        if (isRefused) refused++;
        else failed++;
        if (failed === attempts) {
          const all = failed === 1
            ? "its only attempt"
            : `all of ${failed} attempts`;
          log("INFO", `failed in ${all}`, error);
          throw error;
        }
        // Waits with full jitter, after a 429 at least half of the longest
        // wait.
        const share = isRefused ? 0.5 + random() / 2 : random();
        const longestMs = longestWaitMs(isRefused ? refused : failed);
        const waitMs = Math.round(share * longestMs);
        const wait = waitText(waitMs, askedMs(error, clock), server.name);
        log(
          failed + refused === 1 ? "INFO" : "WARN",
          isRefused
            ? `asked to slow down, next attempt ${wait}`
            : `retry ${failed} of ${attempts - 1} ${wait}`,
          error,
        );
        await clock.sleep(waitMs, { signal });
      }
    }
  }
}

function isRetryable(error: unknown): error is Error {
  if (error instanceof ApiError) return error.retryable;
  return error instanceof ProtocolError ||
    error instanceof NetworkError && !isOutage(error);
}

/** Writes how long a request waits. The rate limiter obeys `Retry-After`. */
function waitText(waitMs: number, askedMs: number, server: string): string {
  return askedMs > waitMs
    ? `when ${server} allows it (Retry-After ${durationText(askedMs)})`
    : `in ${durationText(waitMs)}`;
}

/** Returns the longest wait after so many failures: 0.5 s, doubling to 10 s. */
function longestWaitMs(count: number): number {
  return Math.min(LONGEST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** (count - 1));
}
