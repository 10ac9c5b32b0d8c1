/**
 * Makes a failed request a few more times, where that may help, with growing
 * waits between. An outage and a 429 do not count: those are waited for.
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

/** How many attempts a request gets that names no number. */
const MOST_ATTEMPTS = 5;
/** How many outages may begin while one request is on its way. */
const MOST_OUTAGES = 5;
const FIRST_BACKOFF_MS = 500;
const LONGEST_BACKOFF_MS = 10_000;

/** The layer that decides about another attempt, and waits for it. */
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
   * @throws {ApiError | NetworkError | ProtocolError} What the last attempt met.
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
          // It may be what brings the API down.
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
        // Full jitter; after a 429 never less than half of the longest wait.
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

/** Says how long a request waits; `Retry-After` is obeyed below, by the whole run. */
function waitText(waitMs: number, askedMs: number, server: string): string {
  return askedMs > waitMs
    ? `when ${server} allows it (Retry-After ${durationText(askedMs)})`
    : `in ${durationText(waitMs)}`;
}

/** Gives the longest wait after so many failures: 0.5 s, doubling to 10 s. */
function longestWaitMs(count: number): number {
  return Math.min(LONGEST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** (count - 1));
}
