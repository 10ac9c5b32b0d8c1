import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { sampleWorkspace } from "../../src/demo/sample/sample.ts";
import type { DemoFile } from "../../src/demo/workspace.ts";
import { foldOf, namesInDirectory, safeName } from "../../src/prompts/names.ts";
import { MemoryDisk } from "../helpers/memory_disk.ts";
import {
  EXPORT_ARGS,
  MEMORY_EXPORT,
  runInMemory,
} from "../helpers/memory_run.ts";
import { exportTo } from "../report/export_to.ts";
import { run } from "../helpers/program.ts";
import { tempDir } from "../helpers/tree.ts";
import { Dice } from "../simulate/dice.ts";

const NAMES = [
  ...["foo", "foo.v1", "Foo", "FOO", "CON", "con.txt", "lpt1", "..", "."],
  ...["a b", " a", "a ", "a.", ".a", "a/b", "a\\b", 'a"b', "a<b>|?*:", "50%"],
  ...["%41", "A", "a", "@", "triage@prv_1", "%~", "é", "e\u0301", "É", ""],
  ...["配送", "📦", "\u202e", "\ud83d", "tab\t", "x".repeat(300), "ß", "ẞ"],
  ...["x".repeat(299) + "y", "é".repeat(300), "İ", "i", "ſ", "s", "S"],
];

