import { assertEquals } from "@std/assert";
import { redact } from "../../src/core/text/redact.ts";

const KEY = "hl_sk_3f9a1c7e5b2d8046";

const TEXTS: ReadonlyArray<readonly [string, string, string]> = [
  ["the key", `bad key ${KEY}, sorry`, "bad key [key], sorry"],
  ["the key twice", `${KEY}${KEY}`, "[key][key]"],
  ["the key in another case", `x ${KEY.toUpperCase()} y`, "x [key] y"],
  ["its first characters, cut at the end", `x ${KEY.slice(0, 12)}`, "x [key]"],
  ["its first eight characters", `x ${KEY.slice(0, 8)}… y`, "x [key]… y"],
  ["fewer of them", `x ${KEY.slice(0, 7)} y`, `x ${KEY.slice(0, 7)} y`],
  ["characters that fold to others", `İİ ${KEY} ß`, "İİ [key] ß"],
  ["nothing of it", "HTTP 502", "HTTP 502"],
];
for (const [name, text, safe] of TEXTS) {
  Deno.test(`redact: a text that holds ${name}`, () => {
    assertEquals(redact(text, [KEY]), safe);
  });
}

Deno.test("redact: a short secret is hidden as a whole, an empty one is ignored", () => {
  assertEquals(redact("a.b axb A.B", ["a.b", ""]), "[key] axb [key]");
});
