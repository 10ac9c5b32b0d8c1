/** Compares an export with what the server held. */
import { createHash } from "node:crypto";
import { CHUNK_RECORDS } from "../../src/core/ranges.ts";
import type { Gap } from "../../src/core/gap.ts";
import { expectedTree, type Tree } from "../helpers/tree.ts";
import { type Seed, wantedTexts, wantedWorkspace } from "./setup.ts";
import type { SourceDocument, SourceList } from "./source.ts";

/** An export, and how the run that left it ended. */
export interface Result {
  readonly code: number;
  readonly tree: Tree;
  readonly gaps: readonly Gap[];
  /** Whether Logs were asked for. */
  readonly logs: boolean;
  /** Whether nothing was on disk before. */
  readonly isFirst: boolean;
}

/**
 * Finds what is wrong with the sums of an export whose run finished: every file
 * has its own, and only what is reported as missing has one without a file.
 *
 * @param tree All files of the export.
 * @param options.touched Directories of Files that somebody damaged.
 * @param options.isUnreadable Whether the run could not read a file.
 */
export function judgeSums(
  tree: Tree,
  code: number,
  { touched, isUnreadable }: {
    readonly touched: ReadonlySet<string>;
    readonly isUnreadable: (path: string) => boolean;
  },
): string[] {
  const lines = (tree.get("SHA256SUMS") ?? "").split("\n");
  const sums = new Map(
    lines.filter((line) => /^[0-9a-f]{64} {2}/.test(line))
      .map((line) => [line.slice(66), line.slice(0, 64)]),
  );
  const wrong: string[] = [];
  for (const [path, text] of tree) {
    const isUnsummed =
      /^SHA256SUMS|\.state\.json|\.part$|index\.html$|\.old(-\d+)?(\/|$)/.test(
        path,
      );
    const sum = createHash("sha256").update(text).digest("hex");
    // Keeps the sum of a damaged file until it is exported again.
    const isDamaged = code === 3 &&
      (touched.has(fileOf(path)) || isUnreadable(path));
    if (!isUnsummed && !isDamaged && sums.get(path) !== sum) {
      wrong.push(`SHA256SUMS is not of what ${path} holds`);
    }
  }
  for (const path of sums.keys()) {
    if (code === 0 && !tree.has(path)) wrong.push(`${path} has a sum only`);
  }
  return wrong.slice(0, 5);
}

/**
 * Finds what is wrong with an export of a source that rested: nothing may be
 * missing that is not listed, and nothing else may differ.
 */
export function judgeRest(seed: Seed, result: Result): string[] {
  const { code, gaps, logs } = result;
  const tree = seed.isOrdered ? result.tree : unordered(result.tree);
  const { source, isTouched, touched, isOrdered } = seed;
  const ordered = expectedTree(wantedWorkspace(seed), { logs });
  if (seed.sinceMs !== null) acceptAllLogs(seed, result.tree, ordered);
  const expected = isOrdered ? ordered : unordered(ordered);
  const isBeside = (path: string) =>
    isTouched && /\.old(-\d+)?(\/|$)|\.state\.json/.test(path);
  if (code === 0) {
    return differences(
      tree,
      expected,
      (path) =>
        isBeside(path) ||
        isTouched && path.endsWith("/.done") && tree.has(path),
    );
  }
  const isUnsure = (path: string) =>
    isBeside(path) || path.endsWith("/.state.json");
  if (code !== 3) {
    return doneDifferences(
      tree,
      expected,
      (path) => touched.has(fileOf(path)) || isBeside(path),
    );
  }
  for (const list of source.lists) {
    const { dir } = list;
    const missing = gaps.filter(({ fileId, part, offset }) =>
      offset !== undefined && `files/${fileId}/${part}` === dir
    );
    if (missing.length > 0 && !isOrdered && /^files.[^/]+.logs$/.test(dir)) {
      leaveOutSome(expected, tree, dir);
    } else if (missing.length > 0) {
      const texts = askedForTexts(seed, list, tree);
      leaveOut(expected, dir, texts, missing);
      if (!result.isFirst) acceptOtherOffsets(expected, tree, dir, texts);
    }
  }
  const listed = gaps.filter(({ offset }) => offset === undefined);
  const files = new Set(gaps.map(({ fileId }) => `files/${fileId}`));
  const exported = new Set([...tree.keys()].map(fileOf));
  const isUnlisted = gaps.some(isAll);
  return differences(tree, expected, (path) => {
    if (isUnsure(path)) return true;
    const file = fileOf(path);
    if (isTouched && files.has(file)) return true;
    // Which Files a gap of their list hides is not known.
    if (isUnlisted && !exported.has(file)) return true;
    if (path === `${file}/.done`) {
      return files.has(file) || listed.some(isAll) ||
        isTouched && tree.has(path);
    }
    return listed.some((gap) => isAll(gap) || covers(gap, path));
  });
}

