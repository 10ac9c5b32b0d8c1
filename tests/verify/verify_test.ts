import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { DEMO_KEY } from "../../src/cli/commands/demo.ts";
import { sampleWorkspace } from "../../src/demo/sample/sample.ts";
import type { Workspace } from "../../src/demo/workspace.ts";
import { MemoryDisk } from "../helpers/memory_disk.ts";
import {
  EXPORT_ARGS,
  MEMORY_EXPORT,
  MEMORY_OUTPUT,
  runInMemory,
} from "../helpers/memory_run.ts";

const logs = (length: number) =>
  Array.from({ length }, (_, i) => `{"id":"log_${i}"}`);
const workspace: Workspace = (() => {
  const { directories, files } = sampleWorkspace();
  const [first, ...rest] = files;
  const held = { ...first!, logs: logs(2_100), bareLogs: logs(2_100) };
  return { directories, files: [held, rest.find(isDataset)!] };
})();
function isDataset({ type }: { readonly type: string }): boolean {
  return type === "dataset";
}
const [prompt, dataset] = workspace.files;
const P = `files/${prompt!.id}`;
const D = `files/${dataset!.id}`;
const E = `${P}/evaluations/${prompt!.evaluations[0]!.id}`;
const at = (name: string) => `${MEMORY_EXPORT}/${name}`;

async function exported(args = EXPORT_ARGS): Promise<MemoryDisk> {
  const disk = new MemoryDisk();
  const { code, err } = await runInMemory(args, { disk, workspace });
  assertEquals(code, 0, err);
  return disk;
}

/** Returns what `verify` prints and ends with. */
async function verified(
  disk: MemoryDisk,
  args: readonly string[] = [],
  changed: Workspace = workspace,
) {
  return await runInMemory(["verify", MEMORY_EXPORT, ...args], {
    disk,
    workspace: changed,
  });
}

const text = (disk: MemoryDisk, name: string) =>
  new TextDecoder().decode(disk.get(at(name)));

Deno.test("a sound export: exit 0, and a summary of what was checked", async () => {
  const { code, out } = await verified(await exported());
  assertEquals(code, 0);
  assertStringIncludes(out, `Export is sound: ${MEMORY_EXPORT}`);
  assertStringIncludes(out, "2 complete, 0 not");
  assertStringIncludes(out, "2,100 Logs");
});

Deno.test("no export: exit 2, and one line that says what to give", async () => {
  const disk = new MemoryDisk();
  for (const args of [["verify"], ["verify", "/nowhere"]]) {
    const { code, err } = await runInMemory(args, { disk, workspace });
    assertEquals(code, 2);
    assert(/^error: .*exports\/20250606-120000\n$/.test(err), err);
  }
});

/** Each is reported as what it is, with sums or without. */
const DAMAGES: ReadonlyArray<
  readonly [name: string, (disk: MemoryDisk) => void, wanted: string]
