import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  sliceArray,
  sliceDocument,
  sliceRecords,
} from "../../src/api/records.ts";
import { ProtocolError } from "../../src/core/errors.ts";
import { chance } from "../../src/demo/sample/expression.ts";

const encode = (text: string) => new TextEncoder().encode(text);
const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const cut = (text: string) => {
  const { records, envelope } = sliceRecords(encode(text), "records", (v) => v);
  return { texts: records.map(({ bytes }) => decode(bytes)), envelope };
};

Deno.test("a record keeps everything that JavaScript would change", () => {
  const record =
    '{"a":12345678901234567890,"b":1.0,"c":1E+400,"d":-0.0,"e":1,"e":2,"f":"\\ud83d","g":"\\/\\u0041"}';
  assertEquals(cut(`{"records":[${record}],"total":1}`).texts, [record]);
});

Deno.test("spaces within a one-line record are kept", () => {
  const { texts } = cut('{"records": [ {"a": 1, "b": [1, 2]} , {} ]}');
  assertEquals(texts, ['{"a": 1, "b": [1, 2]}', "{}"]);
});

Deno.test("a pretty-printed record loses only the white space between its tokens", () => {
  const { texts } = cut(
    '{\r\n "records": [\n  {\n\t"a b" : "x \\" { y ",\r\n "c": [ 1 ,\n 2 ]\n }\n ]\n}\n',
  );
  assertEquals(texts, ['{"a b":"x \\" { y ","c":[1,2]}']);
});

Deno.test("members of the envelope come in any order, unknown ones too", () => {
  const { texts, envelope } = cut(
    '{"size":2,"x":{"records":[9]},"records":[1,"]"],"total":7,"__proto__":1,"page":1}',
  );
  assertEquals(texts, ["1", '"]"']);
  assertEquals(Object.entries(envelope), [
    ["size", 2],
    ["x", { records: [9] }],
    ["total", 7],
    ["__proto__", 1],
    ["page", 1],
  ]);
});

Deno.test("a replacement character that the API sent is valid UTF-8", () => {
  assertEquals(cut('{"records":["\ufffd"]}').texts, ['"\ufffd"']);
});

Deno.test("long strings end where they end, whatever backslashes they hold", () => {
  for (let n = 25; n < 60; n++) {
    for (const tail of ["\\\\", '\\"', '\\\\\\"x', "\\\\\\\\"]) {
      const record = `"${"x".repeat(n)}${tail}"`;
      JSON.parse(record);
      assertEquals(cut(`{"records":[${record},1]}`).texts, [record, "1"]);
    }
  }
});

Deno.test("a name may be written with escapes", () => {
  assertEquals(cut('{"\\u0072ecords":[{}]}').texts, ["{}"]);
});

Deno.test("a byte order mark and white space around JSON are ignored", () => {
  assertEquals(cut('\ufeff \n{"records":[]} \n').texts, []);
  assertEquals(
    decode(sliceDocument(encode('\ufeff {"a": 1}\n'), () => null).bytes),
    '{"a": 1}',
  );
});

Deno.test("a bare array is cut into its elements", () => {
  const records = sliceArray(encode(' [ {"a":"é🙂"} , 2 ] '), (value) => value);
  assertEquals(records.map(({ bytes }) => decode(bytes)), ['{"a":"é🙂"}', "2"]);
  assertEquals(records.map(({ info }) => info), [{ a: "é🙂" }, 2]);
});

const BROKEN = [
  "",
  " ",
  "null",
  "[]",
  "<html></html>",
  '{"records":[{}]',
  '{"records":[{},]}',
  '{"records":[,]}',
  '{"records":[{}]}x',
  '{"records":[{]}]}',
  '{"records":{}}',
  '{"records":null}',
  '{"total":1}',
  '{"records":[],"records":[]}',
  '{"records":["\n"]}',
  '{"records":[NaN]}',
  '{"records":[Infinity]}',
  '{"records":[01]}',
  '{"records":[] "total":1}',
  "{records:[]}",
  '{"records":["\\x"]}',
  '{"records":["',
  '{"records":["\\',
];
for (const text of BROKEN) {
  Deno.test(`broken: ${JSON.stringify(text)} is a ProtocolError`, () => {
    assertThrows(() => cut(text), ProtocolError, "the answer cannot be read");
  });
}

Deno.test("text that is not UTF-8 is a ProtocolError, not a replacement", () => {
  const body = encode('{"records":["é"]}');
  body[body.indexOf(0xc3)] = 0xff;
  assertThrows(
    () => sliceRecords(body, "records", (value) => value),
    ProtocolError,
    "not valid UTF-8",
  );
});

/** A string of some 100 kB, whose pieces begin and end at every place of `part`. */
const longString = (part: string, i: number) =>
  `${"x".repeat(i)}${part.repeat(Math.ceil(100_000 / part.length))}`;

Deno.test("a very long string is kept to the byte, and empty in the value that is read", () => {
  const parts = [
    "x",
    "é漢🙂",
    '\\\\\\"',
    "\\ud83d\\ude42 abcdefg",
    "\\\\\\\\",
    "\ufeff",
  ];
  for (const part of parts) {
    for (let i = 0; i < 12; i++) {
      const text = longString(part, i);
      const record = `{"a":["${text}",1],"id":"log_1","${text}":"${text}"}`;
      JSON.parse(record);
      const { records } = sliceRecords(
        encode(`{"records":[${record},2],"total":2}`),
        "records",
        (value) => value,
      );
      assertEquals(decode(records[0]!.bytes) === record, true);
      assertEquals(records[0]!.info, { a: ["", 1], id: "log_1", "": "" });
      assertEquals(records[1]!.info, 2);
    }
  }
});

