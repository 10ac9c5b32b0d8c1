/**
 * Describes a request, and what makes one. The layers of the session
 * (fetch_once, circuit_breaker, rate_limiter, retry, key_check) are all of the
 * same shape, and each is made from the one below it.
 */
import { ApiError } from "../core/errors.ts";
import type { Observer } from "../core/observer.ts";
import type { Clock, Runtime } from "../core/runtime.ts";
import { sliceDocument } from "./records.ts";

/** One request of the API: a GET, or a POST where it has a body. */
export interface ApiRequest<T> {
  /** Below the API's address, with a slash in front. */
  readonly path: string;
  readonly query?: ReadonlyArray<readonly [string, string]>;
  readonly body?: Uint8Array<ArrayBuffer> | string;
  /** Beside the key. */
  readonly headers?: Readonly<Record<string, string>>;
  /** For people: `Logs 1–100 of Support/Triage`. */
  readonly label: string;
  /** Time for one attempt, in milliseconds. */
  readonly timeoutMs?: number | undefined;
  /** The most attempts; those that met an outage or a 429 do not count. */
  readonly attempts?: number | undefined;
  /** The most bytes to accept; a longer response is an ApiError of status 413. */
  readonly maxBytes?: number | undefined;
  /** Reads the body; a ProtocolError thrown here makes another attempt. */
  readonly read: (body: Uint8Array) => T;
}

/** Makes requests. */
export interface Transport {
  /** Gives what the request's `read` made of the body, or throws a typed error. */
  get<T>(request: ApiRequest<T>): Promise<T>;
}

/** What the layers share. */
export interface LayerOptions {
  readonly fetch: Runtime["fetch"];
  readonly clock: Clock;
  /** Gives a number from 0 (included) to 1 (excluded). */
  readonly random: () => number;
  readonly observer: Pick<Observer, "log" | "waiting">;
  /** The API's address, without a slash at its end. */
  readonly apiUrl: string;
  /** Sent with every request; empty for none. */
  readonly apiKey: string;
  /** The API's address as messages name it: without a login. */
  readonly address: string;
  /** The most requests at once, at least 1. */
  readonly concurrency: number;
  /** How long to wait for an API that does not answer or refuses, in milliseconds. */
  readonly patienceMs: number;
  /** Ends every request of the run. */
  readonly signal: AbortSignal;
}

/**
 * Gives how long `Retry-After` asks to wait, from now on.
 *
 * @returns Milliseconds; 0 where it asks for nothing.
 */
export function askedMs(error: unknown, clock: Clock): number {
  if (!(error instanceof ApiError) || error.retryAtMs === undefined) return 0;
  return Math.max(0, error.retryAtMs - clock.monotonicMs());
}

/** The request that shows whether the API answers and the key is good: small, and always there. */
export const PROBE: ApiRequest<null> = {
  path: "/files",
  query: [["page", "1"], ["size", "1"]],
  label: "a first File, to see whether the API answers",
  timeoutMs: 30_000,
  read: (body) => sliceDocument(body, () => null).info,
};
