import { assert, assertEquals, assertRejects } from "@std/assert";
import type { ApiRequest } from "../../src/api/session/session.ts";
import { FetchOnce } from "../../src/api/session/fetch_once.ts";
import { RateLimiter } from "../../src/api/session/rate_limiter.ts";
import { humanloopApi } from "../../src/api/session/request.ts";
import { sliceDocument } from "../../src/api/records.ts";
import { Retry } from "../../src/api/session/retry.ts";
import { ServerClock } from "../../src/api/session/server_clock.ts";
import {
  ApiError,
  NetworkError,
  ProtocolError,
} from "../../src/core/errors.ts";
import { VirtualClock } from "../helpers/clock.ts";
import { recorder } from "../helpers/observer.ts";
import { json, type Stubbed, stubbed, TEST_KEY } from "../helpers/stub.ts";

const REQUEST: ApiRequest<unknown> = {
  path: "/things",
  query: [["q", "a b"]],
  label: "the things",
  read: (body) => sliceDocument(body, (value) => value).info,
};
const html = (status: number) => new Response("<html>busy</html>", { status });

Deno.test("a request carries the key and its query", async () => {
  const { session, seen } = stubbed(() => json({ ok: 1 }));
  assertEquals(await session.get(REQUEST), { ok: 1 });
  assertEquals(seen[0]!.url.href, "https://api.test/v5/things?q=a+b");
  assertEquals(seen[0]!.headers.get("x-api-key"), TEST_KEY);
});

Deno.test("a request with a body is a POST, and every attempt sends all of it", async () => {
  const sent: unknown[] = [];
  const clock = new VirtualClock();
  const shared = {
    ...{ clock, concurrency: 2, random: () => 1, observer: recorder() },
    ...{ apiUrl: "https://traces.test", server: humanloopApi(""), address: "" },
    ...{ patienceMs: 60_000, serverClock: new ServerClock(clock) },
    signal: new AbortController().signal,
    fetch: (input: string | URL | Request, init?: RequestInit) => {
      const { method, body, headers } = init!;
      sent.push([String(input), method, body, headers]);
      return Promise.resolve(sent.length < 3 ? html(503) : json({ ok: 1 }));
    },
  };
  const limiter = new RateLimiter(new FetchOnce(shared), shared);
  const headers = { "content-type": "application/json" };
  const value = await new Retry(limiter, shared).get({
    ...{ path: "/v1/traces", label: "spans", body: "[1]", headers },
    read: (body) => body.length,
  });
  assertEquals(value, 8);
  const one = ["https://traces.test/v1/traces", "POST", "[1]", headers];
  assertEquals(sent, [one, one, one]);
});

const PASSING: ReadonlyArray<readonly [string, () => Response | Error]> = [
  ["a network error", () => new TypeError("error sending request: refused")],
  ["408", () => html(408)],
  ["425", () => html(425)],
  ["500", () => html(500)],
  ["502", () => html(502)],
  ["503", () => json({ detail: "overloaded" }, { status: 503 })],
  ["HTML where JSON belongs", () => html(200)],
  ["an empty body", () => new Response("")],
  ["a truncated body", () => new Response('{"a":')],
  ["a proxy's 401", () => html(401)],
  ["a proxy's 403", () => new Response("", { status: 403 })],
  ["a body that breaks off", () =>
    new Response(
      new ReadableStream({
        start(controller) {
          controller.enqueue(new TextEncoder().encode('{"a"'));
          controller.error(new TypeError("connection reset"));
        },
      }),
    )],
];
for (const [name, answer] of PASSING) {
  Deno.test(`${name} gets another attempt, and success ends it`, async () => {
    const { session, seen } = stubbed((_, n) => n < 4 ? answer() : json({ n }));
    assertEquals(await session.get(REQUEST), { n: 4 });
    assertEquals(seen.length, 5);
  });

  Deno.test(`${name} in all five attempts is thrown`, async () => {
    const { session, seen } = stubbed(() => answer());
    const error = await session.get(REQUEST).then(() => null, (error) => error);
    assert(
      error instanceof ApiError || error instanceof NetworkError ||
        error instanceof ProtocolError,
      String(error),
    );
    assertEquals(seen.length, 5);
  });
}

