/**
 * Makes one attempt at one request: headers and body together, within its time,
 * redirects included. Whatever goes wrong comes out as one of the typed errors;
 * what fetch itself says never does, since its messages can hold the URL.
 */
import { ApiError, NetworkError, ProtocolError } from "../core/errors.ts";
import { redact } from "../core/redact.ts";
import type { Clock } from "../core/runtime.ts";
import {
  excerpt,
  isJsonObject,
  networkError,
  proxyLoginError,
} from "./failure_text.ts";
import type { ApiRequest, LayerOptions, Transport } from "./request.ts";
import { retryAfterMs } from "./retry_after.ts";
import type { ServerClock } from "./server_clock.ts";

type Options =
  & Pick<LayerOptions, "fetch" | "clock" | "apiUrl" | "server" | "signal">
  & { readonly serverClock: ServerClock };

/** The time of an attempt that names none, stretched by 1 s for every 16 KiB received. */
const TIMEOUT_MS = 60_000;
/** A body may bring nothing for this long. */
const STALL_MS = 60_000;
/** A body that arrives at this pace or faster is not cut off by the time-out. */
const SLOWEST_BYTES_PER_MS = 16.384;
const MAX_REDIRECTS = 5;
/** Up to here the length that the server names is believed before the bytes are there. */
const MOST_RESERVED_BYTES = 1024 ** 3;
const FIRST_BLOCK_BYTES = 64 * 1024;
const MOST_BLOCK_BYTES = 16 * 1024 ** 2;

/** The lowest layer: one attempt, and no more. */
export class FetchOnce implements Transport {
  readonly #options: Options;

  constructor(options: Options) {
    this.#options = options;
  }

  /**
   * Makes one attempt.
   *
   * @throws {ApiError} On a status that is no success, and on a redirect to another
   * origin.
   * @throws {NetworkError} When no complete answer arrives in time.
   * @throws {ProtocolError} When the answer cannot be read.
   * @throws The signal's reason when the run ends.
   */
  async get<T>(request: ApiRequest<T>): Promise<T> {
    const body = await fetchBody(request, this.#options);
    try {
      return request.read(body);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      throw new ProtocolError(
        redact(error.message, this.#options.server.secrets),
      );
    }
  }
}

async function fetchBody(
  request: ApiRequest<unknown>,
  options: Options,
): Promise<Uint8Array> {
  const { clock, serverClock, signal } = options;
  using watchdog = new Watchdog(
    clock,
    request.timeoutMs ?? TIMEOUT_MS,
    signal,
  );
  try {
    const response = await follow(request, options, watchdog);
    const limit = response.ok ? request.maxBytes : undefined;
    const body = await readBody(response, watchdog, limit);
    if (!response.ok) throw statusError(request, response, body, options);
    serverClock.learn(response.headers);
    return body;
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    if (watchdog.expired !== null) {
      throw new NetworkError(watchdog.expired, { cause: error });
    }
    if (error instanceof ApiError || error instanceof NetworkError) throw error;
    throw networkError(error, options.server.addressOption);
  }
}

function urlOf(
  { path, query = [] }: ApiRequest<unknown>,
  { apiUrl }: Options,
): URL {
  const url = new URL(apiUrl + path);
  for (const [name, value] of query) url.searchParams.append(name, value);
  return url;
}

/** Aborts an attempt whose time is up or whose body has stopped coming. */
class Watchdog implements Disposable {
  readonly #abort = new AbortController();
  readonly #done = new AbortController();
  readonly #clock: Clock;
  readonly #startMs: number;
  readonly #timeoutMs: number;
  readonly signal: AbortSignal;
  #lastByteMs: number | null = null;
  #bytes = 0;
  /** Why it struck; `null` while it has not. */
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
    this.#done.abort();
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
        this.#abort.abort();
        return;
      }
      // No longer than a stall: meanwhile the body may have started.
      const nextLookMs = Math.min(waitMs, STALL_MS);
      await this.#clock.sleep(nextLookMs, { signal: done }).catch((error) => {
        if (!done.aborted) throw error;
      });
    }
  }
}

