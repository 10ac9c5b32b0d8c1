/**
 * The small retry wrapper round fetch: one GET → what was read from its body,
 * or a typed error. Reading is part of a try, so a cut or unreadable body is
 * tried again like a failed connection.
 */
import { ApiError, isRecoverable } from "../core/errors.ts";
import type { Observer } from "../core/observer.ts";
import type { Runtime } from "../core/runtime.ts";
import { attempt } from "./fetch_once.ts";
import { CircuitBreaker, isNoAnswer } from "./circuit_breaker.ts";
import type { RateLimiter } from "./rate_limiter.ts";
import { sliceDocument } from "./records.ts";
import { decideRetry, MAX_TRIES } from "./retry.ts";

/** What {@linkcode Session} is made from. */
export interface SessionOptions {
  readonly runtime: Pick<Runtime, "fetch" | "clock" | "random">;
  readonly limiter: RateLimiter;
  readonly observer: Observer;
  /** The API's address, without a slash at its end. */
  readonly apiUrl: string;
  readonly apiKey: string;
  /** How long to wait for an API that does not answer at all, in milliseconds. */
  readonly patienceMs: number;
  /** Ends every request of the run. */
  readonly signal: AbortSignal;
}

/** One GET. */
export interface ApiRequest<T> {
  /** Below the API's address, with a slash in front. */
  readonly path: string;
  readonly query?: ReadonlyArray<readonly [string, string]>;
  /** For people: `page 3 of the Logs of pr_1`. */
  readonly label: string;
  /** Time for one try, in milliseconds. */
  readonly timeoutMs?: number;
  /** Reads the body; a ProtocolError thrown here makes another try. */
  readonly read: (body: Uint8Array) => T;
}

const TIMEOUT_MS = 60_000;

/** What is asked while nothing else is answered: small, and always there. */
const PROBE: ApiRequest<unknown> = {
  path: "/files",
  query: [["page", "1"], ["size", "1"]],
  label: "a sign of life",
  read: (body) => sliceDocument(body, () => null),
};

/** Makes requests. */
export class Session {
  readonly #options: SessionOptions;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #outage: CircuitBreaker;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#headers = { "x-api-key": options.apiKey };
    const { clock } = options.runtime;
    this.#outage = new CircuitBreaker({
      ...options,
      clock,
      // A request that waits for the end of an outage may hold every slot.
      probe: async () =>
        void await this.#try(PROBE, async (work) => {
          await options.limiter.quiet(options.signal);
          return await work();
        }),
    });
  }

  /**
   * Makes a request, up to five times. Tries that fail while the API does not
   * answer anything at all are not counted.
   *
   * @returns What `read` made of the body.
   * @throws {ApiError | NetworkError | ProtocolError} When the last try failed.
   * @throws {AuthError} As soon as the API refuses the key.
   * @throws The signal's reason when the run ends.
   */
  async get<T>(request: ApiRequest<T>): Promise<T> {
    const { runtime, limiter, observer, signal } = this.#options;
    const outage = this.#outage;
    for (let tries = 1;; tries++) {
      if (await outage.over()) tries = 1;
      try {
        const value = await this.#try(
          request,
          (work) =>
            limiter.run(async () => {
              await outage.over();
              return await work();
            }, signal),
        );
        outage.answered();
        return value;
      } catch (error) {
        if (!isRecoverable(error)) throw error;
        if (!isNoAnswer(error)) outage.answered();
        const { kind, waitMs, forAll } = decideRetry(
          error,
          tries,
          runtime.random(),
        );
        const failed = `cannot get ${request.label} (try ${tries}`;
        const seconds = (waitMs / 1000).toFixed(1);
        observer.log(
          kind === "fail" ? "INFO" : "WARN",
          kind === "fail"
            ? `${failed}, the last): ${error.message}`
            : `${failed} of ${MAX_TRIES}, again in ${seconds} s): ${error.message}`,
        );
        if (isNoAnswer(error) && await outage.noAnswer()) {
          tries = 0;
          continue;
        }
        if (kind === "fail") throw error;
        if (!forAll) await runtime.clock.sleep(waitMs, { signal });
      }
    }
  }

  /** One try; tells the limiter what the server thinks of the pace. */
  async #try<T>(
    request: ApiRequest<T>,
    inTurn: (work: () => Promise<Uint8Array>) => Promise<Uint8Array>,
  ): Promise<T> {
    const { runtime, limiter, observer } = this.#options;
    let startedMs = 0;
    try {
      // Its slot is free again before the body is read.
      const body = await inTurn(() => {
        startedMs = runtime.clock.now();
        return this.#fetch(request);
      });
      return request.read(body);
    } catch (error) {
      if (!(error instanceof ApiError) || !error.retryable) throw error;
      if (error.status === 429) limiter.slowDown(startedMs);
      if (error.retryAfterMs !== undefined) {
        const untilMs = runtime.clock.now() + error.retryAfterMs;
        limiter.hold(untilMs);
        observer.waiting("rate limited, resumes", untilMs);
      }
      throw error;
    }
  }

  async #fetch<T>(request: ApiRequest<T>): Promise<Uint8Array> {
    const { runtime, apiUrl, signal } = this.#options;
    const url = new URL(apiUrl + request.path);
    for (const [name, value] of request.query ?? []) {
      url.searchParams.append(name, value);
    }
    return await attempt(url, {
      fetch: runtime.fetch,
      clock: runtime.clock,
      headers: this.#headers,
      timeoutMs: request.timeoutMs ?? TIMEOUT_MS,
      signal,
    });
  }
}
