import { assertEquals, assertRejects } from "@std/assert";
import { MemoryBudget } from "../../src/api/session/memory_budget.ts";
import { Session } from "../../src/api/session/session.ts";
import { sliceDocument } from "../../src/api/records.ts";
import { NetworkError } from "../../src/core/errors.ts";
import { fastClock } from "../helpers/clock.ts";
import { recorder } from "../helpers/observer.ts";

/** Makes a server that treats each connection as it likes, below HTTP. */
function rawServer(treat: (connection: Deno.Conn, n: number) => Promise<void>) {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const connections: Deno.Conn[] = [];
  const served = (async () => {
    for await (const connection of listener) {
      connections.push(connection);
      await connection.read(new Uint8Array(4096));
      await treat(connection, connections.length);
    }
  })();
  const { port } = listener.addr as Deno.NetAddr;
  return {
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      listener.close();
      await served;
      for (const connection of connections) {
        try {
          connection.close();
        } catch {
          // It was closed by its treatment.
        }
      }
    },
  };
}

const send = async (connection: Deno.Conn, text: string) => {
  await connection.write(new TextEncoder().encode(text));
};

async function get(apiUrl: string): Promise<unknown> {
  const clock = fastClock(200);
  const session = new Session({
    runtime: {
      fetch: (input, init) => fetch(input, init),
      clock,
      random: () => 0,
    },
    concurrency: 1,
    observer: recorder(),
    apiUrl,
    apiKey: "k",
    patienceMs: 0,
    signal: new AbortController().signal,
  });
  return await session.get({
    path: "/x",
    label: "x",
    read: (body) => sliceDocument(body, (value) => value).info,
  });
}

const HEAD = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";

for (
  const [name, text] of [
    ["behind its length", `${HEAD}content-length: 100\r\n\r\n{"a":`],
    [
      "between two chunks",
      `${HEAD}transfer-encoding: chunked\r\n\r\n5\r\n{"a":\r\n`,
    ],
    ["with no length", `${HEAD}connection: close\r\n\r\n{"a":`],
    ["within the headers", "HTTP/1.1 200 OK\r\ncont"],
    ["at once", ""],
  ] as const
) {
  Deno.test(`a connection cut ${name} gets another attempt`, async () => {
    await using server = rawServer(async (connection, n) => {
      const whole =
        `${HEAD}content-length: 7\r\nconnection: close\r\n\r\n{"a":1}`;
      await send(connection, n < 3 ? text : whole);
      connection.close();
    });
    assertEquals(await get(server.url), { a: 1 });
  });
}

Deno.test("a server that accepts and never answers is given up", async () => {
  await using server = rawServer(() => Promise.resolve());
  await assertRejects(
    () => get(server.url),
    NetworkError,
    "no complete answer within",
  );
});

Deno.test("a budget gets back what a permit held, once", () => {
  const budget = new MemoryBudget(100);
  const permit = budget.tryTake(80)!;
  assertEquals(budget.tryTake(30), null);
  permit.release();
  permit.release();
  assertEquals(budget.tryTake(100) !== null, true);
});