> = [
  [
    "a line that is not JSON",
    (disk) =>
      disk.put(
        at(`${P}/logs/2.jsonl`),
        text(disk, `${P}/logs/2.jsonl`)
          .replace(`{"id":"log_1004"}`, `{"id":`),
      ),
    `${P}/logs/2.jsonl: line 5 is not a JSON record`,
  ],
  [
    "a record that is there twice",
    (disk) =>
      disk.put(
        at(`${P}/logs/3.jsonl`),
        text(disk, `${P}/logs/3.jsonl`)
          .replace(`"log_2007"`, `"log_3"`),
      ),
    `${P}/logs/3.jsonl: line 8 holds "log_3" a second time, after chunk 1, line 4`,
  ],
  [
    "a chunk that is not full before another",
    (disk) =>
      disk.put(
        at(`${P}/logs/1.jsonl`),
        text(disk, `${P}/logs/1.jsonl`)
          .replace(`{"id":"log_0"}\n`, ""),
      ),
    `${P}/logs/2.jsonl: comes after chunk 1, which is not full`,
  ],
  [
    "a chunk that is missing",
    (disk) => disk.put(at(`${P}/logs/2.jsonl`), null),
    `${P}/logs/3.jsonl: has no chunk 2 before it`,
  ],
  [
    "counts that differ from those of .done",
    (disk) => disk.put(at(`${P}/logs/3.jsonl`), null),
    `${P}/.done: says 2100 logs, but 2000 are there`,
  ],
  [
    "a last line without its end",
    (disk) =>
      disk.put(
        at(`${P}/logs/3.jsonl`),
        text(disk, `${P}/logs/3.jsonl`).trimEnd(),
      ),
    `${P}/logs/3.jsonl: ends in the middle of a line`,
  ],
  [
    "a Run that is missing",
    (disk) =>
      disk.put(at(`${E}/runs/${prompt!.evaluations[0]!.runs[0]!.id}`), null),
    `${E}/logs/1.jsonl: line 1 belongs to the Run "${
      prompt!.evaluations[0]!.runs[0]!.id
    }", which is not on disk`,
  ],
  [
    "stats that are missing",
    (disk) => disk.put(at(`${E}/stats.json`), null),
    `${E}/stats.json: is missing`,
  ],
  [
    "a Version that is missing",
    (disk) => disk.put(at(`${P}/versions/${prompt!.versions[0]!.id}`), null),
    `${P}/deployments.json: names the Version ${
      prompt!.versions[0]!.id
    }, which is not on disk`,
  ],
  [
    "a Dataset's Version that is missing",
    (disk) => disk.put(at(`${D}/versions/${dataset!.versions[0]!.id}`), null),
    `${D}/datapoints/${
      dataset!.versions[0]!.id
    }: belongs to a Version that is not on disk`,
  ],
  [
    "a document of another id",
    (disk) => disk.put(at(`${P}/file.json`), text(disk, `${D}/file.json`)),
    `${P}/file.json: is not ${prompt!.id}: its id is different`,
  ],
  [
    "a File that is not complete",
    (disk) => disk.put(at(`${P}/.done`), null),
    `${P}: is not complete (${JSON.parse(prompt!.text).path})`,
  ],
  [
    "a file that does not belong there",
    (disk) => disk.put(at(`${P}/notes.txt`), "mine"),
    `${P}/notes.txt: does not belong here`,
  ],
  [
    "an export.json that says something else",
    (disk) =>
      disk.put(
        at("export.json"),
        text(disk, "export.json")
          .replace(`"logs":2100`, `"logs":2099`),
      ),
    `export.json: says that ${prompt!.id} has 2099 logs, but 2100 are there`,
  ],
];
for (const [name, damage, wanted] of DAMAGES) {
  Deno.test(`verify finds ${name}`, async () => {
    const disk = await exported();
    damage(disk);
    const { code, out } = await verified(disk);
    assertEquals(code, 4);
    const lines = out.split("\n");
    assert(lines.some((line) => line.startsWith(wanted)), out);
    const problems = lines.slice(
      0,
      lines.findIndex((line) => / in \/exp/.test(line)),
    );
    const paths = problems.map((line) => line.split(": ")[0]!);
    assertEquals(paths, paths.toSorted(), "in a stable order");
    assert(/^ {2}To do {4}\S/m.test(out), "it says what to do");
  });
}

Deno.test("what verify advises repairs the export", async () => {
  const disk = await exported();
  disk.put(at(`${P}/logs/2.jsonl`), null);
  disk.put(at(`${P}/.done`), null);
  const resume = ["--resume", MEMORY_EXPORT, "--quiet"];
  assertEquals((await runInMemory(resume, { disk, workspace })).code, 0);
  const { code, out } = await verified(disk);
  assertEquals(code, 0, out);
});

/** Makes an export as the official script leaves it, with its known defects. */
function officialExport(): MemoryDisk {
  const disk = new MemoryDisk();
  const put = (name: string, lines: readonly string[]) =>
    disk.put(at(name), lines.map((line) => `${line}\n`).join(""));
  const prompt = (id: string) => {
    disk.put(at(`files/${id}/file.json`), `{"id": "${id}"}`);
    disk.put(
      at(`files/${id}/versions/prv_1`),
      `{"version_id": "prv_1", "environments": []}`,
    );
    disk.put(at(`files/${id}/deployments.json`), "[]");
    disk.put(at(`files/${id}/.done`), "Export completed\n");
  };
  disk.put(at("export.log"), "2025-06-06 12:00:00.000 | INFO | done\n");
  prompt("pr_sound");
  put("files/pr_sound/logs/1.jsonl", logs(400));
  prompt("pr_first");
  put("files/pr_first/logs/1.jsonl", logs(1_001));
  put("files/pr_first/logs/2.jsonl", [`{"id": "log_x", "score": Infinity}`]);
  prompt("pr_stale");
  put("files/pr_stale/logs/1.jsonl", logs(400));
  put("files/pr_stale/logs/2.jsonl", [`{"id":"log_7"}`]);
  prompt("pr_parts");
  disk.put(
    at("files/pr_parts/evaluations/evr_1/evaluation.json"),
    `{"id":"evr_1"}`,
  );
  disk.put(at("files/ds_begun/file.json"), `{"id": "ds_begun"}`);
  disk.put(at("files/tl_bare/file.json"), `{"id": "tl_bare"}`);
  disk.put(at("files/tl_bare/.done"), "Export completed\n");
  return disk;
}

Deno.test("the official script's defects are named, and so is what cannot be known", async () => {
  const { code, out } = await verified(officialExport());
  assertEquals(code, 4);
  const problems = out.split("\n").filter((line) => line.startsWith("files/"));
  assertEquals(
    problems.map((line) => line.split("; ")[0]),
    [
      "files/ds_begun: is not complete",
      "files/pr_first/logs/2.jsonl: line 1 is not JSON: the official script writes NaN and Infinity for numbers that it cannot hold",
      "files/pr_parts/evaluations/evr_1/stats.json: is missing",
      "files/pr_stale/logs/2.jsonl: comes after chunk 1, which is not full: a leftover of an earlier run of the official script",
      `files/pr_stale/logs/2.jsonl: line 1 holds "log_7" a second time, after chunk 1, line 8`,
    ],
  );
  assertStringIncludes(out, "whether Logs are missing cannot be seen in it");
});

