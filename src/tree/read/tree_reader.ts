/**
 * Reads exports: this tool's, the official script's, shards side by side, a
 * directory that holds nothing but `files/`. Everything that uses a finished
 * export reads it through this.
 *
 * It streams, and opens only plain files. Nothing ends the reading: what cannot
 * be read becomes a {@linkcode TreeProblem}.
 */
import { basename, dirname, join, resolve } from "@std/path";
import { unlistedTexts } from "../../core/gap.ts";
import { isObject } from "../../core/text/json.ts";
import type { Disk } from "../../core/runtime/runtime.ts";
import { decodeUtf8 } from "../../core/text/utf8.ts";
import { orNull } from "../write/atomic_file.ts";
import { type Done, readDone } from "../done.ts";
import { exportEntries, notAnExport } from "../export_dir.ts";
import { type FileShape, shapeOf } from "./file_shape.ts";
import { isSafeId, Layout } from "../layout.ts";
import { type LineOptions, readLines } from "./lines.ts";
import { type FileEntry, type Manifest, readManifest } from "../manifest.ts";
import { kindOf, listTree, type PlainTree, unreadable } from "./plain_tree.ts";

/** Something of an export that cannot be read. */
export interface TreeProblem {
  readonly kind: "problem";
  readonly cause:
    | "notPlain"
    | "unreadable"
    | "missing"
    | "notUtf8"
    | "notJson"
    | "tooLong"
    | "unterminated";
  /** The export's directory. */
  readonly dir: string;
  /** Below it, with `/` between names. */
  readonly path: string;
  /** From 1; `null` if it concerns the whole path. */
  readonly line: number | null;
  /** What is wrong, printed behind the path: `is not a JSON record`. */
  readonly reason: string;
  /** What is there, if it is text. */
  readonly text: string | null;
}

/** Called with what cannot be read. */
export type OnProblem = (problem: TreeProblem) => void;

/** One export, or one of several shards that were merged into one directory. */
export interface TreeExport {
  /** Its directory. */
  readonly dir: string;
  /**
   * Where `export.json` and the like are below it: `""`, or `shards/1/` if
   * shards were merged by hand.
   */
  readonly prefix: string;
  /** `null` if there is none that can be read. */
  readonly manifest: Manifest | null;
  /** The plain files beside `files/`, below the prefix. */
  readonly topNames: ReadonlySet<string>;
  /** The Files that are on disk or in the manifest, sorted. */
  readonly fileIds: readonly string[];
  /**
   * What cannot be read outside of Files; the rest is in {@linkcode TreeFile}.
   */
  readonly problems: readonly TreeProblem[];
}

/** One File of an export. */
export interface TreeFile {
  readonly dir: string;
  readonly id: string;
  /** What the manifest says of it. */
  readonly entry: FileEntry | null;
  /** What `.done` says; `null` if there is none that can be read. */
  readonly done: Done | null;
  /** Its plain files, below its directory. */
  readonly names: ReadonlySet<string>;
  /** The same, sorted by part. */
  readonly shape: FileShape;
  readonly emptyDirs: readonly string[];
  readonly problems: readonly TreeProblem[];
}

/** A document: one JSON value in a file of its own. */
export interface TreeDocument {
  readonly kind: "document";
  readonly dir: string;
  readonly path: string;
  readonly bytes: number;
  /** Exactly what the file holds. */
  readonly text: string;
  readonly value: unknown;
}

/** A line of a chunk that is a JSON record. */
export interface TreeLine {
  /** From 1. */
  readonly number: number;
  /**
   * The exact line without its end, or the outline of a large one if
   * `isOutlined`.
   */
  readonly text: string;
  readonly value: Record<string, unknown>;
}

/** Consecutive lines of a chunk, without those that are problems. */
export interface TreeLines {
  readonly kind: "lines";
  readonly dir: string;
  readonly path: string;
  readonly lines: readonly TreeLine[];
}

