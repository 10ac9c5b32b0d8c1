/**
 * `datasets`: every Datapoint once, exactly, under a safe name; what is missing
 * is reported.
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { parseExactly } from "../../src/core/text/json.ts";
import { sampleWorkspace } from "../../src/demo/sample/sample.ts";
import { denoRuntime } from "../../src/core/runtime/deno_runtime.ts";
import { throughDisk } from "../helpers/disk.ts";
import { run } from "../helpers/program.ts";
import { readTree, tempDir } from "../helpers/tree.ts";
import { exportTo } from "../report/export_to.ts";
import { datasetTree, type Texts, writeTexts } from "./tree.ts";

/** Writes the Datasets of exports, and reads what was written. */
async function datasetsOf(
  root: string,
  exports: readonly Texts[],
  format = "jsonl",
) {
  const dirs = exports.map((_, i) => join(root, `export-${i}`));
  for (const [i, texts] of exports.entries()) await writeTexts(dirs[i]!, texts);
  const to = join(root, "out");
  const args = ["datasets", ...dirs, "--to", to, "--format", format, "--json"];
  const { code, out, err } = await run(args);
  const files = code === 0 || code === 3 ? await readTree(to) : new Map();
  const listed = files.get("%datasets.json");
  files.delete("%datasets.json");
  const summary = out === "" ? null : JSON.parse(out);
  if (summary !== null) {
    assertEquals(JSON.parse(listed!), summary.files);
    assertEquals(
      [...files.keys()].sort(),
      summary.files.map(({ file }: { file: string }) => file).sort(),
    );
  }
  const losses: string[] = [];
  const notes: string[] = [];
  for (const { text, isLoss } of summary?.problems ?? []) {
    (isLoss ? losses : notes).push(text.replaceAll(root, "ROOT"));
  }
  return { code, err, files, summary, losses, notes };
}

/** The metadata of a line of {@linkcode datasetTree}. */
const META =
  `"dataset":"a/b","dataset_id":"ds_1","version_id":"dsv_1","version_name":"v1",` +
  `"version_created_at":"2025-01-01","attributes":null`;
const oneVersion = (...lines: string[]) =>
  datasetTree({ id: "ds_1", path: "a/b", versions: { dsv_1: lines } });

Deno.test("every Version of every Dataset of the demo is written, with the values that the API sent", async () => {
  await using dir = await tempDir();
  const workspace = sampleWorkspace();
  await exportTo(join(dir.path, "export-0"), workspace);
  const { code, err, files, summary, losses } = await datasetsOf(
    dir.path,
    [{}],
  );
  assertEquals([code, err, losses], [0, "", []]);
  const expected = new Map<string, string>();
  for (const file of workspace.files) {
    if (file.type !== "dataset") continue;
    const newest = file.versions.map(({ text }) => JSON.parse(text))
      .find(({ environments }) => environments.length > 0);
    for (const { id, text } of file.versions) {
      const version = parseExactly(text) as Record<string, unknown>;
      const points = file.datapoints.get(id)!;
      const lines = Array.from({ length: points.length }, (_, i) => {
        const point = parseExactly(points.at(i)!) as Record<string, unknown>;
        return `${
          JSON.stringify({
            id: point["id"],
            input: point["inputs"],
            messages: point["messages"],
            expected_output: point["target"],
            metadata: {
              dataset: version["path"],
              dataset_id: version["id"],
              version_id: version["version_id"],
              version_name: version["version_name"],
              version_created_at: version["created_at"],
              attributes: version["attributes"],
            },
          })
        }\n`;
      });
      expected.set(`${version["path"]}@${id}.jsonl`, lines.join(""));
      if (id === newest.version_id) {
        expected.set(`${version["path"]}.jsonl`, lines.join(""));
      }
    }
  }
  assertEquals([...files.keys()].sort(), [...expected.keys()].sort());
  for (const [name, text] of expected) {
    assert(files.get(name) === text, `${name} differs`);
  }
  const { datasets, versions, datapoints } = summary;
  assertEquals([datasets, versions, datapoints], [2, 4, 4_863]);
});