for (const status of [400, 404, 405, 409, 410, 422]) {
  Deno.test(`${status} gets no other attempt`, async () => {
    const { session, seen } = stubbed(() => json({ detail: "no" }, { status }));
    const error = await assertRejects(() => session.get(REQUEST), ApiError);
    assertEquals([error.status, error.retryable, seen.length], [
      status,
      false,
      1,
    ]);
    const path = status === 404 ? " for /things" : "";
    assertEquals(error.message, `HTTP ${status}${path}: {"detail":"no"}`);
  });
}

Deno.test("the backoff doubles from 0.5 s, full jitter at its upper end", async () => {
  const { session, seen } = stubbed(() => html(500), { random: 1 });
  await assertRejects(() => session.get(REQUEST), ApiError);
  const starts = seen.map(({ atMs }) => atMs - seen[0]!.atMs);
  assertEquals(starts, [0, 500, 1500, 3500, 7500]);
});

for (
  const [name, header] of [
    ["seconds", () => "12"],
    ["a date", (nowMs: number) => new Date(nowMs + 12_000).toUTCString()],
  ] as const
) {
  Deno.test(`Retry-After in ${name} is obeyed in full, by every request`, async () => {
    const { session, seen, clock, observer } = stubbed(
      (_, n): Response =>
        n === 0
          ? json({}, {
            status: 429,
            headers: { "retry-after": header(clock.now()) },
          })
          : json({ n }),
      { concurrency: 1, random: 0 },
    );
    const startMs = clock.now();
    await Promise.all([
      session.get(REQUEST),
      session.get(REQUEST),
      session.get(REQUEST),
    ]);
    assertEquals(seen.map(({ atMs }) => atMs - startMs), [
      0,
      12_000,
      12_000,
      12_000,
    ]);
    assertEquals(observer.waits, [startMs + 12_000]);
  });
}

Deno.test("other requests obey Retry-After even when a request is given up", async () => {
  const { session, seen } = stubbed(
    (_, n): Response =>
      n < 5
        ? json({}, { status: 503, headers: { "retry-after": "7" } })
        : json({ n }),
    { concurrency: 1, random: 0 },
  );
  await assertRejects(() => session.get(REQUEST), ApiError, "HTTP 503");
  await session.get(REQUEST);
  const starts = seen.map(({ atMs }) => (atMs - seen[0]!.atMs) / 1000);
  assertEquals(starts, [0, 7, 14, 21, 28, 35]);
});

Deno.test("a server that never answers is given up after 60 s an attempt", async () => {
  const { session, seen } = stubbed(
    (_url, _n, signal) =>
      new Promise((_, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason));
      }),
    { random: 0 },
  );
  await session.reach();
  await assertRejects(
    () => session.get(REQUEST),
    NetworkError,
    "no complete answer within 60 s",
  );
  const starts = seen.map(({ atMs }) => (atMs - seen[0]!.atMs) / 1000);
  assertEquals(starts, [0, 60, 120, 180, 240]);
});

/** Answers with a body that brings one byte every so often. */
function dribble(everyMs: number): Stubbed {
  const stub: Stubbed = stubbed((_url, _n, signal) =>
    new Response(
      new ReadableStream({
        async pull(controller) {
          await stub.clock.sleep(everyMs, { signal }).catch(() => {});
          if (signal.aborted) controller.error(signal.reason);
          else controller.enqueue(new TextEncoder().encode(" "));
        },
      }),
    ), { random: 0 });
  return stub;
}