/** Checks whether a file can have a name on Linux, macOS and Windows. */
function isSafe(name: string): boolean {
  return name !== "" && name !== "." && name !== ".." &&
    new TextEncoder().encode(name).length <= 140 &&
    !/[<>:"/\\|?*\p{Cc}\p{Cs}]/u.test(name) && !/^ |[ .]$/.test(name) &&
    !/^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i.test(name) &&
    name === name.normalize("NFC");
}

/** Reads the name that a file name was made from; `null` where it was cut. */
function originalName(safe: string): string | null {
  if (safe === "%") return "";
  if (safe.includes("%~")) return null;
  const bytes: number[] = [];
  for (let i = 0; i < safe.length;) {
    const escape = /^%([0-9A-F]{2})/.exec(safe.slice(i));
    if (escape !== null) {
      bytes.push(parseInt(escape[1]!, 16));
      i += 3;
    } else {
      const character = String.fromCodePoint(safe.codePointAt(i)!);
      bytes.push(...new TextEncoder().encode(character));
      i += character.length;
    }
  }
  return new TextDecoder().decode(new Uint8Array(bytes));
}

Deno.test("names are safe on every system, and can be read back", () => {
  for (const name of NAMES) {
    const safe = safeName(name);
    assert(isSafe(safe), `${JSON.stringify(name)} → ${safe}`);
    const back = originalName(safe);
    const isLost = name === "\ud83d" || safe.includes("%~");
    if (!isLost) assertEquals(back, name);
  }
  assertEquals(safeName("Ticket Classifier"), "Ticket Classifier");
  assertEquals(safeName("foo.v1"), "foo.v1");
  assertEquals(safeName("CON"), "%43ON");
  assertEquals(safeName(".."), "%2E%2E");
});

Deno.test("no two names of a directory are the same on a system that ignores case", () => {
  const names = new Set(NAMES);
  const files = namesInDirectory(names);
  const folds = [...files.values()].map(foldOf);
  assertEquals(new Set(folds).size, names.size);
  assertEquals([files.get("foo"), files.get("Foo"), files.get("FOO")], [
    "foo",
    "%46oo",
    "%46%4F%4F",
  ]);
  for (const [name, file] of files) {
    assert(isSafe(file), file);
    if (name !== "\ud83d" && !file.includes("%~")) {
      assertEquals(originalName(file), name);
    }
  }
});

Deno.test("generated names are safe and distinct too", () => {
  const pieces = [..."aAbB%@~./\\ :éÉ", "e\u0301", "con", "%41", "\u0000", "ſ"];
  for (let seed = 1; seed <= 300; seed++) {
    const dice = new Dice(seed);
    const names = new Set(
      Array.from(
        { length: 40 },
        () =>
          Array.from({ length: 1 + dice.below(6) }, () => dice.oneOf(pieces))
            .join(""),
      ),
    );
    const files = namesInDirectory(names);
    const folds = new Set([...files.values()].map(foldOf));
    assertEquals(folds.size, names.size, `seed ${seed}`);
    for (const [name, file] of files) {
      assert(isSafe(file), `seed ${seed}: ${file}`);
      assertEquals(originalName(file), name, `seed ${seed}`);
    }
  }
});

/** Makes a Prompt under a path, with one deployed Version and one other. */
function promptAt(model: DemoFile, id: string, path: string): DemoFile {
  const version = (v: string) => ({
    id: `${id}_${v}`,
    text: JSON.stringify({
      ...JSON.parse(model.versions[0]!.text),
      id,
      path,
      version_id: `${id}_${v}`,
    }),
  });
  const versions = [version("a"), version("b")];
  const text = versions[1]!.text;
  return {
    ...model,
    id,
    text,
    versions,
    evaluations: [],
    logs: [],
    bareLogs: [],
  };
}

Deno.test("every Version of an export is a file under its path, the deployed one by the plain name", async () => {
  const { directories, files } = sampleWorkspace();
  const paths = [
    "support/triage",
    "Support/triage",
    "a/../b",
    "x.prompt/y",
    "x",
  ];
  const workspace = {
    directories,
    files: [
      ...paths.map((path, i) => promptAt(files[0]!, `pr_${i}`, path)),
      promptAt(files[0]!, "pr_twin", "x"),
      ...files.filter(({ type }) => type === "agent" || type === "dataset"),
    ],
  };
  const disk = new MemoryDisk();
  const exported = await runInMemory(EXPORT_ARGS, { disk, workspace });
  assertEquals(exported.code, 0, exported.err);
  const args = ["prompts", MEMORY_EXPORT, "--to", "/out"];
  const { code, out } = await runInMemory(args, { disk, workspace });
  assertEquals(code, 0);
  assertStringIncludes(out, "of 7 Files (Prompts and Agents) written to /out");
  const written = [...disk.files("/out").keys()].sort();
  const prompts = written.filter((name) => name.endsWith(".prompt"));
  assertEquals(prompts, [
    "%53upport/triage.prompt",
    "%53upport/triage@pr_1_a.prompt",
    "a/%2E%2E/b.prompt",
    "a/%2E%2E/b@pr_2_a.prompt",
    "support/triage.prompt",
    "support/triage@pr_0_a.prompt",
    "x%2Eprompt/y.prompt",
    "x%2Eprompt/y@pr_3_a.prompt",
    "x%~pr_twin.prompt",
    "x%~pr_twin@pr_twin_a.prompt",
    "x.prompt",
    "x@pr_4_a.prompt",
  ]);
  assert(written.some((name) => name.endsWith(".agent")));
  const versions = JSON.parse(disk.files("/out").get("%versions.json")!);
  assertEquals(versions["support/triage.prompt"].version_id, "pr_0_b");
  const verified = await runInMemory(["verify", MEMORY_EXPORT], {
    disk,
    workspace,
  });
  assertEquals(verified.code, 0, verified.out);
});

Deno.test("%paths.json holds the full name of a file that was cut, as long as the file is there", async () => {
  const { directories, files } = sampleWorkspace();
  const path = `support/${"long ".repeat(60)}`;
  const textsOf = async (disk: MemoryDisk, path: string) => {
    const workspace = {
      directories,
      files: [promptAt(files[0]!, "pr_1", path)],
    };
    const output = new MemoryDisk();
    await runInMemory(EXPORT_ARGS, { disk: output, workspace });
    for (const name of output.files(MEMORY_EXPORT).keys()) {
      disk.put(`/in/${name}`, output.get(`${MEMORY_EXPORT}/${name}`));
    }
    const args = ["prompts", "/in", "--to", "/out"];
    assertEquals((await runInMemory(args, { disk, workspace })).code, 0);
    return disk.files("/out");
  };
  const disk = new MemoryDisk();
  const cut = await textsOf(disk, path);
  const paths: Record<string, string> = JSON.parse(cut.get("%paths.json")!);
  assertEquals(Object.values(paths), [path]);
  const [[name]] = Object.entries(paths) as [[string, string]];
  assert(cut.has(name) && name.includes("%~"), name);
  assertEquals((await textsOf(disk, "short")).has("%paths.json"), false);
});

Deno.test("prompts names the arguments that it needs, and writes nothing into an export", async () => {
  const disk = new MemoryDisk();
  const workspace = sampleWorkspace();
  await runInMemory(EXPORT_ARGS, { disk, workspace });
  for (
    const [args, words] of [
      [["prompts"], "prompts needs the directory of an export"],
      [["prompts", MEMORY_EXPORT], "prompts needs --to OUT"],
      [
        ["prompts", "/nowhere", "--to", "/out"],
        "there is no directory /nowhere",
      ],
      [
        ["prompts", MEMORY_EXPORT, "--to", `${MEMORY_EXPORT}/text`],
        "is inside the export",
      ],
    ] as const
  ) {
    const { code, err } = await runInMemory(args, { disk, workspace });
    assertEquals(code, 2);
    assertStringIncludes(err, words);
  }
});

Deno.test("prompts takes shards as one export: all files, and one list of them", async () => {
  await using dir = await tempDir();
  const dirs = ["pr_1", "pr_2"].map((id) => join(dir.path, `shard-${id}`));
  for (const [i, root] of dirs.entries()) {
    const id = `pr_${i + 1}`;
    const json = JSON.stringify({
      ...{ id, type: "prompt", path: `a/${id}`, version_id: "v1" },
      ...{ model: "m", endpoint: "complete", template: "Hi" },
    });
    const at = join(root, "files", id);
    await Deno.mkdir(join(at, "versions"), { recursive: true });
    for (const name of ["file.json", "versions/v1"]) {
      await Deno.writeTextFile(join(at, name), json);
    }
    await Deno.writeTextFile(join(at, "deployments.json"), "[]");
    await Deno.writeTextFile(join(at, ".done"), "");
  }
  const to = join(dir.path, "out");
  const args = ["prompts", ...dirs, "--to", to, "--json"];
  const { code, out } = await run(args);
  const { files, versions, exportDirs } = JSON.parse(out);
  assertEquals([code, files, versions, exportDirs], [0, 2, 2, dirs]);
  const list = await Deno.readTextFile(join(to, "%versions.json"));
  assertEquals(Object.keys(JSON.parse(list)), [
    ...["a/pr_1.prompt", "a/pr_2.prompt"],
  ]);
});

Deno.test("a path of 60 names of 90 characters is cut, and nothing is written beside the chosen directory", async () => {
  await using dir = await tempDir();
  const { directories, files } = sampleWorkspace();
  const names = Array.from({ length: 60 }, (_, i) => `${i}`.padEnd(90, "x"));
  const paths = [names.join("/"), [...names.slice(0, -1), "other"].join("/")];
  const workspace = {
    directories,
    files: [
      ...paths.map((path, i) => promptAt(files[0]!, `pr_${i}`, path)),
      promptAt(files[0]!, "pr_up", "../../outside"),
    ],
  };
  await exportTo(join(dir.path, "export"), workspace);
  const to = join(dir.path, "out");
  const { code, err } = await run(
    ["prompts", join(dir.path, "export"), "--to", to],
  );
  assertEquals([code, err], [0, ""]);
  const kept: Record<string, string> = JSON.parse(
    await Deno.readTextFile(join(to, "%paths.json")),
  );
  assertEquals(Object.values(kept), paths);
  for (const path of Object.keys(kept)) {
    assert(path.length <= 1_000 && path.startsWith(`${names[0]}/`), path);
    assertStringIncludes(await Deno.readTextFile(join(to, path)), "model: ");
  }
  await Deno.lstat(join(to, "%2E%2E/%2E%2E/outside.prompt"));
  const beside = await Array.fromAsync(Deno.readDir(dir.path));
  assertEquals(beside.map(({ name }) => name).sort(), ["export", "out"]);
});

Deno.test({
  name: "no text is written through a symbolic link in the chosen directory",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    await using dir = await tempDir();
    const { directories, files } = sampleWorkspace();
    const workspace = {
      directories,
      files: [promptAt(files[0]!, "pr_1", "support/triage")],
    };
    await exportTo(join(dir.path, "export"), workspace);
    const to = join(dir.path, "out");
    await Deno.mkdir(to);
    await Deno.mkdir(join(dir.path, "outside"));
    await Deno.symlink(join(dir.path, "outside"), join(to, "support"));
    const { code, err } = await run(
      ["prompts", join(dir.path, "export"), "--to", to],
    );
    assertEquals(code, 2);
    assertStringIncludes(err, "cannot write through the symbolic link");
    const outside = await Array.fromAsync(
      Deno.readDir(join(dir.path, "outside")),
    );
    assertEquals(outside, []);
  },
});

