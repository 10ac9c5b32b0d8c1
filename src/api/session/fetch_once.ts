/**
 * Makes one attempt at one request: headers and body together, within its time,
 * redirects included. Whatever goes wrong comes out as one of the typed errors;
 * what fetch itself says never does, since its messages can hold the URL.
 */
import { joinOnce } from "../../core/text/bytes.ts";
import { ApiError, NetworkError, ProtocolError } from "../../core/errors.ts";
import { redact } from "../../core/text/redact.ts";
import type { Clock } from "../../core/runtime/runtime.ts";
import {
  excerpt,
  isJsonObject,
  networkError,
  proxyLoginError,
} from "./failure_text.ts";
import type { ApiRequest, LayerOptions, Transport } from "./request.ts";
import type { ServerClock } from "./server_clock.ts";

type Options = LayerOptions & { readonly serverClock: ServerClock };

/**
 * The time limit of an attempt, unless its request has its own. Every 16 KiB
 * that arrive add 1 s.
 */
const TIMEOUT_MS = 60_000;
/** How long a body may stall. */
const STALL_MS = 60_000;
/** A body that arrives at this pace or faster never times out. */
const SLOWEST_BYTES_PER_MS = 16.384;
const MAX_REDIRECTS = 5;
/**
 * Up to this size, memory is reserved by the length that the server announces.
 */
const MOST_RESERVED_BYTES = 1024 ** 3;
const FIRST_BLOCK_BYTES = 64 * 1024;
/** Blocks of this size go back to the system as soon as they are released. */
const MOST_BLOCK_BYTES = 64 * 1024 ** 2;

/** The lowest layer: one attempt, and no more. */
export class FetchOnce implements Transport {
  readonly #options: Options;

  constructor(options: Options) {
    this.#options = options;
  }

  /**
   * Makes one attempt.
   *
   * @throws {ApiError} On a status other than success, and on a redirect to
   * another origin.
   * @throws {NetworkError} When no complete answer arrives in time.
   * @throws {ProtocolError} When the answer cannot be read.
   * @throws The signal's reason when the run ends.
   */
  async get<T>(request: ApiRequest<T>): Promise<T> {
    const options = this.#options;
    const { clock, serverClock, signal, server } = options;
    const timeoutMs = request.timeoutMs ?? TIMEOUT_MS;
    using watchdog = new Watchdog(clock, timeoutMs, signal);
    let body: Uint8Array;
    try {
      let url = this.#urlOf(request);
      let response: Response;
      for (let hops = 0;; hops++) {
        response = await options.fetch(url, {
          method: request.body === undefined ? "GET" : "POST",
          headers: { ...server.headers, ...request.headers },
          ...request.body !== undefined && { body: request.body },
          redirect: "manual",
          signal: watchdog.signal,
        });
        const next = this.#redirectOf(response, url, hops);
        if (next === null) break;
        await response.body?.cancel();
        url = next;
      }
      const limit = response.ok ? request.maxBytes : undefined;
      body = await readBody(response, watchdog, limit);
      if (!response.ok) throw this.#statusError(request, response, body);
      serverClock.learn(response.headers);
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      if (watchdog.expired !== null) {
        throw new NetworkError(watchdog.expired, { cause: error });
      }
      if (error instanceof ApiError || error instanceof NetworkError) {
        throw error;
      }
      throw networkError(error, server.addressOption);
    }
    try {
      return request.read(body);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      throw new ProtocolError(redact(error.message, server.secrets));
    }
  }

  #urlOf({ path, query = [] }: ApiRequest<unknown>): URL {
    const url = new URL(this.#options.apiUrl + path);
    for (const [name, value] of query) url.searchParams.append(name, value);
    return url;
  }

  /**
   * Returns where a redirect leads; `null` if there is none. Stays within the
   * API's origin: the key goes nowhere else.
   */
  #redirectOf(
    { status, headers }: Response,
    { href, origin }: URL,
    hops: number,
  ): URL | null {
    const location = headers.get("location");
    if (status < 300 || status >= 400 || location === null) return null;
    const fatal = { status, retryable: false };
    const { name, secrets, credentials, addressOption } = this.#options.server;
    if (!URL.canParse(location, href) || hops === MAX_REDIRECTS) {
      throw new ApiError(`${name} redirects in circles or to nowhere`, fatal);
    }
    const next = new URL(location, href);
    if (next.origin === origin) return next;
    const other = redact(next.origin, secrets);
    throw new ApiError(
      `${name} redirects to another origin, ${other}, where ${credentials.name} must not go; check the address (${addressOption})`,
      fatal,
    );
  }

  #statusError(
    { path }: ApiRequest<unknown>,
    { status, headers }: Response,
    body: Uint8Array,
  ): Error {
    if (status === 407) return proxyLoginError();
    const { clock, serverClock, server } = this.#options;
    const { secrets, refusesInJson } = server;
    const said = excerpt(body, secrets);
    const asked = status === 404 && path !== ""
      ? ` for ${redact(path, secrets)}`
      : "";
    const waitMs = retryAfterMs(headers, serverClock.nowMs() ?? clock.now());
    // A proxy refuses with a page of its own; that may pass.
    const isOfProxy = (status === 401 || status === 403) && refusesInJson &&
      !isJsonObject(body);
    const isPassing = status >= 500 || [408, 425, 429].includes(status);
    return new ApiError(`HTTP ${status}${asked}${said}`, {
      status,
      retryable: isOfProxy || isPassing,
      ...waitMs !== null && { retryAtMs: clock.monotonicMs() + waitMs },
    });
  }
}

