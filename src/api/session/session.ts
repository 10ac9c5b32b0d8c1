/**
 * Makes requests: each returns what was read from its body, or throws a typed
 * error. Puts the layers together; each is a file of its own and knows only the
 * one below.
 */
import { ApiError, NetworkError } from "../../core/errors.ts";
import { redact } from "../../core/text/redact.ts";
import type { Runtime } from "../../core/runtime/runtime.ts";
import { CircuitBreaker } from "./circuit_breaker.ts";
import { FetchOnce } from "./fetch_once.ts";
import { KeyCheck } from "./key_check.ts";
import { RateLimiter } from "./rate_limiter.ts";
import {
  humanloopApi,
  type LayerOptions,
  type Server,
  type Transport,
} from "./request.ts";
import { Retry } from "./retry.ts";
import { ServerClock } from "./server_clock.ts";

export type { ApiRequest } from "./request.ts";

/** What {@linkcode Session} is made from. */
export type SessionOptions =
  & Pick<
    LayerOptions,
    "observer" | "apiUrl" | "concurrency" | "patienceMs" | "signal"
  >
  & { readonly runtime: Pick<Runtime, "fetch" | "clock" | "random"> }
  & ({ readonly apiKey: string } | Pick<LayerOptions, "server">);

/** Statuses of the probe that mean that there is no such API at the address. */
const NO_API_STATUSES = [404, 405, 410];

/** Makes the requests of a run. */
export class Session implements Transport {
  /**
   * Makes a request, up to five times or `request.attempts` times. Attempts that
   * met an outage or a 429 do not count.
   *
   * @returns What `read` made of the body.
   * @throws {ApiError | NetworkError | ProtocolError} When the last attempt failed.
   * @throws {NetworkError} With `outage`, when the API does not answer for
   * longer than `--patience`; also with `neverReached`, when it never answered.
   * @throws {AuthError} When the API refuses the key.
   * @throws The signal's reason when the run ends.
   */
  readonly get: Transport["get"];
  readonly #serverClock: ServerClock;
  /** The API's address as messages name it: without a login. */
  readonly #address: string;
  readonly #server: Server;

  constructor({ runtime, observer, ...options }: SessionOptions) {
    const { clock, fetch } = runtime;
    const server = "server" in options
      ? options.server
      : humanloopApi(options.apiKey);
    this.#server = server;
    const { origin, pathname } = new URL(options.apiUrl);
    this.#address = origin + pathname;
    this.#serverClock = new ServerClock(clock);
    const shared = {
      ...options,
      fetch,
      clock,
      random: () => runtime.random(),
      address: this.#address,
      server,
      serverClock: this.#serverClock,
      observer: {
        log: (level, message) =>
          observer.log(level, redact(message, server.secrets)),
        waiting: (reason, untilMs) => observer.waiting(reason, untilMs),
      } satisfies LayerOptions["observer"],
    };
    const whenUp = new CircuitBreaker(new FetchOnce(shared), shared);
    const inTurn = new RateLimiter(whenUp, shared);
    const top = new KeyCheck(new Retry(inTurn, shared), shared);
    this.get = top.get.bind(top);
  }

  /**
   * Finds out whether the API can be reached with this key, by one small request.
   *
   * @throws {NetworkError} With `neverReached`, after about 30 s, or at once where
   * waiting does not help.
   * @throws {AuthError} When the API refuses the key.
   * @throws What {@linkcode get} throws.
   */
  async reach(): Promise<void> {
    try {
      await this.get(this.#server.probe);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      const { status, message, retryable } = error;
      const isElsewhere = status < 400 || NO_API_STATUSES.includes(status);
      if (!isElsewhere && retryable) throw error;
      if (!isElsewhere) return;
      const advice = status < 400
        ? ""
        : `; check the address (${this.#server.addressOption})`;
      throw new NetworkError(
        `cannot reach ${this.#server.name} at ${this.#address}: ${message}${advice}`,
        { neverReached: true, cause: error },
      );
    }
  }

  /**
   * Returns the time by the API's clock: its newest `Date` header and the time
   * since.
   *
   * @returns Milliseconds since 1970; `null` if no answer had a `Date`.
   */
  serverTimeMs(): number | null {
    return this.#serverClock.nowMs();
  }
}