/** Which part of a File a document or a chunk is. */
export type TreePart =
  | { readonly part: "file" | "deployments" | "logs" }
  | { readonly part: "version"; readonly versionId: string }
  | { readonly part: "datapoints"; readonly versionId: string }
  | {
    readonly part: "evaluation" | "stats" | "evaluationLogs";
    readonly evaluationId: string;
  }
  | {
    readonly part: "run";
    readonly evaluationId: string;
    readonly runId: string;
  };

/** One thing that a File holds; see {@linkcode readFileRecords}. */
export type TreeItem = TreePart & {
  readonly item: TreeDocument | TreeLines | TreeProblem;
};

/**
 * Opens exports. An export that was merged by hand, with `shards/<name>/`
 * beside `files/`, is returned as one for each shard.
 *
 * @param dirs Their directories.
 * @throws {UsageError} When one of them is not an export.
 */
export async function openExports(
  disk: Disk,
  dirs: readonly string[],
): Promise<readonly TreeExport[]> {
  const exports: TreeExport[] = [];
  for (const dir of new Set(dirs)) exports.push(...await openOne(disk, dir));
  return exports;
}

/**
 * Finds the directory of an export, or of its `files/`.
 *
 * @throws {UsageError} When there is no directory.
 */
export async function exportRoot(disk: Disk, given: string): Promise<string> {
  const isFiles = basename(resolve(given)) === "files" &&
    !looksLikeExport(await exportEntries(disk, given));
  return isFiles ? dirname(resolve(given)) : given;
}

async function openOne(
  disk: Disk,
  given: string,
): Promise<readonly TreeExport[]> {
  const dir = await exportRoot(disk, given);
  const entries = await exportEntries(disk, dir);
  if (!looksLikeExport(entries)) throw notAnExport(given);
  const problems = entries.filter(isOther).map((entry) =>
    problemOf(dir, entry.name, "notPlain", kindOf(entry))
  );
  const files = entries.find(({ name }) => name === "files");
  const ids = files?.isDirectory ? await idsBelow(disk, dir, problems) : [];
  if (files?.isFile) {
    problems.push(problemOf(dir, "files", "notPlain", "is not a directory"));
  }
  const tops: TreeExport[] = [];
  for (const prefix of await shardPrefixes(disk, dir, entries)) {
    tops.push(await openTop(disk, dir, prefix));
  }
  // A File belongs to the first shard that lists it, else to the first shard.
  const owners = new Map(ids.map((id) => [id, tops[0]!]));
  for (const top of tops.toReversed()) {
    for (const id of top.fileIds) owners.set(id, top);
  }
  const all = [...owners].sort(([one], [other]) => one < other ? -1 : 1);
  return tops.map((top, i) => ({
    ...top,
    fileIds: all.flatMap(([id, owner]) => owner === top ? [id] : []),
    problems: i === 0 ? [...problems, ...top.problems] : top.problems,
  }));
}

/** Checks whether a directory with these entries is, or was, an export. */
function looksLikeExport(entries: readonly Deno.DirEntry[]): boolean {
  const known = /^(export\.json|files|SHA256SUMS|directories\.json|shards)$/;
  return entries.some(({ name }) => known.test(name));
}

function isOther(entry: Deno.DirEntry): boolean {
  return !entry.isFile && !entry.isDirectory;
}

/** Lists the Files in `files/`; anything else there becomes a problem. */
async function idsBelow(
  disk: Disk,
  dir: string,
  problems: TreeProblem[],
): Promise<readonly string[]> {
  const ids: string[] = [];
  try {
    for await (const entry of disk.readDir(join(dir, "files"))) {
      if (entry.isDirectory && isSafeId(entry.name)) ids.push(entry.name);
      else {
        const reason = isOther(entry) ? kindOf(entry) : "is not a File";
        problems.push(
          problemOf(dir, `files/${entry.name}`, "notPlain", reason),
        );
      }
    }
  } catch (cause) {
    problems.push(problemOf(dir, "files", "unreadable", unreadable(cause)));
  }
  return ids;
}

