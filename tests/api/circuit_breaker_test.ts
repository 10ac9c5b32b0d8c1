import { assert, assertEquals, assertRejects } from "@std/assert";
import type { ApiRequest } from "../../src/api/session/session.ts";
import { sliceDocument } from "../../src/api/records.ts";
import { ApiError, AuthError, NetworkError } from "../../src/core/errors.ts";
import { json, type Stubbed, stubbed } from "../helpers/stub.ts";

const REQUEST: ApiRequest<unknown> = {
  path: "/things",
  label: "the things",
  read: (body) => sliceDocument(body, (value) => value).info,
};
const MINUTE = 60_000;
const refused = () => new TypeError("error sending request: refused");

/**
 * Makes an API that was reached, and is down between two instants, in
 * milliseconds from now.
 */
async function downtime(
  fromMs: number,
  toMs: number,
  options: { concurrency?: number; patienceMs?: number } = {},
) {
  const probes: number[] = [];
  let startMs = Infinity;
  const isDown = (nowMs: number) =>
    nowMs - startMs >= fromMs && nowMs - startMs < toMs;
  const stub: Stubbed = stubbed(async () => {
    const nowMs = stub.clock.monotonicMs();
    await stub.clock.sleep(50);
    return isDown(nowMs) ? refused() : json({ ok: 1 });
  }, {
    patienceMs: 15 * MINUTE,
    ...options,
    probe: () => {
      const nowMs = stub.clock.monotonicMs();
      probes.push(nowMs - startMs);
      return isDown(nowMs) ? refused() : json({});
    },
  });
  await stub.session.reach();
  probes.length = 0;
  startMs = stub.clock.monotonicMs();
  return { stub, probes };
}

const WARNINGS = /^the API (does not answer|is back)/;
const warnings = ({ observer }: Stubbed) =>
  observer.lines.filter(({ message }) => WARNINGS.test(message))
    .map(({ message }) => message);

Deno.test("an outage of ten minutes takes ten minutes, and costs no request", async () => {
  const { stub, probes } = await downtime(0, 10 * MINUTE, { concurrency: 8 });
  const results = await Promise.all(
    Array.from({ length: 40 }, () => stub.session.get(REQUEST)),
  );
  assertEquals(results.length, 40);
  const tookMs = stub.clock.now() - stub.seen[0]!.atMs;
  assert(tookMs < 11.5 * MINUTE, `${tookMs} ms`);
  // Not the five attempts of every request, but those on their way when it began.
  const wasted = stub.seen.length - 40;
  assert(wasted <= 16, `${wasted} requests for nothing`);
  assert(probes.length < 20, `${probes.length} probes`);
  const gaps = probes.slice(1).map((ms, i) => ms - probes[i]!);
  assertEquals(gaps.slice(0, 5), [1_000, 2_000, 4_000, 8_000, 16_000]);
  assert(gaps.every((ms) => ms <= MINUTE));
  assertEquals(warnings(stub).length, 2);
  assertEquals(
    warnings(stub)[0],
    "the API does not answer (the connection was refused); the run waits up to 15 min for it (--patience)",
  );
  assert(stub.observer.waits.length >= gaps.length - 1, "the bar shows it");
});

Deno.test("while the run is paused only one probe is in flight", async () => {
  const { stub, probes } = await downtime(0, 3 * MINUTE, { concurrency: 16 });
  await Promise.all(
    Array.from({ length: 30 }, () => stub.session.get(REQUEST)),
  );
  const pausedFrom = probes[0]!;
  const pausedTo = probes.at(-1)!;
  const during = stub.seen.filter(({ atMs }) => {
    const ms = atMs - stub.seen[0]!.atMs;
    return ms > pausedFrom && ms < pausedTo;
  });
  assertEquals(during.length, 0);
});

Deno.test("when patience is over, the error says so and no request is made", async () => {
  const { stub, probes } = await downtime(0, Infinity, {
    patienceMs: 5 * MINUTE,
  });
  const errors = await Promise.all(
    Array.from(
      { length: 6 },
      () => stub.session.get(REQUEST).then(() => null, (error) => error),
    ),
  );
  for (const error of errors) {
    assert(error instanceof NetworkError && error.outage, String(error));
    assert(error.message.includes("has not answered for 5 min"));
    assert(error.message.includes("--patience"));
  }
  assertEquals(Math.round(probes.at(-1)! / MINUTE), 5);
  const asked = stub.seen.length;
  await assertRejects(() => stub.session.get(REQUEST), NetworkError, "5 min");
  assertEquals(stub.seen.length, asked);
});

Deno.test("without patience, the run ends with the first probe", async () => {
  const { stub, probes } = await downtime(0, Infinity, { patienceMs: 0 });
  await assertRejects(
    () => stub.session.get(REQUEST),
    NetworkError,
    "for 7.8 s",
  );
  assertEquals(probes.length, 1);
});

Deno.test("a single request that fails is not an outage", async () => {
  let probes = 0;
  const stub = stubbed(
    (url) => url.searchParams.has("bad") ? refused() : json({}),
    { probe: () => (probes++, json({})) },
  );
  const bad = { ...REQUEST, query: [["bad", "1"]] as const };
  await assertRejects(() => stub.session.get(bad), NetworkError, "refused");
  assertEquals([stub.seen.length, probes], [5, 1]);
  assertEquals(warnings(stub), []);
});