Deno.test("a response that stalls for 60 s is given up", async () => {
  const { session } = dribble(61_000);
  await session.reach();
  await assertRejects(
    () => session.get({ ...REQUEST, timeoutMs: 300_000 }),
    NetworkError,
    "the response stalled for 60 s",
  );
});

Deno.test("a body that dribbles a byte now and then does not outlast its time", async () => {
  const { session } = dribble(20_000);
  await session.reach();
  await assertRejects(
    () => session.get({ ...REQUEST, timeoutMs: 300_000 }),
    NetworkError,
    "no complete answer within 300 s",
  );
});

for (const byMs of [-3_600_000, 3_600_000]) {
  const to = byMs < 0 ? "back" : "ahead";
  Deno.test(`a clock set ${to} an hour while a body comes neither ends nor prolongs it`, async () => {
    const { session, clock } = dribble(20_000);
    await session.reach();
    const startMs = clock.monotonicMs();
    const got = session.get({ ...REQUEST, attempts: 1, timeoutMs: 300_000 })
      .then(() => null, (error) => error);
    await clock.sleep(50_000);
    clock.setBy(byMs);
    const error = await got;
    assertEquals(error.message, "no complete answer within 300 s");
    assertEquals(Math.floor(clock.monotonicMs() - startMs), 300_000);
  });
}

Deno.test("a redirect within the origin is followed", async () => {
  const { session, seen } = stubbed((url) =>
    url.pathname.endsWith("/")
      ? json({ at: url.pathname })
      : new Response(null, { status: 307, headers: { location: "/v5/x/" } })
  );
  assertEquals(await session.get(REQUEST), { at: "/v5/x/" });
  assertEquals(seen.length, 2);
});

Deno.test("a redirect to another origin is an error that names it, and the key stays", async () => {
  const { session, seen } = stubbed(() =>
    new Response(null, {
      status: 302,
      headers: { location: "https://evil.test/collect?x=1" },
    })
  );
  await assertRejects(
    () => session.get(REQUEST),
    ApiError,
    "another origin, https://evil.test, where the key must not go",
  );
  assertEquals(seen.map(({ url }) => url.host), ["api.test"]);
});

Deno.test("redirects in a circle end", async () => {
  const { session, seen } = stubbed(() =>
    new Response(null, { status: 301, headers: { location: "/v5/things" } })
  );
  await assertRejects(() => session.get(REQUEST), ApiError, "in circles");
  assertEquals(seen.length, 6);
});

Deno.test("errors and log lines hold no key, no query and no control characters", async () => {
  const body = `\x1b[31m${TEST_KEY}\n${"x".repeat(500)}`;
  const { session, observer } = stubbed((_, n) =>
    n % 2 === 0 ? new Response(body, { status: 500 }) : new TypeError(
      `error sending request for url (https://api.test/v5?k=${TEST_KEY})`,
    )
  );
  const error = await assertRejects(() => session.get(REQUEST), ApiError);
  for (
    const text of [error.message, ...observer.lines.map((line) => line.message)]
  ) {
    assert(!text.includes(TEST_KEY) && !text.includes("?"), text);
    assertEquals(/\p{Cc}/u.test(text), false, text);
    assert(text.length < 320, text);
  }
});

Deno.test("the end of the run ends a request with the run's reason", async () => {
  const reason = new DOMException("stop", "AbortError");
  const { session, stop } = stubbed(() => {
    stop.abort(reason);
    return html(500);
  });
  const error = await session.get(REQUEST).then(() => null, (error) => error);
  assertEquals(error, reason);
});

Deno.test("no more requests are in flight than there are slots", async () => {
  let open = 0;
  let most = 0;
  const { session } = stubbed(async () => {
    most = Math.max(most, ++open);
    await new Promise((resolve) => setTimeout(resolve, 0));
    open--;
    return json({});
  }, { concurrency: 3 });
  await Promise.all(Array.from({ length: 20 }, () => session.get(REQUEST)));
  assertEquals([most, open], [3, 0]);
});