Deno.test("--remote: an export like the workspace is sound, one that lacks something says which File", async () => {
  const disk = await exported();
  const args = ["--remote"];
  const same = await verified(disk, args);
  assertEquals([same.code, same.err], [0, ""], same.out);
  assertStringIncludes(
    same.out,
    "Same counts as the API: everything\n",
  );
  const more = {
    ...workspace,
    files: [{ ...prompt!, logs: logs(2_103), bareLogs: logs(2_103) }, dataset!],
  };
  const { code, out } = await verified(disk, args, more);
  assertEquals(code, 4);
  assertStringIncludes(
    out,
    `${P}/logs: holds 2100 records, the API has 2103`,
  );
  assertStringIncludes(out, `Different from the API: ${P}`);
});

Deno.test("--remote: Files that came or went are reported, a refused key is exit 5", async () => {
  const disk = await exported();
  const other = sampleWorkspace().files.at(-1)!;
  const { code, out } = await verified(disk, ["--remote"], {
    ...workspace,
    files: [dataset!, other],
  });
  assertEquals(code, 4);
  assertStringIncludes(out, `${P}: is no longer listed by the API`);
  assertStringIncludes(out, `files/${other.id}: is listed by the API`);
  const refused = await runInMemory(["verify", MEMORY_EXPORT, "--remote"], {
    disk,
    workspace,
    key: `${DEMO_KEY}x`,
  });
  assertEquals(refused.code, 5);
  assertStringIncludes(refused.err, "refused the key");
});

Deno.test("each gap of an incomplete export is reported", async () => {
  const disk = new MemoryDisk();
  const before = (url: URL) =>
    url.pathname.endsWith("/stats")
      ? Response.json({ detail: "none" }, { status: 404 })
      : undefined;
  const ended = await runInMemory(EXPORT_ARGS, { disk, workspace, before });
  assertEquals(ended.code, 3);
  const { code, out } = await verified(disk);
  assertEquals(code, 4);
  assertStringIncludes(
    out,
    `export.json: lists as missing: ${prompt!.id} evaluations/`,
  );
  assertEquals([...disk.files(MEMORY_OUTPUT).keys()].length > 5, true);
});

Deno.test("what a run set aside is named as what it is, and makes the export incomplete", async () => {
  const disk = await exported();
  const [version] = prompt!.versions;
  disk.put(at(`${P}/logs.old/1.jsonl`), '{"id":"log_of_before"}\n');
  disk.put(at(`${P}/versions/prv_before.old-2`), `{"id":"prv_before"}`);
  disk.put(at(`${P}/versions/${version!.id}.old`), "{}");
  disk.put(at("directories.json.old"), "[]");
  const { code, out } = await verified(disk, ["--json"]);
  assertEquals(code, 4);
  const reported = JSON.parse(out).problems
    .map(({ path, message }: Record<string, string>) => `${path} ${message}`);
  const before = (name: string) =>
    `holds an earlier ${name}, of which the API no longer has everything`;
  assertEquals(
    reported,
    [
      `directories.json.old ${before("directories.json")}`,
      `${P}/logs.old ${before("logs")}`,
      `${P}/versions/prv_before.old-2 ${before("prv_before")}`,
      `${P}/versions/${version!.id}.old ${before(version!.id)}`,
    ].sort(),
  );
});

Deno.test("the journal of an unfinished run holds its sums: what differs from them is reported", async () => {
  const disk = await exported();
  const sums = text(disk, "SHA256SUMS");
  disk.put(at("SHA256SUMS"), null);
  const dropped = `-  ${D}/deployments.json\n`;
  const unknown = `?  ${D}/file.json\n# 12  ${D}/fi`;
  disk.put(at("SHA256SUMS.journal"), sums + dropped + unknown);
  disk.put(at("export.log"), text(disk, "export.log") + "more\n");
  const deployments = text(disk, `${D}/deployments.json`);
  disk.put(at(`${D}/deployments.json`), `${deployments} `);
  disk.put(at(`${P}/file.json`), text(disk, `${P}/file.json`) + " ");
  const { code, out } = await verified(disk);
  assertEquals(code, 4);
  const lines = out.split("\n").filter((line) => /^(files|SHA|exp)/.test(line));
  assertEquals(
    lines.map((line) => line.replace(/it has .*/, "")).sort(),
    [
      "SHA256SUMS: is missing",
      "SHA256SUMS.journal: is left over from a run that did not end",
      "export.log: has no sum in SHA256SUMS",
      `${D}/deployments.json: has no sum in SHA256SUMS`,
      `${D}/file.json: has no sum in SHA256SUMS`,
      `${P}/file.json: is not what was written: `,
    ].sort(),
  );
});
