/**
 * Decides whether and when a failed request is tried again. Pure functions:
 * nothing here waits, fetches or looks at a clock of its own.
 */
import { ApiError, NetworkError, ProtocolError } from "../core/errors.ts";

/** How often a request is tried at the most. */
export const MAX_TRIES = 5;

const FIRST_BACKOFF_MS = 500;
const LONGEST_BACKOFF_MS = 10_000;

/** What to do about a failed try. */
export interface RetryDecision {
  readonly kind: "fail" | "retry";
  /** How long this request waits, in milliseconds. */
  readonly waitMs: number;
  /**
   * Whether the server asked for it (`Retry-After`): then no request of the run
   * starts before, also when this one is given up.
   */
  readonly forAll: boolean;
}

/**
 * Decides what follows a failed try.
 *
 * @param error What the try threw.
 * @param tries How many tries have been made, from 1.
 * @param random A number from 0 to 1.
 * @returns Whether to wait, how long, and for whom.
 */
export function decideRetry(
  error: unknown,
  tries: number,
  random: number,
): RetryDecision {
  const passing = error instanceof NetworkError ||
    error instanceof ProtocolError ||
    (error instanceof ApiError && error.retryable);
  const asked = passing && error instanceof ApiError
    ? error.retryAfterMs
    : undefined;
  return {
    kind: passing && tries < MAX_TRIES ? "retry" : "fail",
    waitMs: asked ?? backoffMs(tries, random),
    forAll: asked !== undefined,
  };
}

/**
 * Exponential backoff with full jitter: anything from nothing to 0.5 s after
 * the first try, doubling to 10 s.
 *
 * @param tries How many tries have been made, from 1.
 * @param random A number from 0 to 1.
 * @returns The wait in milliseconds.
 */
export function backoffMs(tries: number, random: number): number {
  const ceiling = Math.min(
    LONGEST_BACKOFF_MS,
    FIRST_BACKOFF_MS * 2 ** (tries - 1),
  );
  return Math.round(random * ceiling);
}

/**
 * Reads a `Retry-After` header (RFC 9110, section 10.2.3).
 *
 * @param value The header: seconds, or an HTTP date.
 * @param nowMs The present, in milliseconds since 1970.
 * @returns Milliseconds from now, or `undefined` where there is nothing to obey.
 */
export function retryAfterMs(
  value: string | null,
  nowMs: number,
): number | undefined {
  const text = value?.trim();
  if (!text) return undefined;
  if (/^\d+(\.\d+)?$/.test(text)) return Math.ceil(Number(text) * 1000);
  const date = Date.parse(text);
  return Number.isNaN(date) ? undefined : Math.max(0, date - nowMs);
}

/**
 * Whether a status says that the same request may succeed later.
 *
 * @param status An HTTP status that is no success.
 */
export function isPassingStatus(status: number): boolean {
  return status === 408 || status === 425 || status === 429 || status >= 500;
}
