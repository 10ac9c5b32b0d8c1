/** `--shard`: several machines export a part each, and the parts make the whole. */
import {
  assert,
  assertEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { UsageError } from "../../src/core/errors.ts";
import { sampleWorkspace } from "../../src/demo/sample/sample.ts";
import { readFilters } from "../../src/cli/options/filters.ts";
import { filtersText, wantsFile } from "../../src/core/filters.ts";
import { NO_FILTERS } from "../../src/core/filters.ts";
import { MemoryDisk } from "../helpers/memory_disk.ts";
import {
  EXPORT_ARGS,
  MEMORY_EXPORT,
  runInMemory,
} from "../helpers/memory_run.ts";
import { expectedTree } from "../helpers/tree.ts";

const workspace = sampleWorkspace();
const SHARDS = 3;

Deno.test("a shard is one of several parts", () => {
  const { shard } = readFilters({ shard: "2/5" }, 0)!;
  assertEquals(shard, { index: 2, of: 5 });
  assertEquals(filtersText({ ...NO_FILTERS, shard }), "--shard 2/5");
  for (const shard of ["0/5", "6/5", "5", "1/0", "a/b", "-1/5", "1/2/3"]) {
    assertThrows(
      () => readFilters({ shard }, 0),
      UsageError,
      `such as 2/5 for the second of five, not ${shard}`,
    );
  }
});

Deno.test("the shards are disjoint, together complete, of about one size, and always the same", () => {
  const ids = Array.from({ length: 5_000 }, (_, i) => `pr_${i}`);
  for (const count of [1, 2, 5, 16]) {
    const parts = Array.from({ length: count }, (_, i) => {
      const shard = { index: i + 1, of: count };
      return ids.filter((id) =>
        wantsFile({ ...NO_FILTERS, shard }, { id, type: "prompt", path: null })
      );
    });
    assertEquals(parts.flat().toSorted(), ids.toSorted());
    for (const { length } of parts) {
      const even = ids.length / count;
      assert(Math.abs(length - even) < even / 4, `${length} of ${even}`);
    }
  }
  const third = { ...NO_FILTERS, shard: { index: 1, of: 3 } };
  const wanted = workspace.files.filter((file) =>
    wantsFile(third, { ...file, path: null })
  );
  assertEquals(wanted.map(({ id }) => id), FIRST_THIRD);
});
/** As the first release divided them: a division that changes loses Files. */
const FIRST_THIRD = [
  "pr_b3wt49YjjCYo3EP7rEj3c",
  "ds_MjelMUS97grHfPQzixEsQ",
  "ev_CPb8risUxfFt8Gy0qAlRQ",
  "ag_9BwFLDNxjAmyumzsUjQZW",
];

/** Exports all shards and merges them by hand, as earlier versions asked for. */
async function merged(): Promise<MemoryDisk> {
  const whole = new MemoryDisk();
  for (let index = 1; index <= SHARDS; index++) {
    const disk = new MemoryDisk();
    const args = [...EXPORT_ARGS, "--shard", `${index}/${SHARDS}`];
    const { code } = await runInMemory(args, { disk, workspace });
    assertEquals(code, 0);
    for (const name of disk.files(MEMORY_EXPORT).keys()) {
      const prefix = name.startsWith("files/") ? "" : `shards/${index}/`;
      whole.put(
        `/whole/${prefix}${name}`,
        disk.get(`${MEMORY_EXPORT}/${name}`),
      );
    }
  }
  return whole;
}

const verify = (disk: MemoryDisk, ...args: string[]) =>
  runInMemory(["verify", "/whole", ...args], { disk, workspace });

Deno.test("the shards' files together are those of one export, and verify accepts the whole", async () => {
  const disk = await merged();
  const { code, out } = await verify(disk, "--remote");
  assertEquals(code, 0, out);
  assertStringIncludes(out, "Export is sound: /whole");
  assertStringIncludes(out, "14 complete, 0 not");
  assertStringIncludes(
    out,
    "Same counts as the API: all, only --shard 1/3",
  );
  const tree = new Map(
    [...disk.files("/whole")].filter(([name]) =>
      name.startsWith("files/") && !name.endsWith("index.html")
    ),
  );
  const wanted = expectedTree(workspace, { logs: true });
  wanted.delete("directories.json");
  assertEquals(tree, wanted);
});

Deno.test("merged shards of another API are refused before anything is asked", async () => {
  const disk = await merged();
  let requests = 0;
  const { code, err } = await runInMemory(
    ["verify", "/whole", "--remote", "--api-url", "http://127.0.0.2/v5"],
    { disk, workspace, before: () => (requests++, undefined) },
  );
  assertEquals([code, requests], [2, 0]);
  assertStringIncludes(err, "this export is from http://127.0.0.1/v5");
});

Deno.test("one shard is sound by itself, resumes as itself, and the plans of all are that of the whole", async () => {
  const disk = new MemoryDisk();
  const options = { disk, workspace };
  const first = ["--shard", `1/${SHARDS}`];
  await runInMemory([...EXPORT_ARGS, ...first], options);
  const { code, out } = await runInMemory(
    ["verify", MEMORY_EXPORT, "--remote"],
    options,
  );
  assertEquals(code, 0, out);
  const resume = ["--resume", MEMORY_EXPORT];
  const second = await runInMemory(resume, options);
  assertStringIncludes(second.out, "only --shard 1/3");
  assertStringIncludes(second.out, "0 exported, 4 skipped");
  const other = await runInMemory([...resume, "--shard", "2/3"], options);
  assertEquals(other.code, 2);
  assertStringIncludes(
    other.err,
    "this export was started with --shard 1/3, not with",
  );
  let files = 0;
  for (let index = 1; index <= SHARDS; index++) {
    const plan = await runInMemory([
      ...["plan", "--json", "--api-url", "http://127.0.0.1/v5"],
      ...["--shard", `${index}/${SHARDS}`],
    ], options);
    files += JSON.parse(plan.out).total.files;
  }
  assertEquals(files, workspace.files.length);
});

Deno.test("merged shards have one overview, which is complete when all of them are", async () => {
  const disk = await merged();
  const page = async () => {
    const { code } = await runInMemory(["index", "/whole"], {
      disk,
      workspace,
    });
    assertEquals(code, 0);
    return new TextDecoder().decode(disk.get("/whole/index.html"));
  };
  const whole = await page();
  assertStringIncludes(whole, "14 Files · started");
  assertStringIncludes(whole, "with Logs · complete");
  assert(!whole.includes("--shard"), "the whole is of no shard");
  assert(!whole.includes("not complete"));
  assertEquals((await verify(disk)).code, 0);
  const { id } = workspace.files[0]!;
  disk.put(`/whole/files/${id}/.done`, null);
  assertStringIncludes(await page(), "This export is not complete");
});

function edit(disk: MemoryDisk, path: string, from: string, to: string): void {
  const text = new TextDecoder().decode(disk.get(path));
  disk.put(path, text.replace(from, to));
}

const DAMAGES: ReadonlyArray<
  readonly [name: string, (disk: MemoryDisk) => void, wanted: string]
> = [
  ["a shard that is not there", (disk) => {
    for (const name of disk.files("/whole/shards/2").keys()) {
      disk.put(`/whole/shards/2/${name}`, null);
    }
  }, "shards/2/export.json: is missing"],
  ["a shard that is there twice", (disk) => {
    for (const name of disk.files("/whole/shards/2").keys()) {
      const bytes = disk.get(`/whole/shards/2/${name}`);
      disk.put(`/whole/shards/4/${name}`, bytes);
    }
  }, "shards/4/export.json: is shard 2/3, which is given twice"],
  [
    "a shard of another export",
    (disk) =>
      edit(disk, "/whole/shards/3/export.json", '"logs":true', '"logs":false'),
    "shards/3/export.json: belongs to another export than /whole/shards/1/",
  ],
  ["a File that a shard has and the whole has not", (disk) => {
    const [file] = workspace.files;
    for (const name of disk.files(`/whole/files/${file!.id}`).keys()) {
      disk.put(`/whole/files/${file!.id}/${name}`, null);
    }
  }, `files/${workspace.files[0]!.id}: is not complete`],
  [
    "a byte that is another",
    (disk) =>
      edit(
        disk,
        `/whole/files/${workspace.files[0]!.id}/file.json`,
        '"name"',
        '"nAme"',
      ),
    "its SHA-256 differs",
  ],
  ["a shard without its sums", (disk) => {
    disk.put("/whole/shards/1/SHA256SUMS", null);
  }, "shards/1/SHA256SUMS: is missing"],
  ["a file that no shard has", (disk) => {
    disk.put("/whole/shards/1/notes.txt", "");
  }, "shards/1/notes.txt: does not belong here"],
  [
    "a shard that is not complete",
    (disk) =>
      edit(disk, "/whole/shards/2/export.json", '"complete"', '"running"'),
    "shards/2/export.json: says that it is running",
  ],
];

for (const [name, damage, wanted] of DAMAGES) {
  Deno.test(`merged shards: ${name} is reported`, async () => {
    const disk = await merged();
    damage(disk);
    const { code, out } = await verify(disk);
    assertEquals(code, 4);
    assertStringIncludes(out, wanted);
  });
}

Deno.test("a resume makes one plain export of merged shards, and of their files alone", async () => {
  const all = await merged();
  const bare = all.copy();
  await bare.remove("/whole/shards");
  for (const disk of [all, bare]) {
    const args = ["--resume", "/whole", "--logs", "--api-url"];
    const { code, out } = await runInMemory(
      [...args, "http://127.0.0.1/v5"],
      { disk, workspace },
    );
    assertEquals(code, 0, out);
    assertStringIncludes(out, "0 exported, 14 skipped");
    const verdict = await verify(disk);
    assertEquals(verdict.code, 0, verdict.out);
  }
});

Deno.test("files alone are checked by their own .done, and verify says what it cannot see", async () => {
  const disk = await merged();
  await disk.remove("/whole/shards");
  const sound = await verify(disk);
  assertEquals(sound.code, 0, sound.out);
  assertStringIncludes(sound.out, "There is no export.json");
  const [file] = workspace.files;
  disk.put(`/whole/files/${file!.id}/versions/${file!.versions[0]!.id}`, null);
  const { code, out } = await verify(disk);
  assertEquals(code, 4);
  assertStringIncludes(out, ".done: says");
});
