/** Compares an export with what the server held. */
import { createHash } from "node:crypto";
import { CHUNK_RECORDS } from "../../src/core/ranges.ts";
import type { Gap } from "../../src/core/gap.ts";
import { expectedTree, type Tree } from "../helpers/tree.ts";
import type { Source, SourceList } from "./source.ts";

/** An export, and how the run that left it ended. */
export interface Outcome {
  readonly code: number;
  readonly tree: Tree;
  readonly gaps: readonly Gap[];
  /** What is wrong with SHA256SUMS. */
  readonly wrongSums: readonly string[];
}

/** What is wrong with the sums of an export whose run came to its end. */
export function judgeSums(tree: Tree): string[] {
  const sums = [...tree]
    .filter(([path]) =>
      !/SHA256SUMS$|\.state\.json$|\.part$|index\.html$/.test(path)
    )
    .map(([path, text]) => {
      const sum = createHash("sha256").update(text).digest("hex");
      return `${sum}  ${path}\n`;
    });
  const expected = sums.sort().join("");
  const actual = (tree.get("SHA256SUMS") ?? "").split(/(?<=\n)/).sort().join(
    "",
  );
  return actual === expected ? [] : ["SHA256SUMS is not of what is there"];
}

/**
 * What is wrong with an export of a source that rested: nothing may be missing
 * that is not listed, and nothing else may differ.
 */
export function judgeRest(source: Source, outcome: Outcome): string[] {
  const { code, tree, gaps } = outcome;
  const expected = expectedTree(source.workspace, { logs: true });
  if (code === 0) return differences(tree, expected, () => false);
  const unsure = (path: string) => path.endsWith("/.state.json");
  if (code !== 3) return vouchedDifferences(tree, expected);
  for (const { dir, texts } of source.lists) {
    const missing = gaps.filter(({ fileId, part, offset }) =>
      offset !== undefined && `files/${fileId}/${part}` === dir
    );
    if (missing.length > 0) leaveOut(expected, dir, texts, missing);
  }
  const listed = gaps.filter(({ offset }) => offset === undefined);
  const files = new Set(gaps.map(({ fileId }) => `files/${fileId}`));
  return differences(tree, expected, (path) => {
    if (unsure(path)) return true;
    const file = path.split("/").slice(0, 2).join("/");
    if (path === `${file}/.done`) return files.has(file) || listed.some(isAll);
    return listed.some((gap) => isAll(gap) || covers(gap, path));
  });
}

/** Whether a gap is of the list of Files, and so may concern every File. */
function isAll({ fileId, part }: Gap): boolean {
  return fileId === null && part === "files";
}

function covers({ fileId, part }: Gap, path: string): boolean {
  if (fileId === null) return path === part;
  const at = `files/${fileId}`;
  if (part === "versions") {
    return [`${at}/versions`, `${at}/deployments.json`, `${at}/datapoints`]
      .some((one) => path.startsWith(one));
  }
  return path.startsWith(`${at}/${part}`) ||
    path.startsWith(`${at}/${part}.old`);
}

/** Without the places of its gaps; the others stay in the chunks where they belong. */
function leaveOut(
  expected: Tree,
  dir: string,
  texts: readonly string[],
  gaps: readonly Gap[],
): void {
  const gone = new Set(
    gaps.flatMap(({ offset = 0, missing = 0 }) =>
      Array.from({ length: missing }, (_, i) => offset + i)
    ),
  );
  const places = Math.max(texts.length, ...[...gone].map((one) => one + 1));
  for (let start = 0; start < places; start += CHUNK_RECORDS) {
    let chunk = "";
    for (let i = start; i < Math.min(start + CHUNK_RECORDS, places); i++) {
      if (!gone.has(i) && texts[i] !== undefined) chunk += `${texts[i]}\n`;
    }
    expected.set(`${dir}/${start / CHUNK_RECORDS + 1}.jsonl`, chunk);
  }
}

function differences(
  tree: Tree,
  expected: Tree,
  isExcused: (path: string) => boolean,
): string[] {
  const paths = new Set([...tree.keys(), ...expected.keys()]);
  return [...paths]
    .filter((path) => tree.get(path) !== expected.get(path) && !isExcused(path))
    .map((path) =>
      `${path} ${
        !tree.has(path)
          ? "is missing"
          : !expected.has(path)
          ? "is extra"
          : "differs"
      }`
    );
}

/** A run that died may leave anything, but no .done beside what is not so. */
function vouchedDifferences(tree: Tree, expected: Tree): string[] {
  return differences(tree, expected, (path) => {
    const done = `${path.split("/").slice(0, 2).join("/")}/.done`;
    return !path.startsWith("files/") || path.endsWith("/.state.json") ||
      !tree.has(done);
  });
}

/**
 * What is wrong with an export of a source that moved: whatever is vouched for
 * must hold every record that was there throughout, once, in the source's order,
 * and none that never was.
 */
export function judgeMotion(source: Source, { code, tree }: Outcome): string[] {
  return source.lists.flatMap((list) => {
    const file = list.dir.split("/").slice(0, 2).join("/");
    const isVouched = tree.has(`${file}/.done`);
    if (code === 0 && !isVouched) return [`${file} is complete without .done`];
    return isVouched ? judgeList(list, tree) : [];
  });
}

function judgeList(list: SourceList, tree: Tree): string[] {
  const { dir, texts, keyOf, ever, throughout } = list;
  const wrong: string[] = [];
  const keys: string[] = [];
  for (let chunk = 1; tree.has(`${dir}/${chunk}.jsonl`); chunk++) {
    keys.push(
      ...tree.get(`${dir}/${chunk}.jsonl`)!.trimEnd().split("\n").map(keyOf),
    );
  }
  const there = new Set(keys);
  if (there.size < keys.length) wrong.push(`${dir} holds records twice`);
  for (const key of throughout) {
    if (!there.has(key)) wrong.push(`${dir} lacks ${key}`);
  }
  for (const key of there) {
    if (!ever.has(key)) wrong.push(`${dir} holds ${key}, which never was`);
  }
  const kept = keys.filter((key) => throughout.has(key));
  const wanted = texts.map(keyOf).filter((key) => throughout.has(key));
  if (wrong.length === 0 && kept.join() !== wanted.join()) {
    wrong.push(`${dir} is in another order`);
  }
  return wrong.slice(0, 5);
}