/** Everything that a file might change. */
const HOSTILE =
  String.raw`{ "target" : {"n":1E+400,"big":12345678901234567890},` +
  String
    .raw`"id":"dp_1","inputs":{"a":"=1+1","b\u0000":"\ud83d","a ":"x\"y,\r\nz","n":-0.10},` +
  String
    .raw`"messages": [{"role":"user","content":"\u2028\/"}],"odd":{"x":[1,  2]},"__proto__":1}`;

Deno.test("a line of JSON holds the exact text of every value, and all other fields of a Datapoint", async () => {
  await using dir = await tempDir();
  const { code, files, losses, notes } = await datasetsOf(dir.path, [
    oneVersion(HOSTILE, `{"id":null}`, `{"inputs":[1],"target":"x"}`),
  ]);
  assertEquals(
    files.get("a/b@dsv_1.jsonl"),
    String
      .raw`{"id":"dp_1","input":{"a":"=1+1","b\u0000":"\ud83d","a ":"x\"y,\r\nz","n":-0.10},"messages":[{"role":"user","content":"\u2028\/"}],"expected_output":{"n":1E+400,"big":12345678901234567890},"metadata":{${META},"datapoint":{"odd":{"x":[1,  2]},"__proto__":1}}}
{"id":null,"input":null,"messages":null,"expected_output":null,"metadata":{${META}}}
{"id":null,"input":[1],"messages":null,"expected_output":"x","metadata":{${META}}}
`,
  );
  assertEquals(files.get("a/b.jsonl"), files.get("a/b@dsv_1.jsonl"));
  assertEquals([code, losses], [0, []]);
  assertEquals(notes, [
    "a/b: dsv_1: 1 of its Datapoints hold half of a character (such as \\ud83d alone), which some readers of JSON refuse",
  ]);
});

Deno.test("a table has a column for each input of the file, and nothing in it is a formula", async () => {
  await using dir = await tempDir();
  const lines = [
    HOSTILE,
    `{"id":"@dp","inputs":{"id":"own","__expected":"javascript: 1","=c":"","input.id":"2","a":null},"messages":[],"target":{}}`,
    `{"id":"dp_3","inputs":7,"target":"-5"}`,
  ];
  const { code, files, losses } = await datasetsOf(
    dir.path,
    [oneVersion(...lines)],
    "csv",
  );
  const q = (text: string) => `"${text.replaceAll('"', '""')}"`;
  const meta = (more = "") => q(`{${META}${more}}`);
  assertEquals(
    files.get("a/b@dsv_1.csv"),
    "\ufeff" + [
      `"id","a","b\0","a ","n","input.id","input.__expected","'=c","input.input.id","messages","expected_output","metadata"`,
      `"dp_1","'=1+1","\ufffd",${q('x"y,\r\nz')},"-0.10",,,,,` +
      [
        q(String.raw`[{"role":"user","content":"\u2028\/"}]`),
        q(`{"n":1E+400,"big":12345678901234567890}`),
        meta(`,"datapoint":{"odd":{"x":[1,  2]},"__proto__":1}`),
      ].join(","),
      `"'@dp",,,,,"own","javascript: 1","","2","[]","{}",${meta()}`,
      `"dp_3",,,,,,,,,,"-5",${meta(`,"input":7`)}`,
      "",
    ].join("\r\n"),
  );
  assertEquals([code, losses], [3, [
    "a/b: dsv_1: 1 of its cells hold half of a character (such as \\ud83d alone), which is written as \\ufffd; --format jsonl keeps it",
  ]]);
});

