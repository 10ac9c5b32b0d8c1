import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { DEMO_KEY } from "../../src/cli/commands/demo.ts";
import { sampleWorkspace } from "../../src/demo/sample/sample.ts";
import { serveDemo } from "../../src/demo/server.ts";
import { denoRuntime } from "../../src/core/runtime/deno_runtime.ts";
import type { Disk } from "../../src/core/runtime/runtime.ts";
import { run } from "../helpers/program.ts";
import {
  assertTree,
  expectedTree,
  onlyExport,
  readTree,
  tempDir,
} from "../helpers/tree.ts";

const workspace = sampleWorkspace();
const env = { HUMANLOOP_API_KEY: DEMO_KEY };
const whole = expectedTree(workspace, { logs: true });

function refusal(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}

/** Makes a disk whose operation number `at` fails, and all later ones. */
function failingDisk(
  operation: "write" | "rename" | "syncData" | "open",
  at: number,
  error: Error,
): Disk {
  const { disk } = denoRuntime();
  let n = 0;
  const count = (name: string) => {
    if (name === operation && ++n >= at) throw error;
  };
  return {
    ...disk,
    rename: (from, to) => {
      count("rename");
      return disk.rename(from, to);
    },
    open: async (path, options) => {
      if (options.write) count("open");
      const file = await disk.open(path, options);
      return {
        read: (bytes) => file.read(bytes),
        seek: (offset, whence) => file.seek(offset, whence),
        write: async (bytes) => {
          count("write");
          // A disk that runs full takes a part first.
          const half = bytes.subarray(0, Math.ceil(bytes.length / 2));
          return await file.write(half);
        },
        writeSync: (bytes) => file.writeSync(bytes),
        syncData: async () => {
          count("syncData");
          await file.syncData();
        },
        close: () => file.close(),
        tryLock: (exclusive) => file.tryLock(exclusive),
        get readable() {
          return file.readable;
        },
      };
    },
  };
}

const REFUSALS = [
  ["write", "ENOSPC", "no space is left on the device; free some and resume"],
  ["write", "EIO", "Input/output error"],
  ["rename", "EIO", "Input/output error"],
  ["syncData", "ENOSPC", "no space is left on the device"],
  ["open", "EROFS", "the file system is read-only"],
] as const;
for (const [operation, code, words] of REFUSALS) {
  for (const at of [2, 40, 90]) {
    Deno.test(`${code} on ${operation} no. ${at}: one clear line, exit 1, nothing half-written, resumable`, async () => {
      await using dir = await tempDir();
      await using server = serveDemo(workspace, { key: DEMO_KEY });
      const args = ["--logs", "--api-url", server.url, "--output", dir.path];
      const error = refusal(code, "Input/output error (os error 5)");
      const ended = await run(args, {
        env,
        disk: failingDisk(operation, at, error),
      });
      assertEquals(ended.code, 1, ended.err);
      // Progress lines may come first.
      const lines = ended.err.split("\n").filter((one) => !one.includes(" · "));
      const [line, goOn, ...rest] = lines;
      assertStringIncludes(line!, words);
      assertEquals(rest, [""]);
      if (goOn === "Nothing was saved; start again.") {
        assertEquals(await Array.fromAsync(Deno.readDir(dir.path)), []);
        return;
      }
      assertStringIncludes(goOn!, "To resume: hl-export --resume ");
      const root = await onlyExport(dir.path);
      for (const [path, text] of await readTree(root)) {
        const final = !/\.part$|\.state\.json$|\.journal$/.test(path);
        if (final) assert(whole.get(path) === text, path);
      }
      // Settings may not have come to disk.
      const resume = ["--resume", root, "--api-url", server.url, "--logs"];
      const resumed = await run(resume, { env });
      assertEquals(resumed.code, 0, resumed.err + resumed.out);
      await assertTree(root, whole);
    });
  }
}

Deno.test("a directory that cannot be made is exit 2", async () => {
  await using dir = await tempDir();
  const file = join(dir.path, "file");
  await Deno.writeTextFile(file, "");
  await using server = serveDemo(workspace, { key: DEMO_KEY });
  const args = ["--output", file, "--api-url", server.url];
  const { code, err } = await run(args, { env });
  assertEquals(code, 2);
  assertStringIncludes(err, `error: cannot create an export in ${file}`);
});

Deno.test("two exports in the same second get two directories", async () => {
  await using dir = await tempDir();
  await using server = serveDemo({ directories: [], files: [] }, {
    key: DEMO_KEY,
  });
  const args = ["--api-url", server.url, "--output", dir.path];
  const now = new Date(2025, 5, 6, 12, 0, 0).getTime();
  const clock = { ...denoRuntime().clock, now: () => now };
  for (let i = 0; i < 3; i++) {
    assertEquals((await run(args, { env, clock })).code, 0);
  }
  const names = await Array.fromAsync(Deno.readDir(dir.path));
  assertEquals(names.map(({ name }) => name).sort(), [
    "20250606-120000",
    "20250606-120000-2",
    "20250606-120000-3",
  ]);
});
