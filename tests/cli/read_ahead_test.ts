/** Pages that a command prefetched and does not need end with the command. */
import { assertEquals } from "@std/assert";
import { DEMO_KEY } from "../../src/cli/commands/demo.ts";
import { answerRequest } from "../../src/demo/server.ts";
import type { DemoFile, Workspace } from "../../src/demo/workspace.ts";
import { workspaceOf } from "../helpers/memory_export.ts";
import { run } from "../helpers/program.ts";
import { tempDir } from "../helpers/tree.ts";

const API = ["--api-url", "http://127.0.0.1/v5"];
const LISTED = 150;

/** Makes a workspace of so many Datasets. */
function datasets(count: number): Workspace {
  const { directories, files } = workspaceOf([]);
  const { id, ...dataset } = files.find(({ type }) => type === "dataset")!;
  return {
    directories,
    files: Array.from({ length: count }, (_, i): DemoFile => ({
      ...{ ...dataset, id: `ds_${i}`, versions: [] },
      text: dataset.text.replaceAll(id, `ds_${i}`),
    })),
  };
}

/** Gives a list of Files that has shrunk behind its first page; what lay behind is never answered. */
function shrinking() {
  const signals: AbortSignal[] = [];
  let pages = 0;
  const fetch: typeof globalThis.fetch = (input, init) => {
    const url = new URL(String(input));
    const [page, size] = ["page", "size"].map((name) =>
      Number(url.searchParams.get(name))
    );
    const isList = url.pathname === "/v5/files" && size! > 1;
    if (isList && (page! - 1) * size! >= LISTED) {
      const signal = init!.signal!;
      signals.push(signal);
      return new Promise((_, reject) =>
        signal.addEventListener("abort", () => reject(signal.reason))
      );
    }
    return answer(isList && pages++ === 0 ? 3 * LISTED : LISTED, url, init);
  };
  return { fetch, signals };
}

const unchanged: typeof fetch = (input, init) =>
  answer(LISTED, new URL(String(input)), init);

function answer(count: number, url: URL, init: RequestInit | undefined) {
  const request = new Request(url, { headers: init?.headers ?? {} });
  return answerRequest(datasets(count), { key: DEMO_KEY }, request);
}

for (
  const [name, args, code] of [
    ["plan", [], 0],
    ["verify", ["latest", "--remote"], 4],
  ] as const
) {
  Deno.test(`a page that ${name} read ahead, and does not need, does not outlive it`, async () => {
    await using dir = await tempDir();
    const env = { HUMANLOOP_API_KEY: DEMO_KEY };
    const output = ["--output", dir.path];
    const first = await run([...output, "--quiet", ...API], {
      env,
      fetch: unchanged,
    });
    assertEquals([first.code, first.err], [0, ""]);
    const { fetch, signals } = shrinking();
    const more = name === "plan" ? [] : output;
    const ended = await run([name, ...args, ...more, ...API], { env, fetch });
    assertEquals([ended.code, ended.err], [code, ""], ended.out);
    assertEquals(signals.length > 0, true);
    assertEquals(signals.every(({ aborted }) => aborted), true);
  });
}