Deno.test("every text that begins like a formula gets an apostrophe, which can be removed; numbers stay", async () => {
  await using dir = await tempDir();
  const formulas = [
    ...["=1", "+a", "-a", "@x", "\t=1", "\r=1", "\n=1", "'=1", "''+x", "＝1"],
    ...["-1-1", "+1 2", "--1", "-", "=", "+", "1".padStart(2, "-") + "e"],
  ];
  const others = [
    ...["-5", "+5", "-0.5e-3", "1E+400", "007", "a=1", "'a", "'", "", " =1"],
    ...["-.5", "-5."],
  ];
  const texts = [...formulas, ...others];
  const { files } = await datasetsOf(
    dir.path,
    [oneVersion(
      ...texts.map((x) => JSON.stringify({ id: "i", inputs: { x } })),
    )],
    "csv",
  );
  const rows = files.get("a/b.csv")!.split("\r\n").length;
  assertEquals(rows, texts.length + 2);
  const cells = [...files.get("a/b.csv")!.matchAll(/"i","([^"]*)",/g)]
    .map(([, cell]) => cell!);
  assertEquals(cells, [...formulas.map((text) => `'${text}`), ...others]);
  const back = cells.map((cell) => cell.replace(/^'(?='*[=+\-@\t\r\n＝])/, ""));
  assertEquals(back, texts);
});

Deno.test("inputs of more names than a table has columns for share one column", async () => {
  await using dir = await tempDir();
  const names = Array.from({ length: 1_002 }, (_, i) => `n${i}`);
  const { files, code } = await datasetsOf(
    dir.path,
    [oneVersion(
      ...names.map((name) => `{"inputs":{"${name}":"v"}}`),
    )],
    "csv",
  );
  const rows = files.get("a/b.csv")!.trimEnd().split("\r\n");
  assertEquals([code, rows.length], [0, 1_003]);
  assert(rows[0]!.includes(`"n999","other_inputs","messages"`));
  assert(rows[1_002]!.includes(`,"{""n1001"":""v""}",,,"{""dataset""`));
});

Deno.test("a test of promptfoo expects the one value of the target; texts that promptfoo would act on are out of its reach", async () => {
  await using dir = await tempDir();
  const lines = [
    `{"id":"1","inputs":{"q":"Hi"},"messages":[{"role":"user","content":"é"}],"target":{"output":"yes","why":1}}`,
    `{"id":"2","inputs":{"q":"{{ env.HOME }}","$ref":"file:///x","f":"file:///etc/passwd","n":5,"messages":"m\\n"},"messages":[],"target":{"label":"{{ q }}\\"\\\\"}}`,
    `{"id":"3","inputs":{},"target":{"o":{"a":[1.50]}}}`,
    `{"id":"file://4","inputs":null,"target":{"o":{"$ref":"x"}}}`,
    `{"id":"5","inputs":{},"target":{"a":1,"b":2}}`,
    `{"id":"6","target":{"n":-0.10}}`,
  ];
  const { code, files, notes, losses } = await datasetsOf(
    dir.path,
    [oneVersion(...lines)],
    "promptfoo",
  );
  const meta = META.replace(`,"attributes":null`, "");
  assertEquals(
    files.get("a/b.promptfoo.jsonl"),
    String
      .raw`{"description":"1","vars":{"q":"Hi","messages":"[{\"role\":\"user\",\"content\":\"é\"}]"},"assert":[{"type":"equals","value":"yes"}],"metadata":{"id":"1",${meta},"expected_output":"{\"output\":\"yes\",\"why\":1}"}}
{"description":"2","vars":{"q":["{{ env.HOME }}"],"$ref":["file:///x"],"f":["file:///etc/passwd"],"n":"5","messages":["m\n"]},"assert":[{"type":"equals","value":"{{ \"{{ q }}\\\"\\\\\" }}"}],"metadata":{"id":"2",${meta},"expected_output":"{\"label\":\"{{ q }}\\\"\\\\\"}","messages":"[]"},"options":{"disableVarExpansion":true}}
{"description":"3","vars":{},"assert":[{"type":"equals","value":{"a":[1.50]}}],"metadata":{"id":"3",${meta},"expected_output":"{\"o\":{\"a\":[1.50]}}"}}
{"description":"\"file://4\"","vars":{},"metadata":{"id":"\"file://4\"",${meta},"expected_output":"{\"o\":{\"$ref\":\"x\"}}"}}
{"description":"5","vars":{},"metadata":{"id":"5",${meta},"expected_output":"{\"a\":1,\"b\":2}"}}
{"description":"6","vars":{},"assert":[{"type":"equals","value":"-0.10"}],"metadata":{"id":"6",${meta},"expected_output":"{\"n\":-0.10}"}}
`,
  );
  assertEquals([code, losses], [0, []]);
  assertEquals(notes, [
    "a/b: dsv_1: 2 of its Datapoints have a target of several fields, or one that promptfoo would change: they have no assert, the target is in metadata.expected_output",
    "a/b: dsv_1: 1 of its Datapoints hold what promptfoo would take for a template or a file: each such text is put into a list of one (in quotes if it is both), so that it does not",
  ]);
});

