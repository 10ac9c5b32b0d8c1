import { assertEquals } from "@std/assert";
import { parseExactly } from "../../src/core/text/json.ts";

Deno.test("numbers are printed as they were spelled, whatever is around them", () => {
  for (
    const json of [
      `{"a":1,"b":[2.5,-3],"c":"1.0"}`,
      `{"a":1.0}`,
      `{"a":[1,12345678901234567890]}`,
      `[0.1,1E+400]`,
      `{"a":{"b":-0}}`,
      `1e2`,
      `{"prose":"a list: 1.0, 2e5","n":7}`,
      `{"a":1.0,"b":1,"c":[1.00,{"d":1}]}`,
      `{"a":0,"b":-0.0,"c":[-0.0,2.0],"d":null}`,
      `[12345678901234567890,12345678901234567891,1e400,1e500]`,
      `{"__proto__":1.0,"a":{"__proto__":{"b":2.0}}}`,
      `{"prose":"a list: 1.0","n":1}`,
    ]
  ) assertEquals(JSON.stringify(parseExactly(json)), json);
  assertEquals(JSON.stringify(parseExactly(`{ "a" :\n 1.50 }`)), `{"a":1.50}`);
  assertEquals(parseExactly(`{"a":1`), undefined);
});
