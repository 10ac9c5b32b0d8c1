/** What an export must hold, and what it holds. */
import { walk } from "@std/fs";
import { join, relative } from "@std/path";
import { assertEquals } from "@std/assert";
import type { Manifest } from "../../src/tree/manifest.ts";
import type {
  DemoFile,
  Sequence,
  Workspace,
} from "../../src/demo/workspace.ts";

/** Texts by path below the export's directory, with `/` between names. */
export type Tree = Map<string, string>;

/** Checks whether a file is the bookkeeping of a run, which holds times, or a page. */
export function isBookkeeping(name: string): boolean {
  const names = ["export.json", "export.log", "SHA256SUMS"];
  return names.includes(name) || /(^|\/)index\.html(\.part)?$/.test(name);
}

/** Returns the tree of a complete export, from what the server holds. */
export function expectedTree(
  workspace: Workspace,
  options: { readonly logs: boolean },
): Tree {
  const tree: Tree = new Map();
  const directories = workspace.directories.map(({ text }) => text);
  tree.set("directories.json", `[${directories.join(",")}]`);
  for (const file of workspace.files) addFile(tree, file, options.logs);
  return tree;
}

function addFile(tree: Tree, file: DemoFile, logs: boolean): void {
  const root = `files/${file.id}`;
  const isDataset = file.type === "dataset";
  const counts: Record<string, number> = {};
  const add = (kind: string, records: number) => {
    if (records > 0) counts[kind] = (counts[kind] ?? 0) + records;
  };
  tree.set(`${root}/file.json`, file.text);
  for (const { id, text } of file.versions) {
    tree.set(`${root}/versions/${id}`, text);
  }
  add("versions", file.versions.length);
  const deployments = file.versions.flatMap(({ id, text }) =>
    (JSON.parse(text).environments ?? []).map((
      environment: Record<string, string>,
    ) => ({
      version_id: id,
      environment_id: environment["id"],
      environment_name: environment["name"],
      environment_tag: environment["tag"],
    }))
  );
  add("deployments", deployments.length);
  tree.set(`${root}/deployments.json`, JSON.stringify(deployments) + "\n");
  for (const [id, datapoints] of file.datapoints) {
    addList(tree, `${root}/datapoints/${id}`, datapoints);
    add("datapoints", datapoints.length);
  }
  add("evaluations", file.evaluations.length);
  for (const evaluation of file.evaluations) {
    const dir = `${root}/evaluations/${evaluation.id}`;
    tree.set(`${dir}/evaluation.json`, evaluation.text);
    tree.set(`${dir}/stats.json`, evaluation.stats);
    for (const { id, text } of evaluation.runs) {
      tree.set(`${dir}/runs/${id}`, text);
    }
    add("runs", evaluation.runs.length);
  }
  if (logs && !isDataset) {
    for (const evaluation of file.evaluations) {
      const dir = `${root}/evaluations/${evaluation.id}/logs`;
      addList(tree, dir, evaluation.logs);
      add("evaluationLogs", evaluation.logs.length);
    }
    const traced = file.type === "flow" || file.type === "agent";
    const list = traced ? file.logs : file.bareLogs ?? file.logs;
    addList(tree, `${root}/logs`, list);
    add("logs", list.length);
  }
  const done = { logs: logs && !isDataset, counts };
  tree.set(`${root}/.done`, JSON.stringify(done) + "\n");
}

function addList(tree: Tree, dir: string, list: Sequence): void {
  for (let start = 0; start < list.length; start += 1000) {
    let text = "";
    for (let i = start; i < Math.min(start + 1000, list.length); i++) {
      text += list.at(i)! + "\n";
    }
    tree.set(`${dir}/${start / 1000 + 1}.jsonl`, text);
  }
}

/** Reads the tree on disk, without the run's bookkeeping. */
export function readTree(root: string): Promise<Tree> {
  return readFiles(root, (name) => !isBookkeeping(name));
}

/** Reads the pages of Files, which hold no times of a run. */
export function readPages(root: string): Promise<Tree> {
  const page = /^files\/[^/]+\/index\.html(\.part)?$/;
  return readFiles(root, (name) => page.test(name));
}

async function readFiles(
  root: string,
  isWanted: (name: string) => boolean,
): Promise<Tree> {
  const tree: Tree = new Map();
  for await (const { path } of walk(root, { includeDirs: false })) {
    const name = relative(root, path).replaceAll("\\", "/");
    if (isWanted(name)) tree.set(name, await Deno.readTextFile(path));
  }
  return tree;
}

/** Compares what is on disk with what must be there, byte for byte. */
export async function assertTree(root: string, expected: Tree): Promise<void> {
  const actual = await readTree(root);
  assertEquals([...actual.keys()].sort(), [...expected.keys()].sort());
  for (const [path, text] of expected) {
    if (actual.get(path) !== text) {
      // Short, where a whole chunk would flood the terminal.
      assertEquals(
        actual.get(path)!.slice(0, 2000),
        text.slice(0, 2000),
        `${path} differs`,
      );
      throw new Error(`${path} differs behind its first 2000 characters`);
    }
  }
}

/** Makes a directory that is removed after the test. */
export async function tempDir(): Promise<AsyncDisposable & { path: string }> {
  const path = await Deno.makeTempDir({ prefix: "hl-export-test-" });
  return {
    path,
    [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }),
  };
}

/** Returns the only directory in a directory: the export that was just made. */
export async function onlyExport(parent: string): Promise<string> {
  const names = await Array.fromAsync(Deno.readDir(parent));
  assertEquals(names.length, 1);
  return join(parent, names[0]!.name);
}

/** Reads `export.json`. */
export async function readManifest(root: string): Promise<Manifest> {
  return JSON.parse(await Deno.readTextFile(join(root, "export.json")));
}