Deno.test("prompts and index report what they cannot read, with exit 3", async () => {
  const workspace = sampleWorkspace();
  const prompts = workspace.files.filter(({ type }) => type === "prompt");
  const [first, second] = prompts;
  const disk = new MemoryDisk();
  const options = { disk, workspace };
  await runInMemory(EXPORT_ARGS, options);
  const whole = await runInMemory(
    ["prompts", MEMORY_EXPORT, "--to", "/whole"],
    options,
  );
  assertEquals(whole.code, 0);
  disk.put(`${MEMORY_EXPORT}/files/${first!.id}/file.json`, "{");
  await disk.remove(`${MEMORY_EXPORT}/files/${second!.id}/versions`);
  const warnings = [
    `files/${first!.id}/file.json is not JSON`,
    `files/${second!.id}/versions holds 0 of ${
      second!.versions.length
    } Versions`,
  ];
  const commands = [
    ["prompts", MEMORY_EXPORT, "--to", "/out"],
    ["index", MEMORY_EXPORT],
  ];
  for (const args of commands) {
    const { code, err } = await runInMemory(args, options);
    assertEquals(code, 3);
    for (const warning of warnings) assertStringIncludes(err, warning);
  }
  const versions = (dir: string) =>
    [...disk.files(dir).keys()].filter((name) => /[.]prompt$/.test(name));
  assertEquals(
    versions("/out").length,
    versions("/whole").length - second!.versions.length,
  );
});
