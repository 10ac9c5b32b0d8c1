/**
 * Certificates and proxies, with real connections: what Deno makes of them, and
 * what a user is shown. Everything is on loopback.
 */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { Session } from "../../src/api/session.ts";
import { NetworkError } from "../../src/core/errors.ts";
import { answerRequest } from "../../src/demo/server.ts";
import { sampleWorkspace } from "../../src/demo/sample/sample.ts";
import { fastClock } from "../helpers/clock.ts";
import { recorder } from "../helpers/observer.ts";
import { type Ended, start } from "../helpers/program.ts";

const KEY = "hl_sk_of_the_network_tests";
const workspace = sampleWorkspace();
const certificatePath = (name: string) =>
  fromFileUrl(new URL(`./certificates/${name}`, import.meta.url));
const certificate = (name: string) =>
  Deno.readTextFileSync(certificatePath(name));
const CA = certificatePath("ca.crt");

/** Serves the API on loopback: over TLS with a certificate, or without. */
function serve(name: string | null) {
  const server = Deno.serve({
    hostname: "127.0.0.1",
    port: 0,
    onListen() {},
    ...name !== null && {
      cert: certificate(`${name}.crt`),
      key: certificate(`${name}.key`),
    },
  }, (request) => answerRequest(workspace, { key: KEY }, request));
  const scheme = name === null ? "http" : "https";
  return {
    url: `${scheme}://127.0.0.1:${server.addr.port}/v5`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

/** Makes a proxy that tunnels to 127.0.0.1, and answers plain requests by itself. */
function serveProxy(login: string | null, refusal?: string) {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  const seen: string[] = [];
  const served = (async () => {
    const connections: Promise<void>[] = [];
    for await (const connection of listener) {
      connections.push(treat(connection).catch(() => {}));
    }
    await Promise.all(connections);
  })();
  async function treat(connection: Deno.TcpConn): Promise<void> {
    using _ = connection;
    const head = await headOf(connection);
    const [method = "", target = ""] = head.split(" ");
    seen.push(method);
    const said = /^proxy-authorization: basic (.+)$/im.exec(head)?.[1];
    const isAllowed = login === null || said?.trim() === btoa(login);
    const status = isAllowed ? refusal : "407 Proxy Authentication Required";
    if (status !== undefined) return await answer(connection, status);
    if (method !== "CONNECT") {
      const url = new URL(target);
      const key = /^x-api-key: (.+)$/im.exec(head)?.[1]?.trim() ?? "";
      const request = new Request(url, { headers: { "x-api-key": key } });
      const response = await answerRequest(workspace, { key: KEY }, request);
      return await answer(connection, "200 OK", await response.text());
    }
    using to = await Deno.connect({
      hostname: "127.0.0.1",
      port: Number(target.split(":")[1]),
    });
    await write(connection, "HTTP/1.1 200 OK\r\n\r\n");
    await Promise.race([
      connection.readable.pipeTo(to.writable),
      to.readable.pipeTo(connection.writable),
    ]);
  }
  return {
    address: `127.0.0.1:${port}`,
    seen,
    async [Symbol.asyncDispose]() {
      listener.close();
      await served;
    },
  };
}

async function headOf(connection: Deno.Conn): Promise<string> {
  const buffer = new Uint8Array(16_384);
  let head = "";
  while (!head.includes("\r\n\r\n")) {
    const length = await connection.read(buffer);
    if (length === null) return head;
    head += new TextDecoder().decode(buffer.subarray(0, length));
  }
  return head;
}

async function answer(connection: Deno.Conn, status: string, body = "") {
  const length = new TextEncoder().encode(body).length;
  await write(
    connection,
    `HTTP/1.1 ${status}\r\ncontent-length: ${length}\r\nconnection: close\r\n\r\n${body}`,
  );
}

async function write(connection: Deno.Conn, text: string): Promise<void> {
  let bytes = new TextEncoder().encode(text);
  while (bytes.length > 0) {
    bytes = bytes.subarray(await connection.write(bytes));
  }
}

/** Tries to reach an API in this process, trusting the authority of the tests. */
async function reach(apiUrl: string): Promise<string> {
  const clock = fastClock(50);
  using client = Deno.createHttpClient({ caCerts: [certificate("ca.crt")] });
  const session = new Session({
    runtime: {
      fetch: (input, init) => fetch(input, { ...init, client }),
      clock,
      random: () => 0,
    },
    observer: recorder(),
    apiUrl,
    apiKey: KEY,
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
    await using server = serve(name);
    const message = await reach(server.url);
    const expected = `cannot reach the API at ${server.url}: ${text}`;
    assertEquals(message.slice(0, expected.length), expected);
  });
}

Deno.test("http and https mixed up are named as such", async () => {
  await using plain = serve(null);
  await using secure = serve("good");
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

/** Proxies that the tester's own environment names are none of a test's business. */
const NO_PROXIES = Object.fromEntries(
  ["HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY"]
    .flatMap((name) => [[name, ""], [name.toLowerCase(), ""]]),
);

/** Runs `plan` as a user does, with the permissions of the task. */
async function plan(
  apiUrl: string,
  env: Readonly<Record<string, string>>,
): Promise<Ended> {
  // Deno's own look for a newer version would go through the proxy too.
  const quiet = { ...NO_PROXIES, DENO_NO_UPDATE_CHECK: "1" };
  const all = { ...quiet, HUMANLOOP_API_KEY: KEY, ...env };
  return await start(["plan", "--api-url", apiUrl], all).ended;
}

Deno.test("an authority that DENO_CERT names is trusted, and no other", async () => {
  await using server = serve("good");
  const trusted = await plan(server.url, { DENO_CERT: CA });
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
    await using server = serve("good");
    const env = { DENO_TLS_CA_STORE: "system", SSL_CERT_FILE: CA };
    assertEquals((await plan(server.url, env)).code, 0);
  },
});

for (const name of ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"]) {
  Deno.test(`${name} is used, with its login, without a permission for the variable`, async () => {
    await using server = serve("good");
    await using proxy = serveProxy("me:p@ss");
    const env = { DENO_CERT: CA, [name]: `http://me:p%40ss@${proxy.address}` };
    const { code, err } = await plan(server.url, env);
    assertEquals([code, err], [0, ""]);
    assert(proxy.seen.length > 0);
    assert(proxy.seen.every((method) => method === "CONNECT"));
  });
}

Deno.test("HTTP_PROXY is used for an address with http", async () => {
  await using server = serve(null);
  await using proxy = serveProxy(null);
  const env = { HTTP_PROXY: `http://${proxy.address}` };
  const { code, err } = await plan(server.url, env);
  assertEquals([code, err], [0, ""]);
  assert(proxy.seen.length > 0);
});

Deno.test("a host that NO_PROXY names is asked without the proxy", async () => {
  await using server = serve("good");
  await using proxy = serveProxy(null);
  const { code } = await plan(server.url, {
    DENO_CERT: CA,
    ALL_PROXY: `http://${proxy.address}`,
    NO_PROXY: "127.0.0.1",
  });
  assertEquals([code, proxy.seen], [0, []]);
});

Deno.test("a proxy that wants another login is reported as such, at once", async () => {
  await using server = serve("good");
  await using proxy = serveProxy("me:right");
  const { code, err } = await plan(server.url, {
    DENO_CERT: CA,
    HTTPS_PROXY: `http://me:wrong@${proxy.address}`,
  });
  assertEquals(code, 3);
  assert(err.includes("the proxy asks for a login; set HTTPS_PROXY to"), err);
  assert(!err.includes("wrong"), err);
});
