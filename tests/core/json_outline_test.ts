import { assert, assertEquals, assertThrows } from "@std/assert";
import { isObject } from "../../src/core/text/json.ts";
import { JsonOutline } from "../../src/core/text/json_outline.ts";
import { chance } from "../../src/demo/sample/expression.ts";

const encode = (text: string) => new TextEncoder().encode(text);

/** Makes the outline of bytes that come in parts of a size. */
function outlineOf(
  bytes: Uint8Array,
  { partBytes = bytes.length, sliceBytes }: {
    readonly partBytes?: number;
    readonly sliceBytes?: number;
  } = {},
): string {
  const outline = new JsonOutline(sliceBytes);
  for (let at = 0; at < bytes.length; at += partBytes) {
    outline.add(bytes.slice(at, at + partBytes));
  }
  return outline.end();
}

Deno.test("an outline keeps what is short, and is short itself", () => {
  const long = "é\\u00e9".repeat(200_000);
  const message = `{"role":"user","content":"${"x".repeat(900)}"}`;
  const json = `{"id":"log_1","a":[1, 2],"output":"${long}","messages":[${
    Array(5000).fill(message).join(", ")
  }],"log":{"id":"log_2","n":1.50}}`;
  for (const partBytes of [1000, 65_536, Infinity]) {
    assertEquals(
      outlineOf(encode(json), { partBytes }),
      '{"id":"log_1","a":[1, 2],"output":"","messages":true,"log":{"id":"log_2","n":1.50}}',
    );
  }
});

Deno.test("a long run of backslashes takes no longer than other text", () => {
  const json = `{"a":"${"\\\\".repeat(4_000_000)}","b":1}`;
  const outline = outlineOf(encode(json), { partBytes: 65_536 });
  assertEquals(outline, '{"a":"","b":1}');
});

const MANY = Array(20_000).fill('{"a":1}').join(",");
const LONG = "x".repeat(50_000);

for (
  const text of [
    ...["[1]x", `{"a":[${MANY},]}`, `{"a":[,${MANY}]}`, `{"a":[${MANY}]]}`],
    ...[`{"a":[${MANY},NaN,${MANY}]}`, `{"a":[${MANY}`, `{"a":[${MANY}]`],
    ...[`{"a":[${MANY},${" ".repeat(50_000)},1]}`, `{"a":[${MANY}}}`],
    ...[`{"a":1[${MANY}]}`, `{"a":[${MANY}].5}`, `{[${MANY}]:1}`],
    ...[`{"a":-[${MANY}]}`, `{"a":[${MANY}][${MANY}]}`, `{"a":"${LONG}`],
    ...[`{"a":"${LONG}\n"}`, `{"a":"${LONG}\\x${LONG}"}`, `{"a":"${LONG}\\`],
  ]
) {
  const label = text.replaceAll(MANY, "…").replaceAll(/(x| ){9,}/g, "…");
  Deno.test(`the outline of what is not JSON is not JSON: ${JSON.stringify(label)}`, () => {
    for (const partBytes of [777, Infinity]) {
      const outline = outlineOf(encode(text), { partBytes });
      assertThrows(() => JSON.parse(outline), SyntaxError);
    }
  });
}

Deno.test("text that is not UTF-8 is an error, wherever it is cut", () => {
  const bytes = encode(`{"a":"${"é".repeat(50_000)}"}`);
  bytes[70_001] = 0xff;
  for (const partBytes of [777, 65_536, Infinity]) {
    assertThrows(() => outlineOf(bytes, { partBytes }), TypeError);
  }
});

const TOKENS = [
  ...['{"a":', "[", "]", "}", ",", ',"b":', "1", "-0.5e3", "true", " "],
  ...[
    '"a"',
    '"éé漢🙂é"',
    '"\\u00e9\\ud83d\\ude42"',
    '"\\\\\\\\\\\\\\""',
    '"[{,"',
  ],
];

/** Makes JSON, now and then with a token too many. */
function makeJson(random: (limit: number) => number, depth: number): string {
  const damage = random(60) === 0 ? TOKENS[random(TOKENS.length)] : "";
  const kind = depth === 0 ? 0 : random(3);
  const values = Array.from(
    { length: kind === 0 ? 0 : random(6) },
    () => makeJson(random, depth - 1),
  );
  if (kind === 1) return `[${values.join(",")}]${damage}`;
  if (kind === 2) {
    return `{${values.map((one, i) => `"${i}":${one}`).join(" ,")}}${damage}`;
  }
  return TOKENS[random(TOKENS.length - 6) + 6]!.replace(",", "0") + damage;
}

/** Checks whether an outline has what the value has, where it has anything. */
function agrees(value: unknown, outline: unknown): boolean {
  if (typeof value === "string") return outline === value || outline === "";
  if (Array.isArray(value)) {
    return outline === true ||
      Array.isArray(outline) && outline.length === value.length &&
        value.every((one, i) => agrees(one, outline[i]));
  }
  if (!isObject(value)) return outline === value;
  return isObject(outline) &&
    Object.entries(value).every(([name, one]) => agrees(one, outline[name]));
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Another one for every run; TEST_SEED=… repeats a run. */
const seed = Number(Deno.env.get("TEST_SEED") ?? Date.now() % 1_000_000);

Deno.test(`10,000 generated texts (seed ${seed}) have outlines that agree with them, and only JSON has a valid one`, () => {
  let broken = 0;
  let cut = 0;
  for (let n = 0; n < 10_000; n++) {
    let step = 0;
    const random = (limit: number) =>
      Math.floor(chance((seed + n) * 65_537 + step++) * limit);
    const text = makeJson(random, 4);
    const value = parsed(text);
    const sliceBytes = 4 + random(20);
    const whole = outlineOf(encode(text), { sliceBytes });
    const partBytes = 1 + random(30);
    const inParts = outlineOf(encode(text), { sliceBytes, partBytes });
    const label = `seed ${seed + n}: ${text}`;
    for (const outline of [whole, inParts]) {
      const isRight = value === undefined
        ? parsed(outline) === undefined
        : agrees(value, parsed(outline));
      assert(isRight, `${label}\n${outline}`);
    }
    if (value === undefined) broken++;
    else if (whole !== text) cut++;
  }
  assert(broken > 1000 && cut > 1000, `${broken} broken, ${cut} cut`);
});
