/** Who may work in an export's directory, who may read it, and what it may hold. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { walk } from "@std/fs";
import { dirname, join } from "@std/path";
import { denoRuntime } from "../../src/core/runtime/deno_runtime.ts";
import { DEMO_KEY } from "../../src/cli/commands/demo.ts";
import { sampleWorkspace } from "../../src/demo/sample/sample.ts";
import { serveDemo } from "../../src/demo/server.ts";
import { openExportDir } from "../../src/tree/export_dir.ts";
import { run } from "../helpers/program.ts";
import { onlyExport, tempDir } from "../helpers/tree.ts";

const { disk } = denoRuntime();
const ignore = Deno.build.os === "windows";
const workspace = (() => {
  const { directories, files } = sampleWorkspace();
  return { directories, files: files.slice(0, 1) };
})();
const ID = workspace.files[0]!.id;
const env = { HUMANLOOP_API_KEY: DEMO_KEY, EXPORT_LOGS: "true" };

/** Makes an export of one Prompt on the real disk. */
async function exported(dir: string): Promise<string> {
  await using server = serveDemo(workspace, { key: DEMO_KEY });
  const output = join(dir, "out");
  const args = ["--quiet", "--output", output, "--api-url", server.url];
  const { code, err } = await run(args, { env });
  assertEquals(code, 0, err);
  return await onlyExport(output);
}

/** Reads everything below a directory: texts of files, and what else there is. */
async function snapshot(root: string): Promise<Record<string, string>> {
  const entries: Record<string, string> = {};
  for await (const { path, isFile, isSymlink } of walk(root)) {
    entries[path.slice(root.length)] = isSymlink
      ? "link"
      : isFile
      ? await Deno.readTextFile(path)
      : "other";
  }
  return entries;
}

const LINKS: ReadonlyArray<readonly [path: string, isDir: boolean]> = [
  [`files/${ID}`, true],
  [`files/${ID}/versions`, true],
  [`files/${ID}/logs`, true],
  [`files/${ID}/evaluations`, true],
  ["files", true],
  ["export.log", false],
  [`files/${ID}/file.json.part`, false],
  ["SHA256SUMS.journal", false],
  [`files/${ID}/file.json`, false],
];

for (const [path, isDir] of LINKS) {
  Deno.test({
    name: `a symbolic link as ${
      path.replace(ID, "<id>")
    }: verify names it, a resume writes nothing`,
    ignore,
    fn: async () => {
      await using dir = await tempDir();
      const root = await exported(dir.path);
      await Deno.remove(join(root, `files/${ID}/.done`));
      const outside = join(dir.path, "outside");
      if (isDir) {
        await Deno.rename(join(root, path), outside);
      } else {
        await Deno.remove(join(root, path)).catch(() => {});
        await Deno.writeTextFile(outside, "mine");
      }
      await Deno.symlink(outside, join(root, path));
      await assertRefused(root, path, dir.path, "is a symbolic link");
    },
  });
}

Deno.test({
  name:
    "a dangling link as a Version: verify names it, a resume writes nothing",
  ignore,
  fn: async () => {
    await using dir = await tempDir();
    const root = await exported(dir.path);
    const path = `files/${ID}/versions/prv_x`;
    await Deno.symlink(join(dir.path, "nowhere"), join(root, path));
    await assertRefused(root, path, dir.path, "is a symbolic link");
  },
});

const FIFOS = [
  `files/${ID}/file.json`,
  `files/${ID}/logs/1.jsonl`,
  "export.json",
  "export.log",
  "SHA256SUMS",
];

for (const path of FIFOS) {
  Deno.test({
    name: `a FIFO as ${
      path.replace(ID, "<id>")
    }: verify names it, a resume writes nothing, and neither hangs`,
    ignore,
    fn: async () => {
      await using dir = await tempDir();
      const root = await exported(dir.path);
      await Deno.remove(join(root, path));
      const args = ["-c", 'mkfifo "$1"', "sh", join(root, path)];
      const made = await new Deno.Command("sh", { args }).output();
      assert(made.success);
      await assertRefused(root, path, dir.path, "is a FIFO");
    },
  });
}

async function assertRefused(
  root: string,
  path: string,
  all: string,
  words: string,
): Promise<void> {
  const before = await snapshot(all);
  const verified = await run(["verify", root]);
  assertEquals(verified.code, 4, verified.out + verified.err);
  assertStringIncludes(verified.out, `${path}: ${words}`);
  await using server = serveDemo(workspace, { key: DEMO_KEY });
  const args = ["--resume", root, "--api-url", server.url];
  const resumed = await run(args, { env });
  assertEquals(resumed.code, 2, resumed.err);
  assertStringIncludes(resumed.err, `${path} ${words}`);
  assertEquals(await snapshot(all), before);
}

Deno.test({
  name:
    "a directory where a file belongs is a problem of verify's, and no defect",
  ignore,
  fn: async () => {
    await using dir = await tempDir();
    const root = await exported(dir.path);
    for (const path of ["export.json", "SHA256SUMS", `files/${ID}/file.json`]) {
      const at = join(root, path);
      const text = await Deno.readTextFile(at);
      await Deno.remove(at);
      await Deno.mkdir(at);
      const { code, out, err } = await run(["verify", root]);
      assertEquals([code, err], [4, ""]);
      assertStringIncludes(out, `${path}: `);
      await Deno.remove(at);
      await Deno.writeTextFile(at, text);
    }
  },
});

Deno.test({
  name: "what is made is for its owner only: directories 0700, files 0600",
  ignore,
  fn: async () => {
    await using dir = await tempDir();
    const root = await exported(dir.path);
    const to = join(dir.path, "prompts/new");
    assertEquals((await run(["prompts", root, "--to", to])).code, 0);
    for (const made of [dirname(root), join(dir.path, "prompts")]) {
      for await (const { path, isDirectory } of walk(made)) {
        const mode = (await Deno.lstat(path)).mode! & 0o777;
        if (isDirectory) assertEquals(mode.toString(8), "700", path);
        else if (path === join(root, "export.log")) {
          assertEquals(mode.toString(8), "600", path);
        }
      }
    }
  },
});

Deno.test({
  name: "an export.log that is moved away lets no second run in",
  ignore,
  fn: async () => {
    await using dir = await tempDir();
    const root = await exported(dir.path);
    const first = await openExportDir(disk, root);
    try {
      await Deno.rename(join(root, "export.log"), join(root, "export.log.1"));
      const { code, err } = await run(["--resume", root], { env });
      assertEquals(code, 2);
      assertStringIncludes(err, "another run is at work on");
      assertEquals((await run(["index", root])).code, 2);
    } finally {
      first.log.close();
    }
    const second = await openExportDir(disk, root);
    second.log.close();
  },
});