/**
 * Returns where `export.json` and the like are: at the top, or in each shard.
 */
async function shardPrefixes(
  disk: Disk,
  dir: string,
  entries: readonly Deno.DirEntry[],
): Promise<readonly string[]> {
  const isMerged = entries.some(({ name, isDirectory }) =>
    isDirectory && name === "shards"
  );
  if (!isMerged || entries.some(({ name }) => name === "export.json")) {
    return [""];
  }
  const shards = await exportEntries(disk, join(dir, "shards"));
  const prefixes = shards.filter(({ isDirectory }) => isDirectory)
    .map(({ name }) => `shards/${name}/`).sort();
  return prefixes.length === 0 ? [""] : prefixes;
}

/** Reads the manifest of one export or shard, whose Files it lists. */
async function openTop(
  disk: Disk,
  dir: string,
  prefix: string,
): Promise<TreeExport> {
  const path = `${prefix}export.json`;
  const entries = await exportEntries(disk, join(dir, dirname(path)));
  const topNames = new Set(
    entries.filter(({ isFile }) => isFile).map(({ name }) => name),
  );
  let manifest: Manifest | null = null;
  let problem: TreeProblem | null = null;
  try {
    const isThere = topNames.has("export.json");
    if (isThere) manifest = await readManifest(disk, join(dir, path));
    if (isThere && manifest === null) {
      const reason = "is damaged or not from hl-export";
      problem = problemOf(dir, path, "notJson", reason);
    }
  } catch (cause) {
    problem = problemOf(dir, path, "unreadable", unreadable(cause));
  }
  return {
    ...{ dir, prefix, manifest, topNames },
    fileIds: Object.keys(manifest?.files ?? {}).filter(isSafeId),
    problems: problem === null ? [] : [problem],
  };
}

/**
 * Lists what lies in one File's directory.
 *
 * @param id One of the export's `fileIds`.
 */
export async function openFile(
  disk: Disk,
  from: Pick<TreeExport, "dir" | "manifest">,
  id: string,
): Promise<TreeFile> {
  const { root } = new Layout(from.dir).file(id);
  return await treeFile(disk, from, id, await listTree(disk, root));
}

/**
 * Does the same for a directory that has been listed already.
 *
 * @param tree What lies in it, by paths below it.
 */
export async function treeFile(
  disk: Disk,
  { dir, manifest }: Pick<TreeExport, "dir" | "manifest">,
  id: string,
  { files, emptyDirs, others }: PlainTree,
): Promise<TreeFile> {
  const problems = others.map(({ path, reason, isUnreadable }) => {
    const below = path === "" ? `files/${id}` : `files/${id}/${path}`;
    const cause = isUnreadable ? "unreadable" : "notPlain";
    return problemOf(dir, below, cause, reason);
  });
  const names = new Set(files);
  let done: Done | null = null;
  if (names.has(".done")) {
    try {
      done = await readDone(disk, new Layout(dir).file(id));
    } catch (cause) {
      const path = `files/${id}/.done`;
      problems.push(problemOf(dir, path, "unreadable", unreadable(cause)));
    }
  }
  const known = manifest?.files ?? {};
  const entry = Object.hasOwn(known, id) ? known[id]! : null;
  const shape = shapeOf(files);
  return { ...{ dir, id, entry, done, names, shape, emptyDirs, problems } };
}

/**
 * Lists what makes an export incomplete: Files that its run has not listed or
 * not finished.
 *
 * @returns Lines for a person.
 * @throws {StorageError} When the disk fails.
 */
