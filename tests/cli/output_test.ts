/** Runs real processes whose output cannot be written. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { DEMO_KEY } from "../../src/cli/commands/demo.ts";
import { sampleWorkspace } from "../../src/demo/sample/sample.ts";
import { serveDemo } from "../../src/demo/server.ts";
import { onlyExport, tempDir } from "../helpers/tree.ts";
import { run } from "../helpers/program.ts";
import config from "../../deno.json" with { type: "json" };

const MAIN = fromFileUrl(new URL("../../main.ts", import.meta.url));
const CONFIG = fromFileUrl(new URL("../../deno.json", import.meta.url));
const isUnix = Deno.build.os !== "windows";
const workspace = sampleWorkspace();

/** Starts a shell's script, in which `"$@"` is the program and arguments. */
function shell(
  script: string,
  args: readonly string[],
  cwd: string,
): Deno.ChildProcess {
  const options = config.tasks.export.split(" ")
    .filter((word) => word.startsWith("--"));
  const program = [Deno.execPath(), "run", "--no-check", "--config", CONFIG];
  return new Deno.Command("sh", {
    args: ["-c", script, "sh", ...program, ...options, MAIN, ...args],
    cwd,
    env: { NO_COLOR: "1", HUMANLOOP_API_KEY: DEMO_KEY },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

async function ended(child: Deno.ChildProcess) {
  const { code, stdout, stderr } = await child.output();
  const decoder = new TextDecoder();
  return { code, out: decoder.decode(stdout), err: decoder.decode(stderr) };
}

const OUTPUTS = [
  ["a full disk for stderr", '"$@" 2>/dev/full'],
  ["a closed stderr", '"$@" 2>&-'],
  ["a full disk for stdout", '"$@" >/dev/full'],
  ["a closed stdout", '"$@" >&-'],
  ["a full disk for both", '"$@" >/dev/full 2>&1'],
  [
    "a reader of stderr that has ended",
    '{ { "$@" 3>&- 2>&4 4>&-; echo $? >&3; } 4>&1 >/dev/null | true; } 3>code; exit $(cat code)',
  ],
] as const;
for (const [name, script] of OUTPUTS) {
  Deno.test({
    name: `${name} does no harm: the export is whole, and exit 0`,
    ignore: Deno.build.os !== "linux",
    fn: async () => {
      await using dir = await tempDir();
      await using server = serveDemo(workspace, { key: DEMO_KEY });
      const args = ["--logs", "--verbose", "--api-url", server.url];
      const { code, err } = await ended(shell(script, args, dir.path));
      assertEquals(code, 0, err);
      const root = await onlyExport(join(dir.path, "exports"));
      assertEquals((await run(["verify", root])).code, 0);
      if (name === "a full disk for stdout") {
        assertStringIncludes(err, "warn: cannot write to standard output: ");
        assert(!err.includes("internal error"), err);
      }
    },
  });
}

Deno.test({
  name: "verify on a full disk for stdout keeps exit 4, and says it once",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    await using dir = await tempDir();
    const files = join(dir.path, "files", "pr_1");
    await Deno.mkdir(files, { recursive: true });
    await Deno.writeTextFile(join(files, ".done"), "");
    const script = '"$@" >/dev/full';
    const { code, err } = await ended(shell(script, ["verify", "."], dir.path));
    assertEquals(code, 4);
    assertEquals(err.split("\n").length, 2, err);
    assertStringIncludes(err, "warn: cannot write to standard output: ");
  },
});

Deno.test({
  name: "nohup: SIGHUP, ignored at the start, does not end an export",
  ignore: !isUnix,
  fn: async () => {
    await using dir = await tempDir();
    const child = Promise.withResolvers<Deno.ChildProcess>();
    let requests = 0;
    await using server = serveDemo(workspace, {
      key: DEMO_KEY,
      before: async () => {
        if (++requests === 20) (await child.promise).kill("SIGHUP");
        return undefined;
      },
    });
    const args = ["--logs", "--api-url", server.url];
    const script = `trap "" HUP; exec "$@"`;
    child.resolve(shell(script, args, dir.path));
    const { code, out, err } = await ended(await child.promise);
    assertEquals(code, 0, err);
    assertStringIncludes(out, "Export complete");
  },
});
