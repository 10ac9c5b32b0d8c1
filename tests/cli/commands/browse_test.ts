/** `database` and `browse`, as a user types them. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { dirname, join } from "@std/path";
import { denoRuntime } from "../../../src/core/runtime/deno_runtime.ts";
import { sampleWorkspace } from "../../../src/demo/sample/sample.ts";
import { run } from "../../helpers/program.ts";
import { printedTerminal } from "../../helpers/terminal.ts";
import { tempDir } from "../../helpers/tree.ts";
import { exportTo } from "../../report/export_to.ts";

const { disk } = denoRuntime();

/** An export of one Prompt with these lines as its Logs. */
async function smallExport(dir: string, ...logs: string[]): Promise<string> {
  const root = join(dir, "20250606-120000");
  const files = {
    ".done": "",
    "file.json": '{"id":"pr_1","type":"prompt","path":"a/b"}',
    "deployments.json": "[]",
    "versions/prv_1": '{"version_id":"prv_1"}',
    "logs/1.jsonl": logs.map((line) => `${line}\n`).join(""),
  };
  for (const [name, text] of Object.entries(files)) {
    const path = join(root, "files/pr_1", name);
    await Deno.mkdir(dirname(path), { recursive: true });
    await Deno.writeTextFile(path, text);
  }
  return root;
}

const LOG = '{"id":"log_1","output":"hello"}';

async function namesIn(dir: string): Promise<readonly string[]> {
  const entries = await Array.fromAsync(Deno.readDir(dir));
  return entries.map(({ name }) => name).sort();
}

Deno.test("database makes one file in the newest export, says what is in it, and replaces it", async () => {
  await using dir = await tempDir();
  const root = await smallExport(dir.path, LOG);
  const args = ["database", "latest", "--output", dir.path];
  for (let i = 0; i < 2; i++) {
    const { code, out, err } = await run(args);
    assertEquals([code, err], [0, ""]);
    assertStringIncludes(out, `${join(root, "humanloop.db")} written: `);
    assert(/^ {2}logs +1 /m.test(out), out);
    assertEquals(await namesIn(root), ["files", "humanloop.db"]);
  }
  assertEquals((await run([...args, "--quiet"])).out, "");
});

Deno.test("database makes its file beside the files/ that was given, and none in it", async () => {
  await using dir = await tempDir();
  const root = await smallExport(dir.path, LOG);
  const files = join(root, "files");
  for (const given of [files, `${files}/`]) {
    assertEquals((await run(["database", given])).code, 0);
  }
  const to = join(root, "traces.jsonl");
  const { code, err } = await run(["otlp", files, "--to", to]);
  assertEquals(code, 2);
  assertStringIncludes(err, `${to} is inside the export`);
  assertEquals(await namesIn(root), ["files", "humanloop.db"]);
  assertEquals(await namesIn(files), ["pr_1"]);
});

Deno.test("database --json prints one document; what cannot be read is exit 3", async () => {
  await using dir = await tempDir();
  const root = await smallExport(dir.path, LOG, "no JSON");
  const to = join(dir.path, "my.db");
  const { code, out, err } = await run([
    ...["database", root, `${root}/`, "--to", to, "--json"],
  ]);
  const { rows, tookMs, bytes, bytesRead, compared, ...rest } = JSON.parse(out);
  assertEquals([code, err], [3, ""]);
  assertEquals(rest, {
    exitCode: 3,
    exportDirs: [root],
    path: to,
    problems: { notJson: 1 },
    incompleteFiles: 0,
    lacking: [],
  });
  assertEquals([rows.logs, rows.problems, Array.isArray(compared)], [
    ...[1, 1, true],
  ]);
  assert(tookMs >= 0 && bytes > 0 && bytesRead > 0);
  const quiet = await run(["database", root, "--to", to, "--quiet"]);
  assertEquals(quiet.code, 3);
  assertStringIncludes(quiet.out, "lines or documents that are not JSON");
});