Deno.test("the file of the default Version, or else the newest, has no id in its name; an empty Version has an empty file", async () => {
  await using dir = await tempDir();
  const versions = { dsv_b: [`{"id":"1"}`], dsv_c: [], dsv_a: [`{"id":"2"}`] };
  const { code, summary } = await datasetsOf(dir.path, [{
    ...datasetTree({ id: "ds_1", path: "x", versions, deployed: "dsv_b" }),
    ...datasetTree({ id: "ds_2", path: "y", versions }),
  }]);
  assertEquals(code, 0);
  const file = (fileId: string, path: string) =>
  (
    versionId: string,
    datapoints: number,
    deployed = false,
  ) => ({
    ...{ fileId, versionId, path, datapoints, deployed },
    file: `${path}${deployed ? "" : `@${versionId}`}.jsonl`,
  });
  const [x, y] = [file("ds_1", "x"), file("ds_2", "y")];
  assertEquals(summary.files, [
    ...[x("dsv_b", 1), x("dsv_b", 1, true), x("dsv_c", 0), x("dsv_a", 1)],
    ...[y("dsv_b", 1), y("dsv_c", 0), y("dsv_a", 1), y("dsv_a", 1, true)],
  ]);
});

Deno.test("Humanloop's names do not lead out of the directory, and no two files share a path", async () => {
  await using dir = await tempDir();
  const paths = [
    ...["../../x", "/etc/x", "Foo/a", "foo/a", "a.jsonl/b", "a", "CON", "x@y"],
    ...["same/one", "same/one", "g.promptfoo", "g", "a".repeat(300), ""],
  ];
  const trees = paths.map((path, i) =>
    datasetTree({ id: `ds_${i}`, path, versions: { Dsv: [], dsv: [] } })
  );
  const { code, files, notes } = await datasetsOf(
    dir.path,
    [Object.assign({}, ...trees)],
  );
  assertEquals(code, 0);
  const names = [...files.keys()];
  const folds = new Set(names.map((name) => name.toLowerCase()));
  assertEquals([names.length, folds.size], [
    paths.length * 3,
    paths.length * 3,
  ]);
  for (const name of ["%2E%2E/%2E%2E/x", "%/etc/x", "a%2Ejsonl/b", "x%40y"]) {
    assert(files.has(`${name}.jsonl`), `${name}: ${names}`);
  }
  assert(files.has("g%2Epromptfoo.jsonl") && files.has("%43ON.jsonl"));
  assert(files.has("a@%44sv.jsonl") && files.has("a@dsv.jsonl"));
  assertEquals(notes, [
    "same/one: another Dataset is called same/one too; this one is same/one%~ds_9",
  ]);
});

