/**
 * Describes a request, and what makes one. The layers of the session
 * (fetch_once, circuit_breaker, rate_limiter, retry, key_check) are all of the
 * same shape, and each is made from the one below it.
 */
import { ApiError } from "../../core/errors.ts";
import { KEY_PAGE } from "../../core/key_page.ts";
import type { Observer } from "../../core/observer.ts";
import type { Clock, Runtime } from "../../core/runtime/runtime.ts";
import { sliceDocument } from "../records.ts";

/** One request: a GET, or a POST if it has a body. */
export interface ApiRequest<T> {
  /** Below the API's address, with a slash in front. */
  readonly path: string;
  readonly query?: ReadonlyArray<readonly [string, string]>;
  readonly body?: Uint8Array<ArrayBuffer> | string;
  /**
   * Sent with those of {@linkcode Server}, and instead of those of the same
   * name.
   */
  readonly headers?: Readonly<Record<string, string>>;
  /** What messages call it: `Logs 1–100 of Support/Triage`. */
  readonly label: string;
  /** Time limit of one attempt, in milliseconds. */
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

/** What a server needs to be asked, and what messages say of it. */
export interface Server {
  /** How messages name it: `the API`. */
  readonly name: string;
  /** How the user goes on after a failure: `resume`. */
  readonly goOn: string;
  /** Sent with every request; its values are secrets. */
  readonly headers: Readonly<Record<string, string>>;
  /** Texts that no message repeats. */
  readonly secrets: readonly string[];
  /** How the user names its address: `--api-url`. */
  readonly addressOption: string;
  /**
   * Whether its refusals are JSON: any other comes from a proxy, and may pass.
   */
  readonly refusesInJson: boolean;
  /** What was refused, and what to do then. */
  readonly credentials: { readonly name: string; readonly advice: string };
  /** Shows whether the server answers and the credentials are good: small, and always there. */
  readonly probe: ApiRequest<unknown>;
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
  readonly server: Server;
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
 * Returns how long `Retry-After` asks to wait, from now on.
 *
 * @returns Milliseconds; 0 where it asks for nothing.
 */
export function askedMs(error: unknown, clock: Clock): number {
  if (!(error instanceof ApiError) || error.retryAtMs === undefined) return 0;
  return Math.max(0, error.retryAtMs - clock.monotonicMs());
}

/** Describes the Humanloop API. An empty key is not sent. */
export function humanloopApi(apiKey: string): Server {
  return {
    name: "the API",
    goOn: "resume",
    headers: apiKey === "" ? {} : { "x-api-key": apiKey },
    secrets: [apiKey],
    addressOption: "--api-url, HUMANLOOP_API_URL",
    refusesInJson: true,
    credentials: {
      name: "the key",
      advice: `check HUMANLOOP_API_KEY, keys are made at ${KEY_PAGE}`,
    },
    probe: {
      path: "/files",
      query: [["page", "1"], ["size", "1"]],
      label: "a first File, to see whether the API answers",
      timeoutMs: 30_000,
      read: (body) => sliceDocument(body, () => null).info,
    },
  };
}
