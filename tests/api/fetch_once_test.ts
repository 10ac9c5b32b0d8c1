/** The bytes of a body, in whatever parts they come. */
import { assertEquals } from "@std/assert";
import { ProtocolError } from "../../src/core/errors.ts";
import { json, stubbed } from "../helpers/stub.ts";

/**
 * Makes a body of so many bytes, each another than the one before, in parts of
 * so many.
 */
function bodyOf(
  length: number,
  partLength: number,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const bytes = bytesOf(length);
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at >= length) return controller.close();
      controller.enqueue(bytes.slice(at, at + partLength));
      at += partLength;
    },
  });
}

const bytesOf = (length: number) =>
  Uint8Array.from({ length }, (_, i) => (i * 31 + (i >> 8)) % 251);

const BLOCK = 64 * 1024;
const LENGTHS = [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK, 3 * BLOCK + 7];
for (const named of ["right", "too small", "too large", "absurd", "absent"]) {
  Deno.test(`a body whose named length is ${named} is read to the byte`, async () => {
    const headersFor = (length: number): Record<string, string> => {
      const names: Record<string, number> = {
        right: length,
        "too small": length >> 1,
        "too large": length + 5,
        absurd: 1e15,
      };
      return named in names ? { "content-length": String(names[named]) } : {};
    };
    const sizes = LENGTHS.flatMap((length) =>
      [1_000, BLOCK, 150_000].map((part) => [length, part] as const)
    );
    const { session } = stubbed((_, n) => {
      const [length, part] = sizes[n]!;
      const headers = headersFor(length);
      return new Response(bodyOf(length, part), { headers });
    });
    for (const [length] of sizes) {
      const read = (body: Uint8Array) => body;
      const body = await session.get({ path: "/x", label: "x", read });
      assertEquals(body, bytesOf(length));
    }
  });
}

Deno.test("a key that the failure of a reader quotes is hidden", async () => {
  const { session, observer } = stubbed(() => json({}));
  const key = "hl_sk_SECRET_OF_THE_TESTS";
  const error = await session.get({
    path: "/x",
    label: `Logs of ${key}`,
    attempts: 2,
    read: () => {
      throw new ProtocolError(`"page" of the answer is "${key.slice(0, 15)}`);
    },
  }).then(() => null, (error) => error);
  assertEquals(error.message, '"page" of the answer is "[key]');
  assertEquals(observer.lines.map(({ message }) => message.slice(0, 13)), [
    "Logs of [key]",
    "Logs of [key]",
  ]);
});
