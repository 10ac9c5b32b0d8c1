import { assert, assertEquals, assertRejects } from "@std/assert";
import type { ApiRequest } from "../../src/api/session.ts";
import { RateLimiter } from "../../src/api/rate_limiter.ts";
import { VirtualClock } from "../helpers/clock.ts";
import { json, type Stubbed, stubbed } from "../helpers/stub.ts";

const signal = new AbortController().signal;
const REQUEST: ApiRequest<number> = {
  path: "/x",
  label: "x",
  read: (body) => body.length,
};

Deno.test("a burst of 429s halves the requests in flight once", async () => {
  const clock = new VirtualClock();
  const limiter = new RateLimiter({ concurrency: 16, clock });
  const startedMs = clock.now();
  await clock.sleep(50);
  for (let i = 0; i < 16; i++) limiter.slowDown(startedMs + i);
  assertEquals(limiter.limit, 8);
  await clock.sleep(1);
  limiter.slowDown(clock.now());
  assertEquals(limiter.limit, 4);
  for (let i = 0; i < 5; i++) {
    await clock.sleep(1);
    limiter.slowDown(clock.now());
  }
  assertEquals(limiter.limit, 1);
});

Deno.test("it climbs back quickly to what was too many, then slowly, to the most", async () => {
  const clock = new VirtualClock();
  const limiter = new RateLimiter({ concurrency: 16, clock });
  limiter.slowDown(clock.now());
  const startMs = clock.now();
  const reached = new Map<number, number>();
  for (let i = 0; i < 600; i++) {
    await limiter.run(() => clock.sleep(100), signal);
    if (!reached.has(limiter.limit)) {
      reached.set(limiter.limit, clock.now() - startMs);
    }
  }
  assertEquals([...reached.keys()], [8, 9, 10, 11, 12, 13, 14, 15, 16]);
  assertEquals(reached.get(15), 3_500);
  assertEquals(reached.get(16), 8_500);
});

Deno.test("a request that is given up while it waits for a slot takes none", async () => {
  const clock = new VirtualClock();
  const limiter = new RateLimiter({ concurrency: 1, clock });
  const stop = new AbortController();
  const held = Promise.withResolvers<void>();
  const first = limiter.run(() => held.promise, signal);
  const second = limiter.run(() => Promise.resolve(), stop.signal);
  stop.abort(new DOMException("stop", "AbortError"));
  await assertRejects(() => second, DOMException, "stop");
  held.resolve();
  await first;
  assertEquals(await limiter.run(() => Promise.resolve(3), signal), 3);
});

for (const allowed of [20, 100, 200]) {
  Deno.test(`a server that allows ${allowed} requests a second gets nearly that, and says 429 seldom`, async () => {
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
