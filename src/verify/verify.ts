/**
 * Checks exports without the network: every File with `.done`, every sum, and
 * what `export.json` says. It also reads exports by the official script, which
 * have neither sums nor `export.json`, and shards side by side.
 */
import { join } from "@std/path";
import { type Counts, sumCounts } from "../core/observer.ts";
import type { Disk } from "../core/runtime/runtime.ts";
import type { Manifest } from "../tree/manifest.ts";
import { asidePath } from "../tree/read/file_shape.ts";
import {
  DAMAGED_NAME,
  listTree,
  type PlainTree,
} from "../tree/read/plain_tree.ts";
import {
  openExports,
  type TreeExport,
  type TreeFile,
  treeFile,
} from "../tree/read/tree_reader.ts";
import { checkFile, type FileHolds } from "./file_check.ts";
import {
  ASIDE,
  asideMessage,
  byHand,
  countDifferences,
  type Problem,
  Problems,
  remedyFor,
  RESUME,
  SET_ASIDE,
} from "./problems.ts";
import { ExportReader } from "./reader.ts";
import { readAllSums } from "./sums.ts";
import { checkTop } from "./top_check.ts";

/** The result of checking exports. */
export interface Verdict {
  readonly problems: readonly Problem[];
  /** The complete Files. */
  readonly files: readonly VerifiedFile[];
  /** What they hold. */
  readonly counts: Counts;
  readonly incomplete: number;
  readonly bytes: number;
  /** Whether the official script wrote all of it. */
  readonly official: boolean;
  /** What was checked: each export, or each shard of those that were merged. */
  readonly exports: readonly TreeExport[];
}

type DirVerdict = Omit<Verdict, "exports" | "counts">;

/** A File with `.done`. */
export interface VerifiedFile extends FileHolds {
  readonly id: string;
  /** The export that it is in. */
  readonly from: TreeExport;
}

/** What checking needs. */
export interface VerifyOptions {
  readonly disk: Disk;
  /** The exports' directories. */
  readonly dirs: readonly string[];
  /** Called with how many more bytes were read. */
  readonly onBytes?: (bytes: number) => void;
}

/**
 * Checks exports.
 *
 * @throws {UsageError} When a directory is not an export.
 */
export async function verifyExports(options: VerifyOptions): Promise<Verdict> {
  const { disk, dirs } = options;
  const exports = await openExports(disk, dirs);
  const verdicts: DirVerdict[] = [];
  for (const [dir, parts] of Map.groupBy(exports, ({ dir }) => dir)) {
    verdicts.push(await verifyDir(options, dir, parts));
  }
  const sum = (numberOf: (one: DirVerdict) => number) =>
    verdicts.reduce((total, one) => total + numberOf(one), 0);
  const files = verdicts.flatMap(({ files }) => files);
  return {
    problems: [
      ...verdicts.flatMap(({ problems }) => problems),
      ...shardProblems(exports),
    ],
    files,
    counts: sumCounts(files.map(({ counts }) => counts)),
    incomplete: sum(({ incomplete }) => incomplete),
    bytes: sum(({ bytes }) => bytes),
    official: verdicts.every(({ official }) => official),
    exports,
  };
}

async function verifyDir(
  { disk, onBytes }: VerifyOptions,
  dir: string,
  exports: readonly TreeExport[],
): Promise<DirVerdict> {
  const problems = new Problems(dir);
  const tree = await listTree(disk, dir, { skip: DAMAGED_NAME });
  const names = new Set(tree.files);
  const listed = new Set([...names, ...tree.others.map(({ path }) => path)]);
  for (const { problems: unread } of exports) {
    for (const { path, reason, cause } of unread) {
      if (cause === "notPlain" && listed.has(path)) continue;
      // It is part of what was set aside, which is reported as one.
      if (asidePath(path) !== null) continue;
      problems.add(path, reason, remedyFor(path));
    }
  }
  const sums = await readAllSums(disk, exports, problems);
  const written = ["export.json", "SHA256SUMS", "directories.json"];
  const isBare = exports.every(({ topNames, prefix }) =>
    prefix === "" && !written.some((name) => topNames.has(name))
  );
  const options = { disk, dir, names, sums, problems, onBytes };
  const reader = new ExportReader(options);
  const checked = { tree, exports, sums, names, isBare };
  await checkTop(checked, reader, problems);
  if (!isBare) await checkMode(disk, dir, exports, problems);
  const files: VerifiedFile[] = [];
  let incomplete = 0;
  for (const [file, from] of await filesOf(disk, exports, tree)) {
    const { id, done } = file;
    for (const { path, reason } of file.problems) {
      problems.add(path, reason, SET_ASIDE);
    }
    for (const path of file.shape.aside) {
      problems.add(`files/${id}/${path}`, asideMessage(path), ASIDE);
    }
    if (done === null) {
      incomplete++;
      const path = file.entry?.path;
      const name = path ? ` (${path})` : "";
      problems.add(`files/${id}`, `is not complete${name}`, RESUME);
      continue;
    }
    const held = await checkFile(reader, problems, { ...file, done });
    compareEntry(problems, file, from, held.counts);
    files.push({ id, from, ...held });
  }
  for (const { prefix, manifest, fileIds } of exports) {
    if (manifest === null || manifest.settings.logs) continue;
    const ids = new Set(fileIds);
    const holder = files.find(({ id, logs }) => ids.has(id) && logs);
    if (holder === undefined) continue;
    const path = `${prefix}export.json`;
    const message =
      `says that Logs are not exported, but ${holder.id} has them`;
    problems.add(path, message, remedyFor(path));
  }
  await reader.rest();
  return {
    problems: problems.sorted(),
    ...{ files, incomplete, bytes: reader.bytes },
    official: isBare && files.every(({ official }) => official),
  };
}