/** Aborts an attempt whose time is up or whose body has stalled. */
class Watchdog implements Disposable {
  readonly #abort = new AbortController();
  readonly #done = new AbortController();
  readonly #clock: Clock;
  readonly #startMs: number;
  readonly #timeoutMs: number;
  readonly signal: AbortSignal;
  #lastByteMs: number | null = null;
  #bytes = 0;
  /** Why it aborted the attempt; `null` if it has not. */
  expired: string | null = null;

  constructor(clock: Clock, timeoutMs: number, signal: AbortSignal) {
    this.#clock = clock;
    this.#startMs = clock.monotonicMs();
    this.#timeoutMs = timeoutMs;
    this.signal = AbortSignal.any([signal, this.#abort.signal]);
    this.#watch().catch((error) => this.#abort.abort(error));
  }

  received(bytes: number): void {
    this.#bytes += bytes;
    this.#lastByteMs = this.#clock.monotonicMs();
  }

  [Symbol.dispose](): void {
    // A given reason saves making an error with a stack.
    this.#done.abort("done");
  }

  async #watch(): Promise<void> {
    const done = this.#done.signal;
    while (!done.aborted) {
      const nowMs = this.#clock.monotonicMs();
      const stallsAtMs = (this.#lastByteMs ?? Infinity) + STALL_MS;
      const endsAtMs = this.#startMs + this.#timeoutMs +
        this.#bytes / SLOWEST_BYTES_PER_MS;
      const waitMs = Math.min(stallsAtMs, endsAtMs) - nowMs;
      if (waitMs <= 0) {
        const seconds = Math.round((nowMs - this.#startMs) / 1000);
        this.expired = stallsAtMs <= endsAtMs
          ? `the response stalled for ${STALL_MS / 1000} s`
          : `no complete answer within ${seconds} s`;
        return this.#abort.abort();
      }
      // Sleeps no longer than a stall, since the body may start meanwhile.
      const nextLookMs = Math.min(waitMs, STALL_MS);
      await this.#clock.sleep(nextLookMs, { signal: done }).catch((error) => {
        if (!done.aborted) throw error;
      });
    }
  }
}

/**
 * Reads a body into one array. Copies it into a few large blocks as it arrives,
 * or into a single one if the server announces its length, so that a huge body
 * is never in memory twice.
 */
async function readBody(
  { headers, body }: Response,
  watchdog: Watchdog,
  maxBytes = Infinity,
): Promise<Uint8Array> {
  const named = Number(headers.get("content-length") ?? 0);
  const isUsable = named > 0 &&
    named <= Math.min(maxBytes, MOST_RESERVED_BYTES);
  const full: Uint8Array<ArrayBuffer>[] = [];
  let block = new Uint8Array(isUsable ? named : FIRST_BLOCK_BYTES);
  let length = 0;
  let received = 0;
  watchdog.received(0);
  for await (const chunk of body ?? []) {
    watchdog.received(chunk.length);
    received += chunk.length;
    if (Math.max(named, received) > maxBytes) {
      // The same error as that of a server that refuses a page for its size.
      const megabytes = Math.round(maxBytes / 1_000_000);
      throw new ApiError(`the response has more than ${megabytes} MB`, {
        status: 413,
        retryable: false,
      });
    }
    for (let from = 0; from < chunk.length;) {
      if (length === block.length) {
        full.push(block);
        block = new Uint8Array(Math.min(MOST_BLOCK_BYTES, length * 2));
        length = 0;
      }
      const part = chunk.subarray(from, from + block.length - length);
      block.set(part, length);
      length += part.length;
      from += part.length;
    }
  }
  const last = block.subarray(0, length);
  if (full.length === 0) return last;
  return joinOnce([...full, last]);
}

/**
 * Reads a `Retry-After` header (RFC 9110, section 10.2.3). A date is measured
 * against the `Date` of the same answer, where there is one.
 *
 * @returns Milliseconds from now; `null` where there is nothing to obey.
 */
function retryAfterMs(headers: Headers, nowMs: number): number | null {
  const text = headers.get("retry-after")?.trim() ?? "";
  if (/^\d+(\.\d+)?$/.test(text)) return Math.ceil(Number(text) * 1000);
  const untilMs = Date.parse(text);
  if (Number.isNaN(untilMs)) return null;
  const dateMs = Date.parse(headers.get("date") ?? "");
  return Math.max(0, untilMs - (Number.isNaN(dateMs) ? nowMs : dateMs));
}