Deno.test("nothing is written into an export or through a symbolic link", async () => {
  await using dir = await tempDir();
  const from = join(dir.path, "export");
  await writeTexts(from, oneVersion());
  const write = (to: string) => run(["datasets", from, "--to", to]);
  for (const to of [from, join(from, "files", "out")]) {
    const { code, err } = await write(to);
    assertEquals(code, 2);
    assertStringIncludes(err, "is inside the export");
  }
  const to = join(dir.path, "out");
  await Deno.mkdir(to);
  await Deno.mkdir(join(dir.path, "elsewhere"));
  await Deno.symlink("../elsewhere", join(to, "a"));
  const { code, err } = await write(to);
  assertEquals(code, 2);
  assertStringIncludes(err, "cannot write through the symbolic link");
  assertEquals(await readTree(join(dir.path, "elsewhere")), new Map());
});

Deno.test("a file in the place of the directory is named, and is no internal error", async () => {
  await using dir = await tempDir();
  const root = join(dir.path, "export");
  await writeTexts(root, oneVersion('{"id":"dp_1"}'));
  const to = join(dir.path, "file");
  await Deno.writeTextFile(to, "");
  const { code, err } = await run(["datasets", root, "--to", to]);
  assertEquals([code, err.split("\n").length], [1, 2]);
  assertStringIncludes(err, "part of that path is a file");
});

Deno.test("a disk that is full leaves no half-written file", async () => {
  await using dir = await tempDir();
  const root = join(dir.path, "export");
  await writeTexts(root, oneVersion('{"id":"dp_1"}'));
  const to = join(dir.path, "out");
  const used = new Map<string, number>();
  let isFull = false;
  const full = throughDisk(denoRuntime().disk, (path, writes) => {
    if (!writes || isFull || !path.endsWith(".jsonl.part")) return;
    // An older one is removed, it is opened, and then it is written.
    const times = (used.get(path) ?? 0) + 1;
    used.set(path, times);
    isFull = times === 3;
    if (isFull) throw new Error("No space left on device (os error 28)");
  });
  const { code } = await run(["datasets", root, "--to", to], { disk: full });
  assertEquals([code, isFull, used.size], [1, true, 2]);
  assertEquals(await readTree(to), new Map());
});

Deno.test("files of the same name are replaced, others are left alone", async () => {
  await using dir = await tempDir();
  const own = { "out/a/note.txt": "mine", "out/a/b.jsonl": "old" };
  await writeTexts(dir.path, own);
  await writeTexts(join(dir.path, "export"), oneVersion("{}"));
  const to = join(dir.path, "out");
  const { code } = await run([
    ...["datasets", join(dir.path, "export"), "--to", to, "--quiet"],
  ]);
  const files = await readTree(to);
  assertEquals([code, files.get("a/note.txt")], [0, "mine"]);
  assertEquals(files.get("a/b.jsonl"), files.get("a/b@dsv_1.jsonl"));
});

Deno.test("what the export lacks or cannot be read is reported with exit 3, and the rest is written", async () => {
  await using dir = await tempDir();
  const versions = { dsv_1: [`{"id":"1"}`, `{"id":`, `[2]`] };
  const whole = datasetTree({
    ...{ id: "ds_1", path: "a/b", versions },
    ...{ deployed: "dsv_2", stated: 5 },
  });
  const { "files/ds_2/.done": _, ...incomplete } = datasetTree({
    ...{ id: "ds_2", path: "c", versions: {} },
  });
  const { code, files, losses, notes, err } = await datasetsOf(dir.path, [{
    ...whole,
    ...incomplete,
    "files/ds_1/datapoints/dsv_3/1.jsonl": `{"id":"9"}\n`,
  }]);
  assertEquals([code, notes], [3, []]);
  assertEquals(losses, [
    "ROOT/export-0/files/ds_1/datapoints/dsv_1/1.jsonl line 2 is not a JSON record (and 1 more there)",
    "ROOT/export-0/files/ds_1 holds 4, but the export states 3",
    "a/b: the Version that is deployed, dsv_2, is not in the export; the newest is taken instead",
    "a/b: dsv_1: the export holds 1 Datapoints, its Version states 5",
    "a/b: dsv_3: its Datapoints are in the export, but its document is not",
    "c: files/ds_2 is not complete in the export",
    "c: the export holds no Version of it",
  ]);
  assertEquals([...files.keys()].sort(), [
    ...["a/b.jsonl", "a/b@dsv_1.jsonl", "a/b@dsv_3.jsonl"],
  ]);
  assertEquals(files.get("a/b.jsonl"), files.get("a/b@dsv_1.jsonl"));
  const lines = err.trimEnd().split("\n").map((line) => JSON.parse(line));
  assertEquals(lines.map(({ level }) => level), losses.map(() => "WARN"));
});