/** Lists the Files that are or should be there, with the export of each. */
async function filesOf(
  disk: Disk,
  exports: readonly TreeExport[],
  tree: PlainTree,
): Promise<readonly (readonly [TreeFile, TreeExport])[]> {
  const byId = {
    files: Map.groupBy(tree.files, fileIdOf),
    emptyDirs: Map.groupBy(tree.emptyDirs, fileIdOf),
    others: Map.groupBy(tree.others, ({ path }) => fileIdOf(path)),
  };
  const files: (readonly [TreeFile, TreeExport])[] = [];
  for (const one of exports) {
    for (const id of one.fileIds) {
      const below = (path: string) => path.slice(`files/${id}/`.length);
      const parts = {
        files: byId.files.get(id)?.map(below) ?? [],
        emptyDirs: byId.emptyDirs.get(id)?.map(below) ?? [],
        others: byId.others.get(id)?.filter(({ path }) => below(path) !== "")
          .map((other) => ({ ...other, path: below(other.path) })) ?? [],
      };
      files.push([await treeFile(disk, one, id, parts), one]);
    }
  }
  return files.sort(([a], [b]) => a.id < b.id ? -1 : 1);
}

function fileIdOf(path: string): string | null {
  return /^files\/([^/]+)/.exec(path)?.[1] ?? null;
}

/** Compares what a File holds with what `export.json` says of it. */
function compareEntry(
  problems: Problems,
  { id, entry, done }: TreeFile,
  { prefix, manifest }: TreeExport,
  there: Counts,
): void {
  if (manifest === null) return;
  const path = `${prefix}export.json`;
  if (entry === null) {
    // Of one by the official script that the API no longer has, nothing is known.
    if (done?.logs === undefined) return;
    problems.add(`files/${id}`, "is not in export.json", RESUME);
    return;
  }
  if (entry.state !== "complete") {
    problems.add(path, `says that ${id} is ${entry.state}`, RESUME);
  }
  if (
    manifest.settings.logs && done?.logs === false && entry.type !== "dataset"
  ) {
    const message = "says that the File is complete without its Logs";
    problems.add(`files/${id}/.done`, message, RESUME);
  }
  for (const difference of countDifferences(entry.counts, there)) {
    problems.add(path, `says that ${id} has ${difference}`, RESUME);
  }
}

/** The bits of a file's mode for others than the owner. */
const OTHERS = 0o077;
/**
 * The bits of a mode that make a file executable, which no file of an export
 * is.
 */
const EXECUTABLE = 0o111;

/** Reports an export that others on this system may read. */
async function checkMode(
  disk: Disk,
  dir: string,
  [first]: readonly TreeExport[],
  problems: Problems,
): Promise<void> {
  const manifest = join(dir, first!.prefix, "export.json");
  const modeOf = async (path: string) => {
    const info = await disk.lstat(path).catch(() => null);
    return info?.isSymlink === false ? info.mode : null;
  };
  const [mode, fileMode] = [await modeOf(dir), await modeOf(manifest)];
  if (mode === null || fileMode === null || (mode & OTHERS) === 0) return;
  // A file system without modes shows every file as executable.
  if ((fileMode & EXECUTABLE) !== 0) return;
  const shown = (mode & 0o777).toString(8);
  problems.add(
    ".",
    `may be read by others on this system (mode ${shown})`,
    byHand("run chmod -R go= on the export's directory"),
  );
}

/** Reports missing and foreign shards, if several are given. */
function shardProblems(exports: readonly TreeExport[]): readonly Problem[] {
  const shards = exports.flatMap(({ dir, prefix, manifest }) => {
    const shard = manifest?.settings.filters.shard ?? null;
    return manifest === null || shard === null
      ? []
      : [{ dir, prefix, manifest, shard }];
  });
  if (exports.length < 2 || shards.length < exports.length) return [];
  const advice = byHand("give the shards of one export, each once");
  const [first] = shards as [typeof shards[number]];
  const missing = new Set(
    Array.from({ length: first.shard.of }, (_, i) => i + 1),
  );
  const problems: Problem[] = [];
  for (const { dir, prefix, manifest, shard } of shards) {
    const path = `${prefix}export.json`;
    if (kindOf(manifest) !== kindOf(first.manifest)) {
      const message =
        `belongs to another export than ${first.dir}/${first.prefix}`;
      problems.push({ dir, path, message, ...advice });
    } else if (!missing.delete(shard.index)) {
      const message =
        `is shard ${shard.index}/${shard.of}, which is given twice`;
      problems.push({ dir, path, message, ...advice });
    }
  }
  for (const index of missing) {
    const message = `shard ${index}/${first.shard.of} is not given`;
    problems.push({ dir: first.dir, path: ".", message, ...advice });
  }
  return problems;
}

/**
 * Returns what all shards of one export have in common; times such as `30d`
 * differ.
 */
function kindOf({ settings }: Manifest): string {
  const { apiUrl, directoryId, rootDirectoryId, logs, filters } = settings;
  const { types, files, shard } = filters;
  return JSON.stringify([
    ...[apiUrl, directoryId, rootDirectoryId],
    ...[logs, types, files, shard?.of],
  ]);
}
