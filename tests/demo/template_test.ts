import { assertEquals, assertThrows } from "@std/assert";
import { type Scope, valueOf } from "../../src/demo/sample/expression.ts";
import { scopeOf } from "../../src/demo/sample/template.ts";
import type { Sequence } from "../../src/demo/workspace.ts";

/** Fills a template, as JSON. */
function fill(template: unknown, names: Scope = {}): unknown {
  return valueOf(scopeOf({ ...names, json: { $json: template } }), "json");
}

Deno.test("each kind of template makes what its description says", () => {
  const names = { n: 7, none: null, list: ["a", "b"], one: { id: "x" } };
  const table: readonly (readonly [template: unknown, json: string])[] = [
    ["${n}", "7"],
    ["no. ${n} of ${list[1]}", '"no. 7 of b"'],
    ["${none}", "null"],
    ["=1.0", "1.0"],
    ["=${n}e-08", "7e-08"],
    [{ "...": "${one}", id: "y", more: [1] }, '{"id":"y","more":[1]}'],
    [{ $if: "${n > 6}", then: "${n}", else: "${unknown}" }, "7"],
    [{ $if: "${n < 6}", then: "${unknown}" }, "null"],
    [{ $repeat: 3, as: "i", of: "${i * n}" }, "[0,7,14]"],
    [
      { $repeat: "${list}", as: "i", of: { of: "${i}" } },
      '[{"of":"a"},{"of":"b"}]',
    ],
    [{ $with: { n: "${n + 1}" }, get: ["${n}", "${list[0]}"] }, '[8,"a"]'],
    [{ $with: {}, in: { n: 9 }, get: "${n}" }, "9"],
    [{ text: { $json: "${one}" } }, '{"text":"{\\"id\\":\\"x\\"}"}'],
  ];
  for (const [template, json] of table) {
    assertEquals(fill(template, names), json, JSON.stringify(template));
  }
});

Deno.test("operators bind as usual, and functions get their arguments", () => {
  const names = { n: 7, path: "Shared/Evaluators/Tone", list: ["a", "b"] };
  const table: readonly (readonly [expression: string, json: string])[] = [
    ["1 + 2 * n - 3", "12"],
    ["n % 4 / 2 == 1.5", "true"],
    ["n - 1 - 2", "4"],
    ["list[n % list.length]", '"b"'],
    ["'no. ' + n", '"no. 7"'],
    ["name(path) == 'Tone'", "true"],
    ["directory(directory(directory(path)))", '""'],
    ["without(list, 'a')", '["b"]'],
    ["fixed(ceil(n / 2) + floor(n / 2), 2)", '"7.00"'],
    ["pick(list, n) == pick(list, n)", "true"],
    ["id('pr', path).length", "24"],
    ["time(1)", '"2025-01-06T08:01:00.000417"'],
    ["null == null", "true"],
  ];
  for (const [expression, json] of table) {
    assertEquals(fill("${" + expression + "}", names), json, expression);
  }
});

Deno.test("a name is filled in the scope that asks for it, and only once there", () => {
  const all = scopeOf({ id: "${path}#${index}", path: "none" });
  const file = scopeOf({
    path: "Support",
    logs: { $sequence: 2, as: "index", of: "${id}" },
  }, all);
  const logs = valueOf(file, "logs") as Sequence;
  assertEquals(
    [logs.length, logs.at(-1), logs.at(0), logs.at(1), logs.at(2)],
    [2, undefined, '"Support#0"', '"Support#1"', undefined],
  );
  assertEquals(valueOf(file, "logs") === logs, true);
});

Deno.test("an unknown name and an invalid expression are errors that name it", () => {
  assertThrows(
    () => fill({ a: "${absent.length}" }),
    ReferenceError,
    '"absent" stands for nothing',
  );
  assertThrows(
    () => fill({ a: "${1 & 2}" }),
    SyntaxError,
    'cannot read "1 & 2" from "&" on',
  );
});
