/** What a run does that cannot reach the API, and what it says. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  ApiError,
  AuthError,
  isOutage,
  NetworkError,
} from "../../src/core/errors.ts";
import { type Answer, json, type Stubbed, stubbed } from "../helpers/stub.ts";

const SECOND = 1_000;
/** Makes the error that fetch of Deno 2.9 throws. */
const thrown = (text: string) =>
  new TypeError("fetch failed", {
    cause: new Error(
      `error sending request for url (https://dns.api.test:1/v5/files?k=refused): client error (Connect): ${text}`,
    ),
  });
const DEFAULT_ADVICE =
  "check the address (--api-url, HUMANLOOP_API_URL) and the network";

async function reachOf(probe: () => Answer) {
  const stub: Stubbed = stubbed(() => json({}), { probe });
  const startMs = stub.clock.monotonicMs();
  const error = await assertRejects(() => stub.session.reach(), NetworkError);
  return { error, stub, tookMs: stub.clock.monotonicMs() - startMs };
}

const AT_ONCE: ReadonlyArray<readonly [string, string]> = [
  [
    "dns error: failed to lookup address information: Name or service not known",
    `the host name cannot be resolved; ${DEFAULT_ADVICE}`,
  ],
  [
    'invalid peer certificate: certificate not valid for name "localhost"; certificate is only valid for DnsName("dns.example")',
    "the server's certificate is for another host name; check the address (--api-url, HUMANLOOP_API_URL), and HTTPS_PROXY where it is set",
  ],
  [
    "invalid peer certificate: UnknownIssuer",
    "the server's certificate is not trusted; if it is your company's own, set DENO_TLS_CA_STORE=system, or DENO_CERT to the file of the certificate that signed it",
  ],
  [
    "invalid peer certificate: certificate expired: verification time 1795548195 (UNIX), but certificate is not valid after 1580515200",
    "the server's certificate has expired; check the clock of this machine, or ask who runs the server",
  ],
  [
    "proxy authentication required",
    "the proxy asks for a login; set HTTPS_PROXY to http://USER:PASSWORD@HOST:PORT, with %40 for an @ in the password",
  ],
  [
    "received corrupt message of type InvalidContentType",
    "the server does not speak TLS; check whether the address begins with http:// or https:// (--api-url, HUMANLOOP_API_URL)",
  ],
];
for (const [text, told] of AT_ONCE) {
  Deno.test(`"${text.slice(0, 60)}" before any answer ends the run at once`, async () => {
    const { error, tookMs } = await reachOf(() => thrown(text));
    assertEquals(
      error.message,
      `cannot reach the API at https://api.test/v5: ${told}`,
    );
    assertEquals([error.neverReached, error.outage, tookMs], [true, true, 0]);
  });
}

const LATER: ReadonlyArray<readonly [string, () => Answer, string]> = [
  [
    "a refused connection",
    () => thrown("tcp connect error: Connection refused (os error 111)"),
    "the connection was refused; check the address (--api-url, HUMANLOOP_API_URL) and the network, and HTTPS_PROXY where it is set",
  ],
  [
    "a host name that cannot be resolved just now",
    () =>
      thrown(
        "dns error: failed to lookup address information: Temporary failure in name resolution",
      ),
    `the host name cannot be resolved just now; ${DEFAULT_ADVICE}`,
  ],
  [
    "a proxy that refuses",
    () => thrown("unsuccessful tunnel"),
    "the proxy refuses the connection; check HTTPS_PROXY, or name the host in NO_PROXY",
  ],
  [
    "a page of HTML",
    () => new Response("<html>"),
    `the answer cannot be read: it is not valid JSON; ${DEFAULT_ADVICE}`,
  ],
  [
    "a gateway in trouble",
    () => new Response("<html>", { status: 502 }),
    "HTTP 502: a web page instead of JSON; check the address (--api-url, HUMANLOOP_API_URL), or try later",
  ],
];
for (const [name, answer, told] of LATER) {
  Deno.test(`${name}, and never an answer, ends the run after 30 s`, async () => {
    const { error, tookMs, stub } = await reachOf(answer);
    assertEquals(
      error.message,
      `cannot reach the API at https://api.test/v5: ${told}`,
    );
    assert(error.neverReached);
    assert(tookMs >= 30 * SECOND && tookMs < 40 * SECOND, `${tookMs} ms`);
    await assertRejects(() => stub.session.reach(), NetworkError);
  });
}