/** Checks whether a File is called complete without its Logs. */
function isWithoutLogs(tree: Tree, path: string): boolean {
  const done = tree.get(`${fileOf(path)}/.done`);
  return done?.startsWith('{"logs":false') ?? false;
}

function fileOf(path: string): string {
  return path.split("/").slice(0, 2).join("/");
}

/** Checks whether a gap is of the list of Files, and so may concern every File. */
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
  if (part === "file") return path.startsWith(`${at}/`);
  return path.startsWith(`${at}/${part}`) ||
    path.startsWith(`${at}/${part}.old`);
}

/**
 * Returns the records of a list that was exported: all of them where nobody could
 * say whether dates are honoured.
 */
function askedForTexts(
  seed: Seed,
  list: SourceList,
  tree: Tree,
): readonly string[] {
  const wanted = wantedTexts(seed, list);
  if (seed.sinceMs === null) return wanted;
  const lines = (tree.get(`${list.dir}/1.jsonl`) ?? "").split("\n");
  const isWanted = (line: string) => line === "" || wanted.includes(line);
  return lines.every(isWanted) ? wanted : list.texts;
}

/** Leaves out the records of its gaps; the others stay in their chunks. */
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
  const length = Math.max(texts.length, ...[...gone].map((one) => one + 1));
  for (let start = 0; start < length; start += CHUNK_RECORDS) {
    let chunk = "";
    for (let i = start; i < Math.min(start + CHUNK_RECORDS, length); i++) {
      if (!gone.has(i) && texts[i] !== undefined) chunk += `${texts[i]}\n`;
    }
    expected.set(`${dir}/${start / CHUNK_RECORDS + 1}.jsonl`, chunk);
  }
}

/** Accepts Files with all of their Logs: nobody could say whether dates are honoured. */
function acceptAllLogs(seed: Seed, tree: Tree, expected: Tree): void {
  const all = expectedTree(seed.source.workspace, { logs: true });
  for (const [path, text] of all) {
    const file = fileOf(path);
    const first = all.get(`${file}/logs/1.jsonl`);
    const isWhole = first !== undefined && expected.has(`${file}/.done`) &&
      tree.get(`${file}/logs/1.jsonl`) === first;
    const isOfLogs = path.startsWith(`${file}/logs/`) ||
      path === `${file}/.done`;
    if (isWhole && isOfLogs) expected.set(path, text);
  }
}

/**
 * Accepts chunks of at least as many records as are expected, in order: where an
 * older chunk holds more of a gap than what was read since, which of its records it
 * lacks, and whether any, is not always known.
 */