export async function lackingParts(
  disk: Disk,
  exports: readonly TreeExport[],
): Promise<readonly string[]> {
  const lacking = exports.flatMap(missingFiles);
  for (const { dir, manifest, fileIds } of exports) {
    for (const id of fileIds) {
      const { done } = new Layout(dir).file(id);
      const isComplete = manifest?.files[id]
        ? manifest.files[id].state === "complete"
        : await orNull(`look at ${done}`, () => disk.lstat(done)) !== null;
      if (!isComplete) {
        lacking.push(`${join(dir, "files", id)} is not complete`);
      }
    }
  }
  return lacking;
}

/** Describes which Files an export lacks, as far as its manifest says so. */
export function missingFiles(
  { dir, prefix, manifest }: TreeExport,
): readonly string[] {
  if (manifest === null) return [];
  const { state, gaps } = manifest;
  const name = join(dir, prefix).replace(/(?<=.)[/\\]$/, "");
  const isUnfinished = state === "running" || state === "interrupted";
  return [
    ...isUnfinished
      ? [
        `${name} is not complete: Files that its run did not reach are missing`,
      ]
      : [],
    ...unlistedTexts(name, gaps),
  ];
}

/**
 * Finds documents that a complete File lacks, by file names and the counts of
 * `.done` or the manifest, without reading any.
 */
export function missingDocuments(file: TreeFile): readonly TreeProblem[] {
  const { dir, id, done, entry, names, shape } = file;
  if (done === null) return [];
  const lacks = (name: string, reason: string) =>
    problemOf(dir, `files/${id}/${name}`, "missing", reason);
  const counts = done.logs === undefined ? entry?.counts : done.counts;
  const wanted = counts?.versions ?? 0;
  const there = shape.versions.length;
  return [
    ...names.has("file.json") ? [] : [lacks("file.json", "is missing")],
    ...there >= wanted
      ? []
      : [lacks("versions", `holds ${there} of ${wanted} Versions`)],
  ];
}

/**
 * Reads a document.
 *
 * @param dir The export's directory.
 * @param path A plain file, below it.
 */
export async function readDocument(
  disk: Disk,
  dir: string,
  path: string,
  { onBytes, onEnd }: Pick<LineOptions, "onBytes" | "onEnd"> = {},
): Promise<TreeDocument | TreeProblem> {
  let bytes: Uint8Array;
  try {
    bytes = await disk.readFile(join(dir, path));
  } catch (cause) {
    return cause instanceof Deno.errors.NotFound
      ? problemOf(dir, path, "missing", "is missing")
      : problemOf(dir, path, "unreadable", unreadable(cause));
  }
  onBytes?.(bytes);
  onEnd?.();
  let text: string;
  try {
    text = decodeUtf8(bytes);
  } catch {
    return problemOf(dir, path, "notUtf8", "is not valid UTF-8");
  }
  try {
    const value: unknown = JSON.parse(text);
    return { kind: "document", dir, path, bytes: bytes.length, text, value };
  } catch {
    return { ...problemOf(dir, path, "notJson", "is not JSON"), text };
  }
}

/**
 * Reads the lines of a chunk, many at once. A last line without an end that is
 * a record is returned as a line, followed by a problem.
 *
 * @param dir The export's directory.
 * @param path A plain file, below it.
 */
export async function* readChunkLines(
  disk: Disk,
  dir: string,
  path: string,
  options: LineOptions = {},
): AsyncGenerator<TreeLines | TreeProblem, void> {
  try {
    for await (const batch of readLines(disk, join(dir, path), options)) {
      const { first, texts, isTooLong, isTerminated } = batch;
      let lines: TreeLine[] = [];
      for (const [i, text] of texts.entries()) {
        const number = first + i;
        const value = text === null ? null : recordOf(text);
        if (text !== null && value !== null) {
          lines.push({ number, text, value });
          continue;
        }
        if (lines.length > 0) yield { kind: "lines", dir, path, lines };
        lines = [];
        const [cause, reason] = text !== null
          ? ["notJson", "is not a JSON record"] as const
          : isTooLong
          ? ["tooLong", "is too long to be read"] as const
          : ["notUtf8", "is not valid UTF-8"] as const;
        yield { ...problemOf(dir, path, cause, reason), line: number, text };
      }
      if (lines.length > 0) yield { kind: "lines", dir, path, lines };
      if (isTerminated) continue;
      const line = first + texts.length - 1;
      const reason = "ends in the middle of a line";
      yield { ...problemOf(dir, path, "unterminated", reason), line };
    }
  } catch (cause) {
    yield problemOf(dir, path, "unreadable", unreadable(cause));
  }
}

