/** Checks what concerns an export as a whole: its manifest, its sums, what does not belong there. */
import { isObject } from "../core/text/json.ts";
import { isSummed, JOURNAL_NAME, type Sums } from "../tree/checksums.ts";
import { asidePath } from "../tree/read/file_shape.ts";
import { PAGE_NAME } from "../tree/layout.ts";
import { gapText, joinGaps } from "../core/gap.ts";
import { DAMAGED_NAME, type PlainTree } from "../tree/read/plain_tree.ts";
import type { TreeExport } from "../tree/read/tree_reader.ts";
import {
  ASIDE,
  asideMessage,
  byHand,
  type Problems,
  remedyFor,
  RESUME,
  SET_ASIDE,
} from "./problems.ts";
import type { ExportReader } from "./reader.ts";

/** The files beside `files/`. */
const TOP: readonly string[] = [
  "export.json",
  "export.log",
  "SHA256SUMS",
  "directories.json",
];
/** The directory of a shard in exports that were merged by hand. */
const SHARD = /^shards\/[^/]+\//;
/** A database beside an export, and what was sent from it. */
const DATABASE = /^humanloop\.(db|otlp-)/;
/** The directories that a repair made. */
const DAMAGED = new RegExp(`^${DAMAGED_NAME}/`);

/** What the checks of a directory compare. */
export interface CheckedDir {
  readonly tree: PlainTree;
  /** The export in it, or the shards that were merged into it. */
  readonly exports: readonly TreeExport[];
  readonly sums: Sums | null;
  /** Its plain files, below it. */
  readonly names: ReadonlySet<string>;
  /** Whether the official script wrote it: it has neither manifest nor sums. */
  readonly isBare: boolean;
}

/** Checks the files beside `files/`, and their content. */
export async function checkTop(
  checked: CheckedDir,
  reader: ExportReader,
  problems: Problems,
): Promise<void> {
  const { tree, exports, sums, names, isBare } = checked;
  const isMerged = exports.some(({ prefix }) => prefix !== "");
  for (const { path, reason } of tree.others) {
    const inFile = /^files\/[^/]+\/./.test(path);
    if (!inFile) {
      problems.add(
        path || ".",
        reason,
        path === "export.log" ? SET_ASIDE : remedyFor(path),
      );
    }
  }
  for (const path of new Set(tree.files.map(asidePath))) {
    if (path !== null && !/^files\/[^/]+\//.test(path)) {
      problems.add(path, asideMessage(path), ASIDE);
    }
  }
  for (const name of tree.files) {
    if (belongs(name, isMerged) || asidePath(name) !== null) continue;
    if (name === JOURNAL_NAME) {
      problems.add(name, "is left over from a run that did not end", RESUME);
    } else problems.add(name, "does not belong here", SET_ASIDE);
  }
  for (const dir of isBare ? [] : tree.emptyDirs) {
    if (dir === "files" || dir.startsWith("files/")) continue;
    problems.add(dir, "is empty and does not belong here", SET_ASIDE);
  }
  for (const one of isBare ? [] : exports) {
    await checkExport(checked, one, reader, problems);
  }
  if (sums === null) return;
  for (const name of sums.keys()) {
    if (names.has(name) || isOptional(name)) continue;
    const isTop = !name.startsWith("files/");
    const remedy = isTop ? RESUME : SET_ASIDE;
    problems.add(name, "is missing", remedy);
  }
  for (const name of tree.files) {
    const inner = isMerged ? name.replace(SHARD, "") : name;
    if (sums.has(name) || !isSummed(inner) || isOptional(name)) continue;
    problems.add(name, "has no sum in SHA256SUMS", RESUME);
  }
}

/** Checks whether a file may have a sum or none, be there or not. */
function isOptional(name: string): boolean {
  return DATABASE.test(name) || DAMAGED.test(name) || asidePath(name) !== null;
}

function belongs(name: string, isMerged: boolean): boolean {
  if (name.startsWith("files/")) return name.split("/").length > 2;
  if (SHARD.test(name)) {
    return [...TOP, PAGE_NAME].includes(name.replace(SHARD, ""));
  }
  return name === PAGE_NAME || DATABASE.test(name) ||
    !isMerged && TOP.includes(name);
}

/** Checks the manifest of the export, or of a shard that was merged into it. */
async function checkExport(
  { names }: CheckedDir,
  { prefix, manifest }: TreeExport,
  reader: ExportReader,
  problems: Problems,
): Promise<void> {
  for (const name of TOP.map((one) => prefix + one)) {
    if (names.has(name)) continue;
    const remedy = prefix === ""
      ? RESUME
      : byHand("copy it from the shard's own export");
    problems.add(name, "is missing", remedy);
  }
  const name = `${prefix}export.json`;
  for (const gap of joinGaps(manifest?.gaps ?? [])) {
    problems.add(name, `lists as missing: ${gapText(gap)}`, RESUME);
  }
  if (manifest !== null && manifest.state !== "complete") {
    problems.add(name, `says that it is ${manifest.state}`, RESUME);
  }
  const directories = `${prefix}directories.json`;
  if (!names.has(directories)) return;
  const rootId = manifest?.settings.rootDirectoryId ?? null;
  const wrong = await directoriesProblem(reader, directories, rootId);
  if (wrong !== null) problems.add(directories, wrong, SET_ASIDE);
}

/**
 * Describes what is wrong with `directories.json`; the workspace's root must be
 * in it.
 */
async function directoriesProblem(
  reader: ExportReader,
  name: string,
  rootId: string | null,
): Promise<string | null> {
  const item = await reader.document(name);
  if (item.kind === "problem") return item.reason;
  const { value } = item;
  if (!Array.isArray(value) || !value.every(isObject)) {
    return "is not a JSON array of Directories";
  }
  const isThere = rootId === null || value.some(({ id }) => id === rootId);
  return isThere ? null : `lacks the workspace's root Directory ${rootId}`;
}