/** Follows redirects within the API's origin: the key goes nowhere else. */
async function follow(
  request: ApiRequest<unknown>,
  options: Options,
  { signal }: Watchdog,
): Promise<Response> {
  const { body, headers } = request;
  const { server } = options;
  const url = urlOf(request, options);
  let target = url;
  for (let hops = 0;; hops++) {
    const response = await options.fetch(target, {
      headers: { ...server.headers, ...headers },
      ...body !== undefined && { method: "POST", body },
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
      const origin = redact(next.origin, server.secrets);
      throw new ApiError(
        `the API redirects to another origin, ${origin}, where ${server.credentials.name} is not sent; check the address (${server.addressOption})`,
        fatal,
      );
    }
    target = next;
  }
}

/**
 * Reads a body into one array. Copies it into a few large blocks as it comes,
 * where the server names its length into a single one: a huge body is so held
 * once, and not as its parts and as a whole.
 */
async function readBody(
  { headers, body }: Response,
  watchdog: Watchdog,
  maxBytes = Infinity,
): Promise<Uint8Array> {
  const named = Number(headers.get("content-length") ?? 0);
  if (named > maxBytes) {
    await body?.cancel();
    throw tooLarge(maxBytes);
  }
  const isUsable = named > 0 && named <= MOST_RESERVED_BYTES;
  const full: Uint8Array<ArrayBuffer>[] = [];
  let block = new Uint8Array(isUsable ? named : FIRST_BLOCK_BYTES);
  let length = 0;
  let received = 0;
  watchdog.received(0);
  for await (const chunk of body ?? []) {
    watchdog.received(chunk.length);
    received += chunk.length;
    if (received > maxBytes) throw tooLarge(maxBytes);
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
  return joinBlocks(full, block.subarray(0, length));
}

/** Joins blocks, and gives each back as soon as it is copied. */
function joinBlocks(
  full: readonly Uint8Array<ArrayBuffer>[],
  last: Uint8Array,
): Uint8Array {
  if (full.length === 0) return last;
  const sum = full.reduce((bytes, block) => bytes + block.length, 0);
  const whole = new Uint8Array(sum + last.length);
  let at = 0;
  for (const block of full) {
    whole.set(block, at);
    at += block.length;
    block.buffer.transfer(0);
  }
  whole.set(last, at);
  return whole;
}

/**
 * Makes the error for a response of more bytes than there is room for, as a
 * server would say it.
 */
function tooLarge(maxBytes: number): ApiError {
  const megabytes = Math.round(maxBytes / 1_000_000);
  return new ApiError(`the response has more than ${megabytes} MB`, {
    status: 413,
    retryable: false,
  });
}

function statusError(
  { path }: ApiRequest<unknown>,
  { status, headers }: Response,
  body: Uint8Array,
  { server: { secrets, refusesInJson }, clock, serverClock }: Options,
): Error {
  if (status === 407) return proxyLoginError();
  const said = excerpt(body, secrets);
  const asked = status === 404 ? ` for ${redact(path, secrets)}` : "";
  const waitMs = retryAfterMs(headers, serverClock.nowMs() ?? clock.now());
  // A proxy refuses with a page of its own, and that may pass.
  const isOfProxy = (status === 401 || status === 403) && refusesInJson &&
    !isJsonObject(body);
  return new ApiError(`HTTP ${status}${asked}${said}`, {
    status,
    retryable: isOfProxy || isPassingStatus(status),
    ...waitMs !== null && { retryAfterMs: waitMs },
  });
}

/** Checks whether a status says that the same request may succeed later. */
function isPassingStatus(status: number): boolean {
  return status === 408 || status === 425 || status === 429 || status >= 500;
}
