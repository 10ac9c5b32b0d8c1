/**
 * Writes every Version of the Prompts and Agents of exports as a readable file
 * under its Humanloop path, for git and for people. It writes below the chosen
 * directory only.
 */
import { dirname, join } from "@std/path";
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
import { filePaths, type NamedFile } from "./file_paths.ts";
import { expectOutside, expectPlainDirs } from "./output_dir.ts";
import { promptText } from "./prompt_text.ts";

/** No name of Humanloop's becomes this one: `%` is always followed by hexadecimal. */
const CUT_PATHS = "%paths.json";

/** What was written. */
export interface WrittenPrompts {
  readonly files: number;
  readonly versions: number;
  /** What could not be read, in words, with its path. */
  readonly unread: readonly string[];
}

/** A Prompt or Agent of an export. */
interface PromptFile extends NamedFile {
  readonly file: TreeFile;
  readonly ending: "prompt" | "agent";
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
  const paths = filePaths(files, ["prompt", "agent"]);
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
      const path = join(to, `${paths.get(one)}${at}.${one.ending}`);
      await expectPlainDirs(disk, to, dirname(path), plainDirs);
      await writeFile(disk, path, new TextEncoder().encode(text));
      versions++;
    }
  }
  await writeCutPaths(disk, to, files, paths);
  return { files: files.length, versions, unread };
}

/** Keeps the paths of Files whose names were cut, since no name leads back. */
async function writeCutPaths(
  disk: Disk,
  to: string,
  files: readonly PromptFile[],
  paths: ReadonlyMap<PromptFile, string>,
): Promise<void> {
  const cut = files
    .map((one) => [`${paths.get(one)}.${one.ending}`, one.path.join("/")])
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
        ...{ id, file, ending: type, path: String(named).split("/") },
        deployed: typeof version === "string" ? version : null,
      });
    }
  }
  return files;
}