function acceptOtherOffsets(
  expected: Tree,
  tree: Tree,
  dir: string,
  texts: readonly string[],
): void {
  for (let start = 0; start < texts.length; start += CHUNK_RECORDS) {
    const path = `${dir}/${start / CHUNK_RECORDS + 1}.jsonl`;
    const lines = tree.get(path)?.split("\n") ?? [];
    const there = new Set(lines);
    const kept = texts.slice(start, start + CHUNK_RECORDS)
      .filter((text) => there.has(text));
    const isInOrder = [...kept, ""].join("\n") === lines.join("\n");
    const wanted = expected.get(path)?.split("\n").length ?? 0;
    if (isInOrder && lines.length >= wanted) {
      expected.set(path, lines.join("\n"));
    }
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

/** Checks what a killed run left: anything, but no .done beside what is not complete. */
function doneDifferences(
  tree: Tree,
  expected: Tree,
  isExcused: (path: string) => boolean,
): string[] {
  return differences(tree, expected, (path) => {
    // The Logs of a File that was complete without them may be on their way.
    const isAdded = isWithoutLogs(tree, path) && /\/logs\b/.test(path);
    return !path.startsWith("files/") ||
      !tree.has(`${fileOf(path)}/.done`) || isAdded ||
      /\/\.(state\.json|done)(\.part)?$/.test(path) || isExcused(path);
  });
}

/**
 * Finds what is wrong with an export of a source that changed: whatever is
 * called complete must hold every record that was there throughout, once, in the
 * source's order, and none that never was.
 */
export function judgeMotion(seed: Seed, result: Result): string[] {
  const { tree, code, logs } = result;
  const wanted = new Set(
    wantedWorkspace(seed).files.map(({ id }) => `files/${id}`),
  );
  const isDone = (path: string) =>
    wanted.has(fileOf(path)) && tree.has(`${fileOf(path)}/.done`) &&
    (code === 0 || !seed.touched.has(fileOf(path)));
  const wrong = [...wanted]
    .filter((file) => code === 0 && !tree.has(`${file}/.done`))
    .map((file) => `${file} is complete without .done`);
  for (const list of seed.source.lists) {
    const isLogs = list.dir.endsWith("/logs");
    if (!isDone(list.dir) || isLogs && !logs) continue;
    // The export may have been without Logs, and be on its way to have them.
    if (isLogs && code !== 0 && isWithoutLogs(tree, list.dir)) continue;
    wrong.push(...judgeList(seed, list, tree));
  }
  for (const [path, document] of seed.source.documents) {
    if (!isDone(path) || !document.isThroughout) continue;
    if (tree.get(path) !== document.text) wrong.push(`${path} is not there`);
  }
  return [...wrong, ...strangers(seed, tree, isDone)];
}

/** Documents that no source ever held. */
function strangers(
  { source: { documents } }: Seed,
  tree: Tree,
  isDone: (path: string) => boolean,
): string[] {
  return [...tree.keys()].filter((path) =>
    /^files\/[^/]+\/(versions\/[^/]+|evaluations\/[^/]+\/runs\/[^/]+)$/
      .test(path) &&
    isDone(path) && !documents.has(path)
  ).map((path) => `${path} never was`);
}

function judgeList(seed: Seed, list: SourceList, tree: Tree): string[] {
  const { isOrdered } = seed;
  const { dir, keyOf, ever } = list;
  const wantedKeys = wantedTexts(seed, list).map(keyOf);
  const throughout = new Set(
    wantedKeys.filter((key) => list.throughout.has(key)),
  );
  const wrong: string[] = [];
  const keys: string[] = [];
  for (let chunk = 1; tree.has(`${dir}/${chunk}.jsonl`); chunk++) {
    const text = tree.get(`${dir}/${chunk}.jsonl`)!.trimEnd();
    if (text !== "") keys.push(...text.split("\n").map(keyOf));
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
  const wanted = wantedKeys.filter((key) => throughout.has(key));
  if (isOrdered && wrong.length === 0 && kept.join() !== wanted.join()) {
    wrong.push(`${dir} is in another order`);
  }
  return wrong.slice(0, 5);
}

/**
 * Finds what was on disk before a run and is missing, though nothing as good
 * replaced it: every record that the source holds must still be in its list or
 * in what was set aside beside it; one that the source no longer holds may go
 * when the File is complete.
 *
 * @param before The files of the export before the run.
 * @param after Those after it.
 */
export function judgeDisk(seed: Seed, before: Tree, after: Tree): string[] {
  const wrong: string[] = [];
  for (const { dir, texts } of seed.source.lists) {
    const kept = linesOf(after, dir);
    const held = new Set(texts);
    const isDone = after.has(`${fileOf(dir)}/.done`);
    const lost = [...linesOf(before, dir)].filter((line) =>
      !kept.has(line) && (held.has(line) || !isDone && isRecord(line))
    );
    if (lost.length > 0) {
      wrong.push(`${lost.length} lines of ${dir} are gone: ${lost[0]}`);
    }
  }
  for (const [path, document] of seed.source.documents) {
    if (before.get(path) !== document.text || !document.isThroughout) continue;
    if (!isKept(after, path, document)) wrong.push(`${path} is gone`);
  }
  return wrong.slice(0, 5);
}

/** Reads the lines of a list and of what was set aside beside it. */
function linesOf(tree: Tree, dir: string): ReadonlySet<string> {
  const lines = new Set<string>();
  for (const [path, text] of tree) {
    const rest = path.slice(dir.length);
    if (!path.startsWith(dir) || !/^(\.old[^/]*)?\//.test(rest)) continue;
    if (!path.endsWith(".jsonl")) continue;
    for (const line of text.split("\n")) if (line !== "") lines.add(line);
  }
  return lines;
}

/** Checks whether a line is whole: half of one may look like a record. */
function isRecord(line: string): boolean {
  try {
    return line.startsWith("{") && JSON.parse(line) !== null;
  } catch {
    return false;
  }
}

/** Checks whether a document is there, or in a directory that was set aside. */
function isKept(tree: Tree, path: string, { text }: SourceDocument): boolean {
  if (tree.get(path) === text) return true;
  const name = path.slice(path.lastIndexOf("/") + 1);
  const file = fileOf(path);
  return [...tree].some(([one, held]) =>
    held === text && one.startsWith(`${file}/`) && one.includes(".old") &&
    one.includes(name)
  );
}

/** Makes a tree of which the Logs are in no order: one file for each list, sorted. */
function unordered(tree: Tree): Tree {
  const lists = new Map<string, string[]>();
  const sorted: Tree = new Map();
  for (const [path, text] of tree) {
    const [, dir] = /^(files\/[^/]+\/logs)\/\d+\.jsonl$/.exec(path) ?? [];
    if (dir === undefined) sorted.set(path, text);
    else lists.set(dir, [...lists.get(dir) ?? [], ...text.split("\n")]);
  }
  for (const [dir, lines] of lists) {
    sorted.set(`${dir}/1.jsonl`, lines.filter((one) => one).sort().join("\n"));
  }
  return sorted;
}

/** Leaves out of a list what the export does not hold of it. */
function leaveOutSome(expected: Tree, tree: Tree, dir: string): void {
  const path = `${dir}/1.jsonl`;
  const there = new Set(tree.get(path)?.split("\n"));
  const lines = expected.get(path)?.split("\n") ?? [];
  expected.set(path, lines.filter((line) => there.has(line)).join("\n"));
}
