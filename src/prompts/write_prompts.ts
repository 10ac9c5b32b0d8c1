/**
 * Writes every Version of the Prompts and Agents of exports as a readable file
 * under its Humanloop path, for git and for people. It writes below the chosen
 * directory only.
 */
import { createHash } from "node:crypto";
import { dirname, join, resolve } from "@std/path";
import { UsageError } from "../core/errors.ts";
import { isObject } from "../core/json.ts";
import type { Disk } from "../core/runtime.ts";
import { writeFile } from "../tree/atomic_file.ts";
import { removeScratch } from "../tree/removal.ts";
import { writeJson } from "../tree/json_file.ts";
import {
  missingDocuments,
  type OnProblem,
  openExports,
  openFile,
  problemOf,
  readDocument,
  type TreeExport,
  type TreeFile,
} from "../tree/tree_reader.ts";
import { namesInDirectory } from "./names.ts";
import { promptText } from "./prompt_text.ts";

/** No name of Humanloop's becomes this one: `%` is always followed by hexadecimal. */
const CUT_PATHS = "%paths.json";
/** Longer paths are cut, in bytes; Linux takes 4096 with all that is before. */
const MAX_PATH_BYTES = 1_000;

/** What was written. */
export interface WrittenPrompts {
  readonly files: number;
  readonly versions: number;
  /** What could not be read, in words, with its path. */
  readonly unread: readonly string[];
}

/** A Prompt or Agent of an export. */
interface PromptFile {
  readonly file: TreeFile;
  readonly type: "prompt" | "agent";
  /** Its Humanloop path: Directories, then its name. */
  readonly path: readonly string[];
  /** The Version that is deployed by default. */
  readonly deployed: string | null;
}

/**
 * Writes them.
 *
 * @param dirs The exports' directories.
 * @param to Where to write; made when it is not there.
 * @throws {UsageError} When there is no export, or the target is inside one.
 * @throws {StorageError} When a file cannot be written.
 */
export async function writePrompts(
  disk: Disk,
  dirs: readonly string[],
  to: string,
): Promise<WrittenPrompts> {
  expectOutside(dirs, to);
  const exports = await openExports(disk, dirs);
  const unread: string[] = [];
  const onProblem: OnProblem = ({ dir, path, reason }) =>
    void unread.push(`${join(dir, path)} ${reason}`);
  const files = await promptFiles(disk, exports, onProblem);
  const paths = pathsOf(files);
  const plainDirs = new Set<string>();
  let versions = 0;
  for (const one of files) {
    const { dir, id, shape } = one.file;
    for (const problem of missingDocuments(one.file)) onProblem(problem);
    for (const versionId of shape.versions) {
      const name = `files/${id}/versions/${versionId}`;
      const item = await readDocument(disk, dir, name);
      if (item.kind === "problem") {
        onProblem(item);
        continue;
      }
      const text = promptText(item.text);
      if (text === null) {
        unread.push(`${join(dir, name)} is no Version`);
        continue;
      }
      const at = versionId === one.deployed ? "" : `@${versionId}`;
      const path = join(to, `${paths.get(one)}${at}.${one.type}`);
      await expectPlainDirs(disk, to, dirname(path), plainDirs);
      await writeFile(disk, path, new TextEncoder().encode(text));
      versions++;
    }
  }
  await writeCutPaths(disk, to, files, paths);
  return { files: files.length, versions, unread };
}

/** Makes sure that nothing is written into an export. */
function expectOutside(dirs: readonly string[], to: string): void {
  const target = resolve(to);
  for (const dir of dirs.map((one) => resolve(one))) {
    if (target !== dir && !target.startsWith(join(dir, "/"))) continue;
    throw new UsageError(
      `${to} is inside the export, where only what the API sent belongs; choose another directory with --to`,
    );
  }
}

/** Makes sure that a directory below `to` is reached through no symbolic link. */
async function expectPlainDirs(
  disk: Disk,
  to: string,
  dir: string,
  known: Set<string>,
): Promise<void> {
  if (known.has(dir) || dir.length <= join(to).length) return;
  await expectPlainDirs(disk, to, dirname(dir), known);
  const info = await disk.lstat(dir).catch(() => null);
  if (info?.isSymlink) {
    throw new UsageError(
      `${dir} is a symbolic link, which is not written through; remove it, or choose another directory with --to`,
    );
  }
  known.add(dir);
}