for (const damage of ["\n", "\\x", "\\u12", "\0", "\\ud83"]) {
  Deno.test(`${JSON.stringify(damage)} anywhere in a very long string is a ProtocolError`, () => {
    for (const at of [0, 1, 32_000, 32_767, 32_768, 32_769, 65_536, 99_999]) {
      const text = "x".repeat(at) + damage + "y".repeat(100_000 - at);
      assertThrows(() => cut(`{"records":["${text}"]}`), ProtocolError);
    }
  });
}

Deno.test("a very long string that is not UTF-8 is a ProtocolError", () => {
  for (const at of [20, 32_768, 32_790, 99_000]) {
    const body = encode(`{"records":["${"é".repeat(50_000)}"]}`);
    body[at] = 0xff;
    assertThrows(
      () => sliceRecords(body, "records", (value) => value),
      ProtocolError,
      "not valid UTF-8",
    );
  }
});

/** A stream of seeded numbers. */
class Chance {
  #n = 0;
  constructor(readonly seed: number) {}
  below(limit: number): number {
    return Math.floor(chance(this.seed * 65_537 + this.#n++) * limit);
  }
  pick<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)]!;
  }
}

const SCALARS = [
  "1",
  "-0.0",
  "1E+400",
  "12345678901234567890",
  "true",
  "null",
  '""',
  '"]}{[,:"',
  '"\\"\\\\"',
  '"\\ud83d"',
  '"é漢🙂"',
  '"\\"records\\":[1]"',
];
const NAMES = ['"a"', '"records"', '"total"', '"\\u0072ecords"', '"é"'];

/** Makes a JSON value as its tokens. */
function tokens(random: Chance, depth: number): string[] {
  const kind = depth === 0 ? 0 : random.below(3);
  if (kind === 0) return [random.pick(SCALARS)];
  const members = Array.from({ length: random.below(4) }, () => [
    ...(kind === 1 ? [random.pick(NAMES), ":"] : []),
    ...tokens(random, depth - 1),
  ]);
  const inside = members.flatMap((one, i) => i === 0 ? one : [",", ...one]);
  return kind === 1 ? ["{", ...inside, "}"] : ["[", ...inside, "]"];
}

/** Puts the tokens together, with white space of one style between them. */
function print(
  random: Chance,
  parts: readonly string[],
  style: number,
): string {
  const space = () =>
    style === 0
      ? ""
      : random.pick(style === 1 ? ["", " ", "\t"] : ["", " ", "\n", "\r\n  "]);
  return parts.map((part) => space() + part).join("") + space();
}

interface Case {
  readonly text: string;
  /** What the records must look like. */
  readonly records: readonly string[];
}

function makeCase(random: Chance): Case {
  const style = random.below(3);
  const records: string[] = [];
  const parts = Array.from({ length: random.below(5) }, () => {
    const made = tokens(random, 3);
    const printed = print(random, made, style).trim();
    records.push(/[\n\r]/.test(printed) ? made.join("") : printed);
    return printed;
  });
  const before = random.below(3);
  const members = Array.from({ length: 3 }, (_, i) => {
    if (i !== before) {
      return print(random, [`"m${i}"`, ":", ...tokens(random, 2)], style);
    }
    const list = parts.map((one) => one + print(random, [], style)).join(",");
    return `${random.pick(['"records"', '"rec\\u006frds"'])} : [ ${list} ]`;
  });
  return { text: `{${members.join(",")}}`, records };
}

/**
 * Returns what JSON.parse makes of it: the records, or `null` where they are
 * not to be had.
 */
function reference(bytes: Uint8Array): unknown[] | null {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    const { records } = JSON.parse(text);
    return Array.isArray(records) ? records : null;
  } catch {
    return null;
  }
}

/** Another one for every run; TEST_SEED=… repeats a run. */
const seed = Number(Deno.env.get("TEST_SEED") ?? Date.now() % 1_000_000);

Deno.test(`10,000 generated answers (seed ${seed}) are cut as the reference parser reads them`, () => {
  let broken = 0;
  for (let n = 0; n < 10_000; n++) {
    const random = new Chance(seed + n);
    const { text, records } = makeCase(random);
    const label = `seed ${seed + n}: ${text}`;
    const result = cut(text);
    assertEquals(result.texts, [...records], label);
    assertEquals<unknown>(
      records.map((one) => JSON.parse(one)),
      reference(encode(text)),
      label,
    );

    const damaged = encode(text);
    const at = random.below(damaged.length);
    const part = random.below(2) === 0 ? damaged.subarray(0, at) : damaged;
    if (part === damaged) damaged[at] = random.below(256);
    const expected = reference(part);
    let values: unknown[] | null = null;
    try {
      values = sliceRecords(part, "records", (value) => value)
        .records.map(({ info }) => info);
    } catch (error) {
      assert(error instanceof ProtocolError, label);
    }
    if (values === null) broken++;
    // A damaged name can make a second "records", which is refused.
    const twice = decode(part).match(/rec(o|\\u006f)rds" *:/g)?.length !== 1;
    if (!(values === null && twice)) assertEquals(values, expected, label);
  }
  assert(broken > 1000, `only ${broken} damaged answers were refused`);
});