Deno.test("gaps of Datasets are reported, those of Logs are not", async () => {
  await using dir = await tempDir();
  const entry = { type: "dataset", path: "a/b", state: "complete", counts: {} };
  const manifest = {
    ...{ tool: "hl-export", version: "0", startedAt: "", updatedAt: "" },
    settings: { apiUrl: "x", directoryId: null, logs: true, cutoff: null },
    state: "incomplete",
    files: { ds_1: { ...entry, state: "incomplete" } },
    gaps: [
      { fileId: "pr_1", part: "logs", reason: "no" },
      { fileId: "ds_1", part: "evaluations/e/stats.json", reason: "no" },
      {
        ...{ fileId: "ds_1", part: "datapoints/dsv_1", reason: "HTTP 500" },
        ...{ offset: 1, missing: 2 },
      },
    ],
  };
  const { "files/ds_1/.done": _, ...tree } = datasetTree({
    ...{ id: "ds_1", path: "a/b", versions: { dsv_1: [`{"id":"1"}`] } },
    stated: 3,
  });
  const { code, losses } = await datasetsOf(dir.path, [{
    ...tree,
    "export.json": JSON.stringify(manifest),
  }]);
  assertEquals([code, losses], [3, [
    "ROOT/export-0 ds_1 datapoints/dsv_1 (2 records from number 2): HTTP 500",
    "a/b: files/ds_1 is not complete in the export",
    "a/b: dsv_1: the export holds 1 Datapoints, its Version states 3",
  ]]);
});

Deno.test("exports that overlap give every Datapoint once, and both where they differ", async () => {
  await using dir = await tempDir();
  const tree = (...lines: string[]) => ({
    ...oneVersion(...lines),
    ...datasetTree({ id: "ds_2", path: "z", versions: { dsv_1: ["{}"] } }),
  });
  const { code, files, notes } = await datasetsOf(dir.path, [
    tree(`{"id":"1","inputs":{}}`, `{"id":"2","inputs":{}}`, "{}"),
    tree(`{"id":"1","inputs":{}}`, `{"id":"2","inputs":{"a":"b"}}`, "{}"),
  ]);
  const lines = files.get("a/b.jsonl")!.trimEnd().split("\n")
    .map((line: string) => JSON.parse(line))
    .map(({ id, input }: Record<string, unknown>) => [id, input]);
  assertEquals(lines, [
    ...[["1", {}], ["2", {}], [null, null], ["2", { a: "b" }], [null, null]],
  ]);
  assertEquals(code, 0);
  assert(
    notes.includes(
      "a/b: dsv_1: 1 of its Datapoints have the id of another one but other contents; all are written",
    ),
    notes.join("\n"),
  );
});

Deno.test("--format is one of three", async () => {
  await using dir = await tempDir();
  await writeTexts(dir.path, oneVersion());
  const { code, err } = await run([
    ...["datasets", dir.path, "--to", join(dir.path, "o"), "--format", "xml"],
  ]);
  assertEquals([code, err], [
    2,
    "error: --format must be jsonl, csv or promptfoo, not xml\n",
  ]);
});
