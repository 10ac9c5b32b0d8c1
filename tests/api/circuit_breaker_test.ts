import { assert, assertEquals, assertRejects } from "@std/assert";
import type { ApiRequest } from "../../src/api/session.ts";
import { sliceDocument } from "../../src/api/records.ts";
import { AuthError, NetworkError } from "../../src/core/errors.ts";
import { json, type Stubbed, stubbed } from "../helpers/stub.ts";

const REQUEST: ApiRequest<unknown> = {
  path: "/things",
  label: "the things",
  read: (body) => sliceDocument(body, (value) => value).info,
};
const MINUTE = 60_000;
const refused = () => new TypeError("error sending request: refused");

/** A service that is down between two instants, in milliseconds from now. */
function downtime(
  fromMs: number,
  toMs: number,
  options: { concurrency?: number; patienceMs?: number } = {},
) {
  const probes: number[] = [];
  let startMs = 0;
  let flying = 0;
  let mostFlying = 0;
  const isDown = (nowMs: number) =>
    nowMs - startMs >= fromMs && nowMs - startMs < toMs;
  const stub: Stubbed = stubbed(async () => {
    const nowMs = stub.clock.now();
    mostFlying = isDown(nowMs) ? Math.max(mostFlying, ++flying) : mostFlying;
    await stub.clock.sleep(50);
    if (isDown(nowMs)) flying--;
    return isDown(nowMs) ? refused() : json({ ok: 1 });
  }, {
    patienceMs: 15 * MINUTE,
    ...options,
    probe: () => {
      const nowMs = stub.clock.now();
      probes.push(nowMs - startMs);
      return isDown(nowMs) ? refused() : json({});
    },
  });
  startMs = stub.clock.now();
  return { stub, probes, startMs };
}

const WARNINGS = /does not answer|answers again/;
const told = ({ observer }: Stubbed) =>
  observer.lines.filter(({ message }) => WARNINGS.test(message))
    .map(({ message }) => message);

Deno.test("an outage of ten minutes costs ten minutes, and no request", async () => {
  const { stub, probes } = downtime(0, 10 * MINUTE, { concurrency: 8 });
  const results = await Promise.all(
    Array.from({ length: 40 }, () => stub.session.get(REQUEST)),
  );
  assertEquals(results.length, 40);
  const tookMs = stub.clock.now() - stub.seen[0]!.atMs;
  assert(tookMs < 11.5 * MINUTE, `${tookMs} ms`);
  // Not the five tries of every request, but what flew when it began.
  const wasted = stub.seen.length - 40;
  assert(wasted <= 16, `${wasted} requests for nothing`);
  assert(probes.length < 20, `${probes.length} probes`);
  const gaps = probes.slice(1).map((ms, i) => ms - probes[i]!);
  assertEquals(gaps.slice(0, 5), [1_000, 2_000, 4_000, 8_000, 16_000]);
  assert(gaps.every((ms) => ms <= MINUTE));
  assertEquals(told(stub).length, 2);
  assert(told(stub)[0]!.includes("waits up to 15 min for it (--patience)"));
  assert(stub.observer.waits.length >= gaps.length - 1, "the bar shows it");
});

Deno.test("while the run is paused nothing but one probe is in flight", async () => {
  const { stub, probes } = downtime(0, 3 * MINUTE, { concurrency: 16 });
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

Deno.test("patience ends: the error says so, and nothing more is asked", async () => {
  const { stub, probes } = downtime(0, Infinity, { patienceMs: 5 * MINUTE });
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

Deno.test("no patience: it ends with the first probe", async () => {
  const { stub, probes } = downtime(0, Infinity, { patienceMs: 0 });
  await assertRejects(() => stub.session.get(REQUEST), NetworkError, "for 8 s");
  assertEquals(probes.length, 1);
});

Deno.test("a request that fails alone is no outage", async () => {
  let probes = 0;
  const stub = stubbed(
    (url) => url.searchParams.has("bad") ? refused() : json({}),
    { probe: () => (probes++, json({})) },
  );
  const bad = { ...REQUEST, query: [["bad", "1"]] as const };
  await assertRejects(() => stub.session.get(bad), NetworkError, "refused");
  assertEquals([stub.seen.length, probes], [5, 1]);
  assertEquals(told(stub), []);
});

Deno.test("429 is an answer: it starts no outage", async () => {
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
  const stub = stubbed(refused, {
    probe: () => json({ detail: "Invalid API key." }, { status: 401 }),
  });
  await assertRejects(() => stub.session.get(REQUEST), AuthError);
});

Deno.test("a Retry-After of the probe is obeyed by every request", async () => {
  let probes = 0;
  const stub: Stubbed = stubbed(
    (_, n) => n < 5 ? new Response("", { status: 503 }) : json({}),
    {
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
  const { stub } = downtime(0, Infinity);
  const reason = new DOMException("stop", "AbortError");
  const ended = stub.session.get(REQUEST).then(() => null, (error) => error);
  await stub.clock.sleep(2 * MINUTE);
  stub.stop.abort(reason);
  assertEquals(await ended, reason);
});

Deno.test("a server that accepts and never answers hangs no run", async () => {
  const hang = (signal: AbortSignal) =>
    new Promise<Response>((_, reject) =>
      signal.addEventListener("abort", () => reject(signal.reason))
    );
  const stub: Stubbed = stubbed((_, __, signal) => hang(signal), {
    probe: () => refused(),
    patienceMs: 2 * MINUTE,
  });
  const startMs = stub.clock.now();
  await assertRejects(
    () => stub.session.get(REQUEST),
    NetworkError,
    "not answered",
  );
  assert(stub.clock.now() - startMs < 15 * MINUTE);
});