for (const command of ["database", "browse"]) {
  Deno.test(`${command} --to replaces nothing but a database of this program`, async () => {
    await using dir = await tempDir();
    const root = await smallExport(dir.path, LOG);
    const foreign = join(dir.path, "foreign.db");
    await Deno.writeTextFile(foreign, "SQLite format 3\0".padEnd(200, "\0"));
    const others = [foreign, root, join(root, "files/pr_1/file.json")];
    for (const to of others) {
      const { code, out, err } = await run([command, root, "--to", to]);
      assertEquals([code, out], [2, ""]);
      assertStringIncludes(err, "is not a database of hl-export");
    }
    assertEquals((await Deno.stat(foreign)).size, 200);
    assertEquals(await namesIn(root), ["files"]);
  });

  Deno.test(`${command} --to puts no file into an export, where verify would report it`, async () => {
    await using dir = await tempDir();
    const root = await smallExport(dir.path, LOG);
    for (const name of ["files/x.db", "files/pr_1/logs/x.db", "x.db"]) {
      const { code, err } = await run([
        ...[command, root, "--to", join(root, name)],
      ]);
      assertEquals(code, 2);
      assertStringIncludes(err, "is inside the export");
    }
    assertEquals(await namesIn(root), ["files"]);
  });

  Deno.test(`${command} stops at Ctrl-C while it builds, and leaves nothing half-made`, async () => {
    await using dir = await tempDir();
    const root = await smallExport(dir.path, LOG);
    let press = () => {};
    const { code, err } = await run([command, root], {
      onInterrupt: (handler) => {
        press = handler;
        return () => {};
      },
      disk: {
        ...disk,
        open: (path, options) => {
          if (path.endsWith("1.jsonl")) press();
          return disk.open(path, options);
        },
      },
    });
    assertEquals([code, err], [130, "error: interrupted\n"]);
    assertEquals(await namesIn(root), ["files"]);
  });

  Deno.test(`${command} of a directory that is not an export is exit 2`, async () => {
    await using dir = await tempDir();
    const { code } = await run([command, dir.path]);
    assertEquals([code, await namesIn(dir.path)], [2, []]);
  });
}

Deno.test("database shows a bar with the bytes in a terminal, and removes it", async () => {
  await using dir = await tempDir();
  const root = await smallExport(dir.path, LOG);
  const terminal = { ...printedTerminal(), errIsTerminal: true };
  const { err } = await run(["database", root], { terminal });
  const { size } = await Deno.stat(join(root, "files/pr_1/logs/1.jsonl"));
  assert(size > 0);
  const shown = terminal.printed.err.split("\r\x1b[2K");
  assertEquals([err, shown.at(-1)], ["", ""]);
  assert(shown.some((line) => /^█+ making indexes · \d+ B of/.test(line)));
  assert(shown.every((line) => line.length < 80));
});

Deno.test("browse makes the database once, serves it, and ends with exit 0 at Ctrl-C", async () => {
  await using dir = await tempDir();
  await exportTo(join(dir.path, "export"), sampleWorkspace());
  for (const isFirst of [true, false]) {
    const served = Promise.withResolvers<string>();
    let printed = "";
    let press = () => {};
    const ended = run(["browse", join(dir.path, "export")], {
      terminal: {
        ...printedTerminal(),
        out: (text) => {
          printed += text;
          const url = /http:\S+/.exec(text)?.[0];
          if (url !== undefined) served.resolve(url);
        },
      },
      onInterrupt: (handler) => {
        press = handler;
        return () => {};
      },
    });
    const url = await served.promise;
    const response = await fetch(url);
    assertStringIncludes(await response.text(), "Classifier");
    if (isFirst) {
      const { port } = new URL(url);
      const args = ["browse", join(dir.path, "export"), "--port", port];
      const { code, err } = await run(args);
      assertEquals(code, 2);
      assertStringIncludes(err, `port ${port} is taken`);
    }
    press();
    assertEquals((await ended).code, 0);
    assertEquals(printed.includes("humanloop.db written"), isFirst);
  }
});

Deno.test("verify does not complain of a database in an export", async () => {
  await using dir = await tempDir();
  const demo = await run(["demo", "--output", dir.path, "--quiet"]);
  const root = demo.out.trim();
  assertEquals((await run(["database", root])).code, 0);
  for (const name of ["humanloop.db.part", "humanloop.db.part-journal"]) {
    await Deno.writeTextFile(join(root, name), "left of a build");
  }
  const { code, out } = await run(["verify", root]);
  assertEquals(code, 0, out);
  assertStringIncludes(out, "Export is sound");
});

Deno.test("database --to makes the directory of the file, and may name the one in the export", async () => {
  await using dir = await tempDir();
  const root = await smallExport(dir.path, LOG);
  for (const to of [join(dir.path, "a/b/c.db"), join(root, "humanloop.db")]) {
    const { code, out } = await run(["database", root, "--to", to]);
    assertEquals(code, 0);
    assertStringIncludes(out, `${to} written: `);
    assert((await Deno.stat(to)).isFile);
  }
});
