import { assert, assertEquals, assertRejects } from "@std/assert";
import { ApiError } from "../../src/core/errors.ts";
import { RateLimiter } from "../../src/api/session/rate_limiter.ts";
import {
  type ApiRequest,
  humanloopApi,
  type Transport,
} from "../../src/api/session/request.ts";
import { VirtualClock } from "../helpers/clock.ts";
import { recorder } from "../helpers/observer.ts";
import { json, type Stubbed, stubbed } from "../helpers/stub.ts";

const REQUEST: ApiRequest<number> = {
  path: "/x",
  label: "x",
  read: (body) => body.length,
};
const refusal = () =>
  new ApiError("HTTP 429", { status: 429, retryable: true });

/** Makes a limiter over a layer that does what `next` does. */
function limited(concurrency: number, next: () => Promise<void>) {
  const clock = new VirtualClock();
  const stop = new AbortController();
  const below: Transport = {
    get: async (request) => {
      await next();
      return request.read(new Uint8Array(1));
    },
  };
  const limiter = new RateLimiter(below, {
    ...{ fetch, clock, concurrency, random: () => 0, observer: recorder() },
    ...{
      apiUrl: "",
      server: humanloopApi(""),
      address: "",
      patienceMs: 900_000,
    },
    signal: stop.signal,
  });
  return { limiter, clock, stop };
}

Deno.test("a burst of 429s halves the requests at once, once", async () => {
  const { limiter, clock } = limited(16, async () => {
    await clock.sleep(50);
    throw refusal();
  });
  const burst = (count: number) =>
    Promise.allSettled(
      Array.from({ length: count }, () => limiter.get(REQUEST)),
    );
  await burst(16);
  assertEquals(limiter.limit, 8);
  for (const limit of [4, 2, 1, 1]) {
    await burst(1);
    assertEquals(limiter.limit, limit);
  }
});

Deno.test("the limit rises quickly to the number that was too many, then slowly to the most", async () => {
  let first = true;
  const { limiter, clock } = limited(16, async () => {
    await clock.sleep(100);
    if (first) {
      first = false;
      throw refusal();
    }
  });
  await assertRejects(() => limiter.get(REQUEST), ApiError);
  const startMs = clock.monotonicMs();
  const reached = new Map<number, number>();
  for (let i = 0; i < 600; i++) {
    await limiter.get(REQUEST);
    if (!reached.has(limiter.limit)) {
      reached.set(limiter.limit, clock.monotonicMs() - startMs);
    }
  }
  assertEquals([...reached.keys()], [8, 9, 10, 11, 12, 13, 14, 15, 16]);
  assertEquals(reached.get(15), 3_500);
  assertEquals(reached.get(16), 8_500);
});

Deno.test("the end of the run ends a request that waits for a slot", async () => {
  const held = Promise.withResolvers<void>();
  const { limiter, stop } = limited(1, () => held.promise);
  const first = limiter.get(REQUEST);
  const second = limiter.get(REQUEST);
  stop.abort(new DOMException("stop", "AbortError"));
  await assertRejects(() => second, DOMException, "stop");
  held.resolve();
  assertEquals(await first, 1);
});

for (const allowed of [20, 100, 200]) {
  Deno.test(`a server that allows ${allowed} requests a second gets nearly that many, and rarely answers 429`, async () => {
    const tokens = { left: allowed / 10, atMs: 0 };
    let answered = 0;
    let refused = 0;
    const stub: Stubbed = stubbed(async () => {
      await stub.clock.sleep(50);
      const nowMs = stub.clock.now();
      if (tokens.atMs === 0) tokens.atMs = nowMs;
      const gained = (nowMs - tokens.atMs) / 1000 * allowed;
      tokens.left = Math.min(allowed / 10, tokens.left + gained);
      tokens.atMs = nowMs;
      const late = nowMs - startMs > 30_000;
      if (tokens.left < 1) {
        if (late) refused++;
        return new Response("", { status: 429 });
      }
      tokens.left--;
      if (late) answered++;
      return json({});
    }, { concurrency: 16, random: 0.5 });
    const startMs = stub.clock.now();
    const endMs = startMs + 90_000;
    await Promise.all(Array.from({ length: 20 }, async () => {
      while (stub.clock.now() < endMs) {
        await stub.session.get(REQUEST).catch(() => {});
      }
    }));
    const seconds = (stub.clock.now() - startMs - 30_000) / 1000;
    const share = answered / seconds / allowed;
    const said429 = refused / (answered + refused);
    assert(share >= 0.9, `${(share * 100).toFixed(1)} % of the rate`);
    assert(said429 < 0.02, `${(said429 * 100).toFixed(1)} % were refused`);
  });
}
