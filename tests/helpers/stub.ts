/** A stubbed fetch, and what the API's parts need around it. */
import { MemoryBudget } from "../../src/api/session/memory_budget.ts";
import { Session } from "../../src/api/session/session.ts";
import type { ReaderContext } from "../../src/lists/reader_context.ts";
import { VirtualClock } from "./clock.ts";
import { type Recorder, recorder } from "./observer.ts";

/** What a stub answers with: a response, or an error to throw. */
export type Answer = Response | Error;

/** One request that the stub saw. */
export interface Seen {
  readonly url: URL;
  readonly headers: Headers;
  readonly atMs: number;
}

/** The API's parts over a stub. */
export interface Stubbed {
  readonly session: Session;
  readonly reader: ReaderContext;
  readonly clock: VirtualClock;
  readonly observer: Recorder;
  readonly seen: Seen[];
  readonly stop: AbortController;
}

export const TEST_KEY = "hl_sk_secret_of_the_tests";

/** Makes an answer of JSON with the API's content type. */
export function json(value: unknown, init: ResponseInit = {}): Response {
  return new Response(JSON.stringify(value), init);
}

/**
 * Puts the API's parts over a stubbed fetch.
 *
 * @param answer Answers the request number `n`, from 0.
 */
export function stubbed(
  answer: (
    url: URL,
    n: number,
    signal: AbortSignal,
  ) => Answer | Promise<Answer>,
  options: {
    readonly concurrency?: number;
    readonly budget?: number;
    readonly random?: number;
    readonly patienceMs?: number;
    /** Answers the probe; without it, the API is up. */
    readonly probe?: () => Answer;
  } = {},
): Stubbed {
  const clock = new VirtualClock();
  const observer = recorder();
  const seen: Seen[] = [];
  const stop = new AbortController();
  const concurrency = options.concurrency ?? 4;
  const fetchStub = async (
    input: string | URL | Request,
    init?: RequestInit,
  ): Promise<Response> => {
    const url = new URL(String(input));
    if (url.pathname === "/v5/files" && url.searchParams.get("size") === "1") {
      const probed = options.probe?.() ?? json({});
      if (probed instanceof Error) throw probed;
      return probed;
    }
    const n = seen.length;
    seen.push({
      url,
      headers: new Headers(init?.headers),
      atMs: clock.monotonicMs(),
    });
    const result = await answer(url, n, init?.signal as AbortSignal);
    if (result instanceof Error) throw result;
    return result;
  };
  const session = new Session({
    runtime: { fetch: fetchStub, clock, random: () => options.random ?? 1 },
    concurrency,
    observer,
    apiUrl: "https://api.test/v5",
    apiKey: TEST_KEY,
    patienceMs: options.patienceMs ?? 60_000,
    signal: stop.signal,
  });
  const reader = {
    session,
    budget: new MemoryBudget(options.budget ?? 64 * 1024 * 1024),
    hints: new Map(),
    signal: stop.signal,
    inFlight: concurrency + 1,
    lookahead: 4 * concurrency,
  };
  return { session, reader, clock, observer, seen, stop };
}