/** Keeps the paths of Files whose names were cut, since no name leads back. */
async function writeCutPaths(
  disk: Disk,
  to: string,
  files: readonly PromptFile[],
  paths: ReadonlyMap<PromptFile, string>,
): Promise<void> {
  const cut = files
    .map((one) => [`${paths.get(one)}.${one.type}`, one.path.join("/")])
    .filter(([path]) => path!.includes("%~"));
  const kept = join(to, CUT_PATHS);
  if (cut.length === 0) await removeScratch(disk, kept);
  else await writeJson(disk, kept, Object.fromEntries(cut));
}

async function promptFiles(
  disk: Disk,
  exports: readonly TreeExport[],
  onProblem: OnProblem,
): Promise<readonly PromptFile[]> {
  const files: PromptFile[] = [];
  for (const from of exports) {
    from.problems.forEach(onProblem);
    for (const id of from.fileIds) {
      const file = await openFile(disk, from, id);
      const { dir, entry, names } = file;
      const item = names.has("file.json")
        ? await readDocument(disk, dir, `files/${id}/file.json`)
        : null;
      const value = item?.kind === "document" && isObject(item.value)
        ? item.value
        : null;
      const type = value?.["type"] ?? entry?.type ?? null;
      if (type !== null && type !== "prompt" && type !== "agent") continue;
      file.problems.forEach(onProblem);
      if (item?.kind === "problem") onProblem(item);
      else if (file.done === null || value === null) {
        const reason = file.done === null
          ? "is not complete"
          : "has no file.json that can be read";
        onProblem(problemOf(dir, `files/${id}`, "missing", reason));
      }
      if (type === null) continue;
      const { path, name, version_id: version } = value ??
        { path: entry?.path };
      const named = [path, name, id].find((one) => typeof one === "string");
      files.push({
        ...{ file, type, path: String(named).split("/") },
        deployed: typeof version === "string" ? version : null,
      });
    }
  }
  return files;
}

/** Gives each File's text its path, without its ending. */
function pathsOf(
  files: readonly PromptFile[],
): ReadonlyMap<PromptFile, string> {
  /** What is in each directory, by the directory's own Humanloop path. */
  const inside = new Map<string, Set<string>>();
  const keyOf = (path: readonly string[]) => JSON.stringify(path);
  const put = (dir: readonly string[], name: string) => {
    const names = inside.get(keyOf(dir)) ?? new Set();
    inside.set(keyOf(dir), names.add(name));
  };
  for (const { path } of files) {
    path.forEach((name, i) => put(path.slice(0, i), name));
  }
  const nameIn = new Map(
    [...inside].map(([dir, names]) => [dir, namesInDirectory(names)]),
  );
  const taken = new Set<string>();
  return new Map(files.map((one) => {
    const { path, type, file: { id } } = one;
    const names = path.map((name, i) => {
      const safe = nameIn.get(keyOf(path.slice(0, i)))!.get(name)!;
      // A Directory is never taken for a file of ours.
      const isDir = i < path.length - 1;
      return isDir ? safe.replace(/\.(?=(prompt|agent)$)/i, "%2E") : safe;
    });
    const short = cutPath(names);
    // Two Files of one path: the second goes by its id.
    const unique = taken.has(`${short}.${type}`) ? `${short}%~${id}` : short;
    taken.add(`${unique}.${type}`);
    return [one, unique];
  }));
}

/** Leaves out Directories where a path is too long, and says so by its sum. */
function cutPath(names: readonly string[]): string {
  const lengthOf = (text: string) => new TextEncoder().encode(text).length;
  const whole = names.join("/");
  if (lengthOf(whole) <= MAX_PATH_BYTES) return whole;
  const kept: string[] = [];
  for (const name of names.slice(0, -1)) {
    if (lengthOf([...kept, name].join("/")) > MAX_PATH_BYTES / 2) break;
    kept.push(name);
  }
  const sum = createHash("sha256").update(whole).digest("hex").slice(0, 16);
  const last = names.at(-1)!.replace(/%~.*$/, "");
  return [...kept, `${last}%~${sum}`].join("/");
}
