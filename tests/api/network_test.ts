/**
 * Certificates and proxies, with real connections: what Deno makes of them, and
 * what a user is shown. Everything is on loopback.
 */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { Session } from "../../src/api/session/session.ts";
import { NetworkError } from "../../src/core/errors.ts";
import { fastClock } from "../helpers/clock.ts";
import {
  AUTHORITY,
  NETWORK_KEY,
  NO_PROXIES,
  serveApi,
  serveProxy,
} from "../helpers/network.ts";
import { recorder } from "../helpers/observer.ts";
import { type Ended, start } from "../helpers/program.ts";

/** Tries to reach an API in this process, trusting the authority of the tests. */
async function reach(apiUrl: string): Promise<string> {
  const clock = fastClock(50);
  using client = Deno.createHttpClient({
    caCerts: [await Deno.readTextFile(AUTHORITY)],
  });
  const session = new Session({
    runtime: {
      fetch: (input, init) => fetch(input, { ...init, client }),
      clock,
      random: () => 0,
    },
    observer: recorder(),
    apiUrl,
    apiKey: NETWORK_KEY,
    concurrency: 1,
    patienceMs: 0,
    signal: new AbortController().signal,
  });
  const error = await assertRejects(() => session.reach(), NetworkError);
  assert(error.neverReached);
  return error.message;
}

const CERTIFICATES: ReadonlyArray<readonly [string, string]> = [
  ["other", "the server's certificate is for another host name; check"],
  ["expired", "the server's certificate has expired; check the clock"],
  ["self_signed", "the server's certificate is not trusted; if it is your"],
];
for (const [name, text] of CERTIFICATES) {
  Deno.test(`a certificate that is "${name}" is named as what it is`, async () => {
    await using server = serveApi(name);
    const message = await reach(server.url);
    const expected = `cannot reach the API at ${server.url}: ${text}`;
    assertEquals(message.slice(0, expected.length), expected);
  });
}

Deno.test("mixing up http and https is named as the cause", async () => {
  await using plain = serveApi(null);
  await using secure = serveApi("good");
  const toPlain = await reach(plain.url.replace("http:", "https:"));
  const toSecure = await reach(secure.url.replace("https:", "http:"));
  assert(toPlain.includes("the server does not speak TLS"), toPlain);
  assert(toSecure.includes("the server does not speak HTTP"), toSecure);
});

Deno.test("a port where nothing listens is reported as a refused connection", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  listener.close();
  const message = await reach(`http://127.0.0.1:${port}/v5`);
  assert(message.includes("the connection was refused; check the address"));
});

/** Runs `plan` as a user does, with the permissions of the task. */
async function plan(
  apiUrl: string,
  env: Readonly<Record<string, string>>,
): Promise<Ended> {
  // Deno's own look for a newer version would go through the proxy too.
  const quiet = { ...NO_PROXIES, DENO_NO_UPDATE_CHECK: "1" };
  const all = { ...quiet, HUMANLOOP_API_KEY: NETWORK_KEY, ...env };
  return await start(["plan", "--api-url", apiUrl], all).ended;
}

Deno.test("an authority that DENO_CERT names is trusted, and no other", async () => {
  await using server = serveApi("good");
  const trusted = await plan(server.url, { DENO_CERT: AUTHORITY });
  assertEquals([trusted.code, trusted.err], [0, ""]);
  const { code, err } = await plan(server.url, {});
  assertEquals(code, 3);
  const text =
    `error: cannot reach the API at ${server.url}: the server's certificate is not trusted; if it is your company's own, set DENO_TLS_CA_STORE=system, or DENO_CERT `;
  assertEquals(err.slice(0, text.length), text);
});

Deno.test({
  name: "an authority of the system is trusted with DENO_TLS_CA_STORE=system",
  // Where the system's store is a file that another variable may name.
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    await using server = serveApi("good");
    const env = { DENO_TLS_CA_STORE: "system", SSL_CERT_FILE: AUTHORITY };
    assertEquals((await plan(server.url, env)).code, 0);
  },
});

for (const name of ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"]) {
  Deno.test(`${name} is used, with its login, without a permission for the variable`, async () => {
    await using server = serveApi("good");
    await using proxy = serveProxy("me:p@ss");
    const env = {
      DENO_CERT: AUTHORITY,
      [name]: `http://me:p%40ss@${proxy.address}`,
    };
    const { code, err } = await plan(server.url, env);
    assertEquals([code, err], [0, ""]);
    assert(proxy.seen.length > 0);
    assert(proxy.seen.every((method) => method === "CONNECT"));
  });
}

Deno.test("HTTP_PROXY is used for an address with http", async () => {
  await using server = serveApi(null);
  await using proxy = serveProxy(null);
  const env = { HTTP_PROXY: `http://${proxy.address}` };
  const { code, err } = await plan(server.url, env);
  assertEquals([code, err], [0, ""]);
  assert(proxy.seen.length > 0);
});

Deno.test("a host that NO_PROXY names is asked without the proxy", async () => {
  await using server = serveApi("good");
  await using proxy = serveProxy(null);
  const { code } = await plan(server.url, {
    DENO_CERT: AUTHORITY,
    ALL_PROXY: `http://${proxy.address}`,
    NO_PROXY: "127.0.0.1",
  });
  assertEquals([code, proxy.seen], [0, []]);
});

Deno.test("a proxy that wants another login is reported as such, at once", async () => {
  await using server = serveApi("good");
  await using proxy = serveProxy("me:right");
  const { code, err } = await plan(server.url, {
    DENO_CERT: AUTHORITY,
    HTTPS_PROXY: `http://me:wrong@${proxy.address}`,
  });
  assertEquals(code, 3);
  assert(err.includes("the proxy asks for a login; set HTTPS_PROXY to"), err);
  assert(!err.includes("wrong"), err);
});