function recordOf(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

/** Counts the lines of a chunk, without what cannot be read. */
export async function countLines(
  disk: Disk,
  dir: string,
  path: string,
): Promise<number | TreeProblem> {
  let lines = 0;
  try {
    const batches = readLines(disk, join(dir, path), { isOutlined: true });
    for await (const { texts } of batches) {
      lines += texts.length;
    }
    return lines;
  } catch (cause) {
    return problemOf(dir, path, "unreadable", unreadable(cause));
  }
}

/** Names the chunks of a list in order, below the export's directory. */
export function chunkNames(
  { id }: Pick<TreeFile, "id">,
  list: string,
  chunks: readonly number[],
): readonly string[] {
  return chunks.toSorted((a, b) => a - b)
    .map((chunk) => `files/${id}/${list}/${chunk}.jsonl`);
}

/**
 * Reads all that a File holds, in this order: `file.json`, Deployments,
 * Versions, Datapoints, Evaluations (each with its stats, Runs and Logs), Logs.
 * Begins with what cannot be opened at all; a missing document is a problem
 * too.
 */
export async function* readFileRecords(
  disk: Disk,
  file: TreeFile,
  options: LineOptions = {},
): AsyncGenerator<TreeItem, void> {
  const { dir, id, shape, problems } = file;
  const document = async (part: TreePart, name: string): Promise<TreeItem> => {
    const path = `files/${id}/${name}`;
    const item = file.names.has(name)
      ? await readDocument(disk, dir, path, options)
      : problemOf(dir, path, "missing", "is missing");
    return { ...part, item };
  };
  async function* list(
    part: TreePart,
    name: string,
    chunks: readonly number[],
  ): AsyncGenerator<TreeItem, void> {
    for (const path of chunkNames(file, name, chunks)) {
      for await (const item of readChunkLines(disk, dir, path, options)) {
        yield { ...part, item };
      }
    }
  }
  for (const item of problems) yield { part: "file", item };
  yield await document({ part: "file" }, "file.json");
  yield await document({ part: "deployments" }, "deployments.json");
  for (const versionId of shape.versions) {
    const part = { part: "version", versionId } as const;
    yield await document(part, `versions/${versionId}`);
  }
  for (const [versionId, chunks] of shape.datapoints) {
    const part = { part: "datapoints", versionId } as const;
    yield* list(part, `datapoints/${versionId}`, chunks);
  }
  for (const [evaluationId, { runs, logs }] of shape.evaluations) {
    const below = `evaluations/${evaluationId}`;
    const evaluation = { part: "evaluation", evaluationId } as const;
    yield await document(evaluation, `${below}/evaluation.json`);
    const stats = { part: "stats", evaluationId } as const;
    yield await document(stats, `${below}/stats.json`);
    for (const runId of runs) {
      const run = { part: "run", evaluationId, runId } as const;
      yield await document(run, `${below}/runs/${runId}`);
    }
    const part = { part: "evaluationLogs", evaluationId } as const;
    yield* list(part, `${below}/logs`, logs);
  }
  yield* list({ part: "logs" }, "logs", shape.logs);
}

/** Makes a problem that concerns a whole path. */
export function problemOf(
  dir: string,
  path: string,
  cause: TreeProblem["cause"],
  reason: string,
): TreeProblem {
  return { kind: "problem", cause, dir, path, line: null, reason, text: null };
}
