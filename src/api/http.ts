/**
 * The small retry wrapper round fetch: one GET → what was read from its body,
 * or a typed error. Reading is part of a try, so a cut or unreadable body is
 * tried again like a failed connection.
 */
import { ApiError, isGap } from "../errors.ts";
import type { Observer } from "../observer.ts";
import type { World } from "../world.ts";
import { attempt } from "./attempt.ts";
import type { Pacer } from "./pacing.ts";
import { decideRetry, MAX_TRIES } from "./retry.ts";

/** What {@linkcode Http} is made from. */
export interface HttpOptions {
  readonly world: Pick<World, "fetch" | "clock" | "random">;
  readonly pacer: Pacer;
  readonly observer: Observer;
  /** The API's address, without a slash at its end. */
  readonly apiUrl: string;
  readonly apiKey: string;
  /** Ends every request of the run. */
  readonly signal: AbortSignal;
}

/** One GET. */
export interface HttpRequest<T> {
  /** Below the API's address, with a slash in front. */
  readonly path: string;
  readonly query?: ReadonlyArray<readonly [string, string]>;
  /** For people: `page 3 of the Logs of pr_1`. */
  readonly what: string;
  /** Time for one try, in milliseconds. */
  readonly timeoutMs?: number;
  /** Reads the body; a ProtocolError thrown here makes another try. */
  readonly read: (body: Uint8Array) => T;
}

const TIMEOUT_MS = 60_000;

/** Makes requests. */
export class Http {
  readonly #options: HttpOptions;
  readonly #headers: Readonly<Record<string, string>>;

  constructor(options: HttpOptions) {
    this.#options = options;
    this.#headers = { "x-api-key": options.apiKey };
  }

  /**
   * Makes a request, up to five times.
   *
   * @returns What `read` made of the body.
   * @throws {ApiError | NetworkError | ProtocolError} When the last try failed.
   * @throws {AuthError} As soon as the API refuses the key.
   * @throws The signal's reason when the run ends.
   */
  async get<T>(request: HttpRequest<T>): Promise<T> {
    const { world, pacer, observer, signal } = this.#options;
    for (let tries = 1;; tries++) {
      let startedMs = 0;
      try {
        // Its slot is free again before the body is read.
        const body = await pacer.run(() => {
          startedMs = world.clock.now();
          return this.#fetch(request);
        }, signal);
        const value = request.read(body);
        observer.requestDone();
        return value;
      } catch (error) {
        if (!isGap(error)) throw error;
        const { kind, waitMs, forAll } = decideRetry(
          error,
          tries,
          world.random(),
        );
        const tooMany = error instanceof ApiError && error.status === 429;
        if (tooMany) pacer.slowDown(startedMs);
        if (forAll) {
          const untilMs = world.clock.now() + waitMs;
          pacer.hold(untilMs);
          observer.waiting("rate limited", untilMs);
        }
        const failed = `cannot get ${request.what} (try ${tries}`;
        if (kind === "fail") {
          observer.log("INFO", `${failed}, the last): ${error.message}`);
          observer.requestDone();
          throw error;
        }
        const seconds = (waitMs / 1000).toFixed(1);
        observer.log(
          "WARN",
          `${failed} of ${MAX_TRIES}, again in ${seconds} s): ${error.message}`,
        );
        if (!forAll) await world.clock.sleep(waitMs, { signal });
      }
    }
  }

  async #fetch<T>(request: HttpRequest<T>): Promise<Uint8Array> {
    const { world, apiUrl, signal } = this.#options;
    const url = new URL(apiUrl + request.path);
    for (const [name, value] of request.query ?? []) {
      url.searchParams.append(name, value);
    }
    return await attempt(url, {
      fetch: world.fetch,
      clock: world.clock,
      headers: this.#headers,
      timeoutMs: request.timeoutMs ?? TIMEOUT_MS,
      signal,
    });
  }
}
