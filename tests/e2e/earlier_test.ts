/**
 * Exports of version 0.1.0, as it left them on disk: half-done ones are resumed,
 * and a finished one is complete. Each file of `earlier/` holds one; records of
 * lists are kept as ranges of the workspace's.
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { fromFileUrl } from "@std/path";
import {
  earlierWorkspace,
  type KeptFile,
  SHORT_ID,
  textOfKept,
} from "../helpers/earlier_workspace.ts";
import { MemoryExport } from "../helpers/memory_export.ts";
import { expectedTree } from "../helpers/tree.ts";

const workspace = earlierWorkspace();
const whole = expectedTree(workspace, { logs: true });
const ROOT = "/exports/20250601-000000";

/** Puts an export of version 0.1.0 on a disk. */
async function earlierExport(name: string): Promise<MemoryExport> {
  const path = new URL(`./earlier/${name}.json`, import.meta.url);
  const { files }: { files: Record<string, KeptFile> } = JSON.parse(
    await Deno.readTextFile(fromFileUrl(path)),
  );
  const made = new MemoryExport(workspace);
  for (const [path, kept] of Object.entries(files)) {
    made.disk.put(`${ROOT}/${path}`, textOfKept(workspace, kept));
  }
  return made;
}

/** Says which files differ, where a whole tree would flood the terminal. */
function differencesOf(made: MemoryExport): string[] {
  const { tree } = made;
  const paths = new Set([...tree.keys(), ...whole.keys()]);
  return [...paths].filter((path) => tree.get(path) !== whole.get(path));
}

const HALF_DONE: Readonly<Record<string, string>> = {
  unfinished: "lists that a kill cut short",
  gaps: "gaps",
  time_windows: "a list that a kill cut short in its time windows",
  set_aside: "a list that was being read a second time",
};
for (const [name, title] of Object.entries(HALF_DONE)) {
  Deno.test(`an unfinished export of version 0.1.0 is resumed to the tree of an undisturbed run: ${title}`, async () => {
    const made = await earlierExport(name);
    assert(differencesOf(made).length > 0);
    const { code, err } = await made.resume();
    assertEquals(code, 0, err);
    assertEquals(differencesOf(made), []);
    const verified = await made.command("verify");
    assertEquals(verified.code, 0, verified.out + verified.err);
  });

  Deno.test(`an unfinished export of version 0.1.0 loses no line while the API answers 410: ${title}`, async () => {
    const made = await earlierExport(name);
    const dir = `files/${SHORT_ID}/logs`;
    const before = made.keptLines(dir);
    const { code, err } = await made.resume({
      before: (url) =>
        url.pathname === "/v5/logs"
          ? Response.json({ detail: "gone" }, { status: 410 })
          : undefined,
    });
    assertEquals(code, 3, err);
    const kept = made.keptLines(dir);
    assertEquals([...before].filter((line) => !kept.has(line)).length, 0);
  });
}

Deno.test("an export that version 0.1.0 finished is complete, and is left as it is", async () => {
  const made = await earlierExport("finished");
  assertEquals(differencesOf(made), []);
  const verified = await made.command("verify");
  assertEquals(verified.code, 0, verified.out + verified.err);
  const asked: string[] = [];
  const { code, err } = await made.resume({
    before: (url) => void asked.push(url.pathname),
  });
  assertEquals(code, 0, err);
  assertEquals(asked.filter((path) => path.endsWith("/logs")), []);
  assertEquals(differencesOf(made), []);
});

Deno.test("an export that version 0.1.0 finished and that lost a chunk since is not called complete without it", async () => {
  const made = await earlierExport("finished");
  const path = `files/${SHORT_ID}/logs/2.jsonl`;
  made.put(path, null);
  const { code, out, err } = await made.resume();
  if (code === 0) return assertEquals(differencesOf(made), []);
  assertEquals(code, 3, err);
  assertStringIncludes(out, SHORT_ID);
  assertStringIncludes(made.text("SHA256SUMS")!, path);
});

Deno.test("an export that version 0.1.0 finished and whose chunk became another since is read again", async () => {
  const made = await earlierExport("finished");
  const path = `files/${SHORT_ID}/logs/2.jsonl`;
  const text = made.text(path)!;
  made.put(path, text.replace(/"created_at":"2025/, '"created_at":"2024'));
  assertEquals(differencesOf(made), [path]);
  const { code, out, err } = await made.resume();
  assertEquals(code, 0, out + err);
  assertEquals(differencesOf(made), []);
});
