/**
 * Servers with certificates, and proxies, on loopback: what stands between a
 * user's machine and the API.
 */
import { fromFileUrl } from "@std/path";
import { answerRequest } from "../../src/demo/server.ts";
import { sampleWorkspace } from "../../src/demo/sample/sample.ts";

/** The key that the servers accept. */
export const NETWORK_KEY = "hl_sk_of_the_network_tests";
const workspace = sampleWorkspace();
const certificatePath = (name: string) =>
  fromFileUrl(new URL(`../api/certificates/${name}`, import.meta.url));
const certificate = (name: string) =>
  Deno.readTextFileSync(certificatePath(name));

/** The path of the authority that signed the good certificates. */
export const AUTHORITY = certificatePath("ca.crt");

/** An environment without the proxies that the tester's own may name. */
export const NO_PROXIES = Object.fromEntries(
  ["HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY"]
    .flatMap((name) => [[name, ""], [name.toLowerCase(), ""]]),
);

/** Serves the API on loopback: over TLS with a certificate, or without. */
export function serveApi(
  name: string | null,
): AsyncDisposable & { readonly url: string } {
  const server = Deno.serve({
    hostname: "127.0.0.1",
    port: 0,
    onListen() {},
    ...name !== null && {
      cert: certificate(`${name}.crt`),
      key: certificate(`${name}.key`),
    },
  }, (request) => answerRequest(workspace, { key: NETWORK_KEY }, request));
  const scheme = name === null ? "http" : "https";
  return {
    url: `${scheme}://127.0.0.1:${server.addr.port}/v5`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

/** Makes a proxy that tunnels to 127.0.0.1, and answers plain requests by itself. */
export function serveProxy(
  login: string | null,
  refusal?: string,
): AsyncDisposable & {
  readonly address: string;
  /** The method of each request. */
  readonly seen: readonly string[];
} {
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
      const response = await answerRequest(
        workspace,
        { key: NETWORK_KEY },
        request,
      );
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