Deno.test("a 429 is an answer and starts no outage", async () => {
  let probes = 0;
  const stub = stubbed(
    (_, n) => n < 20 ? new Response("", { status: 429 }) : json({}),
    {
      probe: () => (probes++, refused()),
    },
  );
  await Promise.allSettled(
    Array.from({ length: 5 }, () => stub.session.get(REQUEST)),
  );
  assertEquals(probes, 0);
});

Deno.test("a key that is revoked during an outage ends the run", async () => {
  const revoked = () => json({ detail: "Invalid API key." }, { status: 401 });
  let probes = 0;
  const stub = stubbed((_, n) => n < 5 ? refused() : revoked(), {
    probe: () => ++probes === 1 ? refused() : revoked(),
  });
  await assertRejects(() => stub.session.get(REQUEST), AuthError);
});

Deno.test("a Retry-After of the probe is obeyed by every request", async () => {
  let probes = 0;
  const stub: Stubbed = stubbed(
    (_, n) => n < 5 ? new Response("", { status: 503 }) : json({}),
    {
      patienceMs: 5 * MINUTE,
      probe: () =>
        ++probes === 1
          ? new Response("", { status: 503, headers: { "retry-after": "90" } })
          : json({}),
    },
  );
  await stub.session.get(REQUEST);
  const [before, after] = stub.seen.slice(-2).map(({ atMs }) => atMs);
  assert(after! - before! >= 90_000, `${after! - before!} ms`);
});

Deno.test("the end of the run ends the pause", async () => {
  const { stub } = await downtime(0, Infinity);
  const reason = new DOMException("stop", "AbortError");
  const ended = stub.session.get(REQUEST).then(() => null, (error) => error);
  await stub.clock.sleep(2 * MINUTE);
  stub.stop.abort(reason);
  assertEquals(await ended, reason);
});

Deno.test("a server that accepts and never answers does not stop a run for ever", async () => {
  const hang = (signal: AbortSignal) =>
    new Promise<Response>((_, reject) =>
      signal.addEventListener("abort", () => reject(signal.reason))
    );
  let isReached = false;
  const stub: Stubbed = stubbed((_, __, signal) => hang(signal), {
    probe: () => isReached ? refused() : json({}),
    patienceMs: 2 * MINUTE,
  });
  await stub.session.reach();
  isReached = true;
  const startMs = stub.clock.now();
  await assertRejects(
    () => stub.session.get(REQUEST),
    NetworkError,
    "not answered",
  );
  assert(stub.clock.now() - startMs < 15 * MINUTE);
});

Deno.test("a request with one attempt does not fail because an outage has just started", async () => {
  const { stub, probes } = await downtime(0, 3 * MINUTE);
  assertEquals(await stub.session.get({ ...REQUEST, attempts: 1 }), { ok: 1 });
  assertEquals(stub.seen.length, 2);
  assert(probes.length > 2);
});

Deno.test("one thing that keeps failing, requested once each, is not an outage", async () => {
  let probes = 0;
  const stub = stubbed(() => json({ detail: "boom" }, { status: 500 }), {
    probe: () => (probes++, json({})),
  });
  const startMs = stub.clock.monotonicMs();
  for (let i = 0; i < 200; i++) {
    await assertRejects(
      () => stub.session.get({ ...REQUEST, attempts: 1 }),
      ApiError,
      "HTTP 500",
    );
  }
  assertEquals([stub.seen.length, probes], [200, 200]);
  assertEquals(stub.clock.monotonicMs(), startMs, "nothing was waited for");
  assertEquals(warnings(stub), []);
});

Deno.test("other answers meanwhile show that the API is up, so that nothing is probed", async () => {
  let probes = 0;
  const stub: Stubbed = stubbed(async (url) => {
    if (!url.searchParams.has("bad")) return json({});
    await stub.clock.sleep(20);
    return json({ detail: "boom" }, { status: 500 });
  }, { probe: () => (probes++, json({})) });
  const bad = { ...REQUEST, attempts: 1, query: [["bad", "1"]] as const };
  for (let i = 0; i < 20; i++) {
    const failing = stub.session.get(bad).then(() => null, (error) => error);
    await stub.session.get(REQUEST);
    assert(await failing instanceof ApiError);
  }
  assertEquals(probes, 0);
});

for (const byMs of [-60 * MINUTE, 60 * MINUTE]) {
  const to = byMs < 0 ? "back" : "ahead";
  Deno.test(`a clock set ${to} an hour during an outage changes no wait`, async () => {
    const { stub, probes } = await downtime(0, Infinity, {
      patienceMs: 5 * MINUTE,
    });
    const startMs = stub.clock.monotonicMs();
    const ended = stub.session.get(REQUEST).then(() => null, (error) => error);
    await stub.clock.sleep(MINUTE);
    stub.clock.setBy(byMs);
    const error = await ended;
    assert(error instanceof NetworkError && error.outage);
    assertEquals(stub.clock.monotonicMs() - startMs, 5 * MINUTE);
    assert(probes.length > 5);
  });
}

Deno.test("a request that brings the API down each time is given up", async () => {
  let downUntilMs = 0;
  const stub: Stubbed = stubbed(() => {
    downUntilMs = stub.clock.monotonicMs() + 10_000;
    return refused();
  }, {
    patienceMs: 15 * MINUTE,
    probe: () => stub.clock.monotonicMs() < downUntilMs ? refused() : json({}),
  });
  await stub.session.reach();
  await assertRejects(
    () => stub.session.get({ ...REQUEST, attempts: 1 }),
    NetworkError,
    "refused",
  );
  assertEquals(stub.seen.length, 5);
});
