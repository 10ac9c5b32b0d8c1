/**
 * One attempt at one GET: headers and body together, within its time, redirects
 * included. Whatever goes wrong comes out as one of the typed errors; what
 * fetch itself says never does, since its messages can hold the URL.
 */
import { ApiError, AuthError, NetworkError } from "../core/errors.ts";
import { concat } from "../core/bytes.ts";
import type { Clock } from "../core/runtime.ts";
import { isPassingStatus, retryAfterMs } from "./retry.ts";
import { excerpt, isJsonObject, reasonOf } from "./failure_text.ts";

/** What an attempt needs. */
export interface AttemptOptions {
  readonly fetch: typeof fetch;
  readonly clock: Clock;
  readonly headers: Readonly<Record<string, string>>;
  /** The whole attempt's time, stretched by 1 s for every 16 KiB received. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** A body may stand still this long. */
const STALL_MS = 60_000;
/** A body that arrives at this pace or faster is not cut off by the time-out. */
const SLOWEST_BYTES_PER_MS = 16.384;
const MAX_REDIRECTS = 5;

/**
 * Makes one attempt.
 *
 * @param url The address; redirects are followed within its origin only.
 * @param options The headers, the time and how to fetch.
 * @returns The whole body of a success.
 * @throws {AuthError} On a 401 or 403 that is the API's own.
 * @throws {ApiError} On any other status, and on a redirect to another origin.
 * @throws {NetworkError} When no complete answer arrives in time.
 */
export async function attempt(
  url: URL,
  options: AttemptOptions,
): Promise<Uint8Array> {
  using watchdog = new Watchdog(options);
  try {
    const response = await follow(url, options, watchdog.signal);
    const body = await readBody(response, watchdog);
    if (!response.ok) throw statusError(response, body, options);
    return body;
  } catch (error) {
    if (options.signal.aborted) throw options.signal.reason;
    if (watchdog.expired !== null) {
      throw new NetworkError(watchdog.expired, { cause: error });
    }
    if (error instanceof ApiError || error instanceof AuthError) throw error;
    throw new NetworkError(reasonOf(error), { cause: error });
  }
}

/** Aborts an attempt whose time is up or whose body stands still. */
class Watchdog implements Disposable {
  readonly #abort = new AbortController();
  readonly #done = new AbortController();
  readonly #startMs: number;
  readonly #options: AttemptOptions;
  readonly signal: AbortSignal;
  #lastByteMs: number | null = null;
  #bytes = 0;
  /** Why it struck; `null` while it has not. */
  expired: string | null = null;

  constructor(options: AttemptOptions) {
    this.#options = options;
    this.#startMs = options.clock.now();
    this.signal = AbortSignal.any([options.signal, this.#abort.signal]);
    this.#watch().catch((error) => this.#abort.abort(error));
  }

  received(bytes: number): void {
    this.#bytes += bytes;
    this.#lastByteMs = this.#options.clock.now();
  }

  [Symbol.dispose](): void {
    this.#done.abort();
  }

  async #watch(): Promise<void> {
    const { clock, timeoutMs } = this.#options;
    const done = this.#done.signal;
    while (!done.aborted) {
      const stalls = this.#lastByteMs === null
        ? Infinity
        : this.#lastByteMs + STALL_MS;
      const ends = this.#startMs + timeoutMs +
        this.#bytes / SLOWEST_BYTES_PER_MS;
      const waitMs = Math.min(stalls, ends) - clock.now();
      if (waitMs <= 0) {
        const seconds = Math.round((clock.now() - this.#startMs) / 1000);
        this.expired = stalls <= ends
          ? `the answer stood still for ${STALL_MS / 1000} s`
          : `no complete answer within ${seconds} s`;
        this.#abort.abort();
        return;
      }
      // No longer than a stall: meanwhile the body may have begun.
      const nextLookMs = Math.min(waitMs, STALL_MS);
      await clock.sleep(nextLookMs, { signal: done }).catch((error) => {
        if (!done.aborted) throw error;
      });
    }
  }
}

async function follow(
  url: URL,
  options: AttemptOptions,
  signal: AbortSignal,
): Promise<Response> {
  let target = url;
  for (let hops = 0;; hops++) {
    const response = await options.fetch(target, {
      headers: options.headers,
      redirect: "manual",
      signal,
    });
    const location = response.headers.get("location");
    if (response.status < 300 || response.status >= 400 || location === null) {
      return response;
    }
    await response.body?.cancel();
    const next = URL.canParse(location, target)
      ? new URL(location, target)
      : null;
    const fatal = { status: response.status, retryable: false };
    if (next === null || hops === MAX_REDIRECTS) {
      throw new ApiError("the API redirects in circles or to nowhere", fatal);
    }
    if (next.origin !== url.origin) {
      throw new ApiError(
        `the API redirects to another origin, ${next.origin}, where the key is not sent; check the API URL`,
        fatal,
      );
    }
    target = next;
  }
}

async function readBody(
  response: Response,
  watchdog: Watchdog,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  watchdog.received(0);
  for await (const chunk of response.body ?? []) {
    watchdog.received(chunk.length);
    chunks.push(chunk);
  }
  return concat(chunks);
}

function statusError(
  response: Response,
  body: Uint8Array,
  options: AttemptOptions,
): Error {
  const { status } = response;
  const said = excerpt(body, Object.values(options.headers));
  const refused = status === 401 || status === 403;
  if (refused && isJsonObject(body)) {
    return new AuthError(
      `the API refused the key (HTTP ${status}${said}); check HUMANLOOP_API_KEY, keys are made at https://app.humanloop.com/account/api-keys`,
    );
  }
  const waitMs = retryAfterMs(
    response.headers.get("retry-after"),
    options.clock.now(),
  );
  return new ApiError(`HTTP ${status}${said}`, {
    status,
    retryable: refused || isPassingStatus(status),
    ...(waitMs === undefined ? {} : { retryAfterMs: waitMs }),
  });
}
