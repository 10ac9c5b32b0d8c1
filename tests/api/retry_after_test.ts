/** The rate limits of a server: 429 and `Retry-After`. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { isOutage, NetworkError } from "../../src/core/errors.ts";
import type { ApiRequest } from "../../src/api/session/request.ts";
import { json, type Stubbed, stubbed } from "../helpers/stub.ts";

const REQUEST: ApiRequest<number> = {
  path: "/x",
  label: "Logs 1–100 of Support/Triage",
  read: (body) => body.length,
};
const MINUTE = 60_000;
const refusal = (headers: Record<string, string> = {}) =>
  new Response("", { status: 429, headers });

for (const retryAfter of ["0", null]) {
  const name = retryAfter === null ? "no Retry-After" : "Retry-After: 0";
  Deno.test(`429 with ${name} waits at least the backoff, and costs no record`, async () => {
    const stub = stubbed(
      (_, n) =>
        n < 40
          ? refusal(retryAfter === null ? {} : { "retry-after": retryAfter })
          : json({}),
      { concurrency: 16, random: 0, patienceMs: 15 * MINUTE },
    );
    const startMs = stub.clock.monotonicMs();
    await Promise.all(
      Array.from({ length: 16 }, () => stub.session.get(REQUEST)),
    );
    const tookMs = stub.clock.monotonicMs() - startMs;
    assert(tookMs > MINUTE, `${tookMs} ms`);
    assertEquals(stub.seen.length, 56);
  });
}

Deno.test("a server that lets one of ten requests through is read to its end", async () => {
  const stub = stubbed(
    (_, n) => n % 10 === 9 ? json({}) : refusal({ "retry-after": "0" }),
    { random: 0.5, patienceMs: 2 * MINUTE },
  );
  for (let i = 0; i < 20; i++) await stub.session.get(REQUEST);
  assertEquals(stub.seen.length, 200);
});

Deno.test("a quota that stays used up ends the run when patience does, after few requests", async () => {
  const stub = stubbed(() => refusal(), {
    concurrency: 16,
    patienceMs: 15 * MINUTE,
  });
  const startMs = stub.clock.monotonicMs();
  const errors = await Promise.all(
    Array.from(
      { length: 100 },
      () => stub.session.get(REQUEST).then(() => null, (error) => error),
    ),
  );
  for (const error of errors) {
    assert(isOutage(error) && !error.neverReached, String(error));
    assertEquals(
      error.message,
      "the API has refused every request for 15 min (HTTP 429); resume later, or wait longer with --patience",
    );
  }
  const tookMs = stub.clock.monotonicMs() - startMs;
  assert(tookMs >= 15 * MINUTE && tookMs < 16 * MINUTE, `${tookMs} ms`);
  assert(stub.seen.length < 150, `${stub.seen.length} requests`);
  const asked = stub.seen.length;
  await assertRejects(() => stub.session.get(REQUEST), NetworkError);
  assertEquals(stub.seen.length, asked, "nothing more is asked");
});

const LONG: ReadonlyArray<readonly [string, string]> = [
  ["7200", "and asks to wait until 2025-06-06 14:00 UTC; resume after that"],
  [
    "Fri, 06 Jun 2025 16:30:00 GMT",
    "and asks to wait until 2025-06-06 16:30 UTC; resume after that",
  ],
  ["9".repeat(400), "and asks to wait for more than a year; resume"],
  ["99999999999", "and asks to wait for more than a year; resume"],
];
for (const [retryAfter, text] of LONG) {
  Deno.test(`Retry-After ${retryAfter.slice(0, 40)} is longer than patience: the run ends, and says until when`, async () => {
    const stub = stubbed(() => refusal({ "retry-after": retryAfter }), {
      patienceMs: 15 * MINUTE,
    });
    const startMs = stub.clock.monotonicMs();
    const error = await assertRejects(
      () => stub.session.get(REQUEST),
      NetworkError,
      text,
    );
    assert(isOutage(error) && !/NaN|Infinity/.test(error.message));
    assertEquals(stub.clock.monotonicMs(), startMs);
  });
}

Deno.test("a request that waits for its turn ends at once when the run is given up", async () => {
  const stub: Stubbed = stubbed(async (_, n) => {
    await stub.clock.sleep(n * 100);
    return refusal({ "retry-after": n === 0 ? "600" : "7200" });
  }, { concurrency: 2, patienceMs: 15 * MINUTE });
  const get = () =>
    stub.session.get(REQUEST).then(() => null, (error) => error);
  const errors = await Promise.all([get(), get(), get()]);
  assert(errors.every(isOutage));
  assert(stub.clock.monotonicMs() - stub.seen[0]!.atMs < 10_000);
});

for (const retryAfter of ["Infinity", "soon", "-5"]) {
  Deno.test(`Retry-After: ${retryAfter} is not a time: the backoff counts`, async () => {
    const stub = stubbed((_, n) =>
      n === 0 ? refusal({ "retry-after": retryAfter }) : json({})
    );
    await stub.session.get(REQUEST);
    const [first, second] = stub.seen.map(({ atMs }) => atMs);
    assertEquals(second! - first!, 500);
  });
}

Deno.test("a date in Retry-After is measured against the answer's own Date", async () => {
  const stub = stubbed((_, n) =>
    n === 0
      ? refusal({
        date: "Wed, 01 Jan 2020 00:00:00 GMT",
        "retry-after": "Wed, 01 Jan 2020 00:00:20 GMT",
      })
      : json({})
  );
  await stub.session.get(REQUEST);
  const [first, second] = stub.seen.map(({ atMs }) => atMs);
  assertEquals(second! - first!, 20_000);
});

for (const byMs of [-60 * MINUTE, 60 * MINUTE]) {
  const to = byMs < 0 ? "back" : "ahead";
  Deno.test(`a clock set ${to} an hour while the API asks to wait changes nothing`, async () => {
    const stub = stubbed((_, n) =>
      n === 0 ? refusal({ "retry-after": "60" }) : json({})
    );
    const got = stub.session.get(REQUEST);
    await stub.clock.sleep(5_000);
    stub.clock.setBy(byMs);
    await got;
    const [first, second] = stub.seen.map(({ atMs }) => atMs);
    assertEquals(second! - first!, 60_000);
  });
}

Deno.test("a 503 that asks for a day costs its request, not the run", async () => {
  const stub = stubbed((url) =>
    url.pathname.endsWith("/x")
      ? new Response("", { status: 503, headers: { "retry-after": "86400" } })
      : json({})
  );
  await assertRejects(() => stub.session.get(REQUEST), Error, "HTTP 503");
  assertEquals(await stub.session.get({ ...REQUEST, path: "/y" }), 2);
  assert(stub.clock.monotonicMs() - stub.seen[0]!.atMs < MINUTE);
});

Deno.test("the first retry is written to the log only, later ones are warnings", async () => {
  const answers = [502, 502, 429, 500];
  const stub = stubbed(
    (_, n) => n < 4 ? new Response("", { status: answers[n]! }) : json({}),
    { random: 0.8 },
  );
  await stub.session.get(REQUEST);
  const label = "Logs 1–100 of Support/Triage";
  assertEquals(stub.observer.lines, [
    { level: "INFO", message: `${label}, retry 1 of 4 in 0.4 s: HTTP 502` },
    { level: "WARN", message: `${label}, retry 2 of 4 in 0.8 s: HTTP 502` },
    {
      level: "WARN",
      message: `${label}, asked to slow down, next attempt in 0.5 s: HTTP 429`,
    },
    { level: "WARN", message: `${label}, retry 3 of 4 in 1.6 s: HTTP 500` },
  ]);
});

Deno.test("a request with one attempt is retried after a 429", async () => {
  const stub = stubbed((_, n) => n < 3 ? refusal() : json({}));
  assertEquals(await stub.session.get({ ...REQUEST, attempts: 1 }), 2);
});
