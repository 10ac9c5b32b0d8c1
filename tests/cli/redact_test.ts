/** The key is shown by no command, also where the workspace holds it in a path. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { sampleWorkspace } from "../../src/demo/sample/sample.ts";
import { MemoryDisk } from "../helpers/memory_disk.ts";
import {
  EXPORT_ARGS,
  MEMORY_EXPORT,
  runInMemory,
} from "../helpers/memory_run.ts";

const KEY = "hl_sk_in_a_path_3f9a1c7e5b2d8046";
const API = ["--api-url", "http://127.0.0.1/v5"];
const LOUD = EXPORT_ARGS.map((arg) => arg === "--quiet" ? "--verbose" : arg);

/** A workspace where the path and the name of a File hold the key and a control character. */
function workspaceWithKey() {
  const { directories, files } = sampleWorkspace();
  const [first, ...others] = files;
  const text = first!.text.replace(
    /"path": ?"[^"]*"/,
    `"path":"Keys/${KEY}\\u001b"`,
  );
  assertStringIncludes(text, KEY);
  return { directories, files: [{ ...first!, text }, ...others] };
}

Deno.test("no command and no page shows a key that a File's path holds", async () => {
  const workspace = workspaceWithKey();
  const disk = new MemoryDisk();
  const options = {
    ...{ disk, workspace, key: KEY, serverKey: KEY },
    before: (url: URL) =>
      url.pathname.endsWith("/versions")
        ? new Response(`no ${KEY}`, { status: 404 })
        : undefined,
  };
  for (
    const args of [
      LOUD,
      ["--resume", MEMORY_EXPORT, "--json", "--verbose", ...API],
      ["plan", "--logs", ...API],
      ["plan", "--logs", "--json", ...API],
      ["verify", MEMORY_EXPORT, "--remote", ...API],
      ["verify", MEMORY_EXPORT, "--repair", "--json", ...API],
      ["--directory", KEY, ...API],
    ]
  ) {
    const { code, out, err } = await runInMemory(args, options);
    assert(code !== 0, args.join(" "));
    assert(!(out + err).includes(KEY.slice(0, 12)), args.join(" "));
    assert(!(out + err).includes("\u001b"), args.join(" "));
  }
  const pages = [...disk.files(MEMORY_EXPORT)]
    .filter(([name]) => name.endsWith("index.html"));
  assertEquals(pages.length > 1, true);
  for (const [name, text] of pages) assert(!text.includes(KEY), name);
});