Deno.test("a host that never answers a packet is given up after 30 s", async () => {
  const silent = stubbed((_url, _n, signal) =>
    new Promise((_, reject) =>
      signal.addEventListener("abort", () => reject(signal.reason))
    )
  );
  const startMs = silent.clock.monotonicMs();
  const error = await assertRejects(
    () =>
      silent.session.get({
        path: "/x",
        label: "x",
        timeoutMs: 30 * SECOND,
        read: () => null,
      }),
    NetworkError,
    "no complete answer within 30 s",
  );
  assert(error.neverReached);
  assertEquals(silent.clock.monotonicMs() - startMs, 30 * SECOND);
});

Deno.test("an answer within 30 s reaches the API, and patience counts from then", async () => {
  let isDown = true;
  const stub: Stubbed = stubbed(() => json({}), {
    patienceMs: 300 * SECOND,
    probe: () => isDown ? thrown("Connection refused") : json({}),
  });
  const reached = stub.session.reach();
  await stub.clock.sleep(20 * SECOND);
  isDown = false;
  await reached;
  isDown = true;
  const startMs = stub.clock.monotonicMs();
  const error = await assertRejects(() => stub.session.reach(), NetworkError);
  assert(isOutage(error) && !error.neverReached);
  assertEquals(stub.clock.monotonicMs() - startMs, 300 * SECOND);
});

Deno.test("an address without this API is named in the error", async () => {
  const { error } = await reachOf(() =>
    json({ detail: "Not Found" }, { status: 404 })
  );
  assertEquals(
    error.message,
    'cannot reach the API at https://api.test/v5: HTTP 404 for /files: {"detail":"Not Found"}; check the address (--api-url, HUMANLOOP_API_URL)',
  );
});

Deno.test("a refused key is not an API that cannot be reached", async () => {
  const stub = stubbed(() => json({}), {
    probe: () => json({ detail: "no" }, { status: 401 }),
  });
  await assertRejects(() => stub.session.reach(), AuthError);
});

Deno.test("an API that answers the probe with a 422 is reached", async () => {
  const stub = stubbed(() => json({}), {
    probe: () => json({ detail: "no" }, { status: 422 }),
  });
  await stub.session.reach();
});

Deno.test("the server's time is its newest Date and the time since, whatever this clock says", async () => {
  const dates = [
    "Wed, 01 Jan 2020 00:00:00 GMT",
    null,
    "Tue, 31 Dec 2019 12:00:00 GMT",
    "Wed, 01 Jan 2020 01:00:00 GMT",
  ];
  const stub = stubbed((_, n) => {
    const date = dates[n];
    return json({}, { headers: date ? { date } : {} });
  });
  const { session, clock } = stub;
  assertEquals(session.serverTimeMs(), null);
  const times: string[] = [];
  for (let i = 0; i < dates.length; i++) {
    await session.get({ path: "/x", label: "x", read: () => null });
    await clock.sleep(60 * SECOND);
    clock.setBy(-3_600 * SECOND);
    times.push(new Date(session.serverTimeMs()!).toISOString());
  }
  assertEquals(times, [
    "2020-01-01T00:01:00.000Z",
    "2020-01-01T00:02:00.000Z",
    "2020-01-01T00:03:00.000Z",
    "2020-01-01T01:01:00.000Z",
  ]);
});

Deno.test("the Date of a failure is not the server's time: a proxy may have said it", async () => {
  const headers = { date: "Wed, 01 Jan 2020 00:00:00 GMT" };
  const { session } = stubbed(() => json({}, { status: 404, headers }));
  const request = { path: "/x", label: "x", read: () => null };
  await assertRejects(() => session.get(request), ApiError, "HTTP 404 for /x");
  assertEquals(session.serverTimeMs(), null);
});
