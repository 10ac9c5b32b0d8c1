/**
 * Writes the Versions of the Prompts and Agents of exports as files in Humanloop's
 * own format under their paths, for git and for people. It writes below the chosen
 * directory only.
 */
import { dirname, join } from "@std/path";
import type { Disk } from "../core/runtime.ts";
import { writeFile } from "../tree/atomic_file.ts";
import { removeScratch } from "../tree/removal.ts";
import { writeJson } from "../tree/json_file.ts";
import { type OnProblem, openExports } from "../tree/tree_reader.ts";
import { filePaths } from "./file_paths.ts";
import { expectOutside, expectPlainDirs } from "./output_dir.ts";
import {
  type PromptFile,
  promptFiles,
  type PromptVersion,
  promptVersions,
} from "./prompt_files.ts";
import { promptText } from "./prompt_text.ts";

/** No name of Humanloop's becomes these: `%` is always followed by hexadecimal. */
const CUT_PATHS = "%paths.json";
const VERSIONS = "%versions.json";

/** What to write, and where. */
export interface PromptOptions {
  readonly disk: Disk;
  /** The exports' directories. */
  readonly dirs: readonly string[];
  /** Where to write; made when it is not there. */
  readonly to: string;
  /** Whether only what is deployed is written. */
  readonly onlyDeployed?: boolean;
}

/** What was written. */
export interface WrittenPrompts {
  readonly files: number;
  readonly versions: number;
  /** What could not be read, in words, with its path. */
  readonly unread: readonly string[];
  /** The files that do not say all of their Version, and the JSON that does. */
  readonly inexact: readonly InexactFile[];
}

/** A file that does not say all of its Version. */
export interface InexactFile {
  readonly file: string;
  /** What cannot be read back from it, in words. */
  readonly reasons: readonly string[];
  /** Holds the Version as the API sent it. */
  readonly json: string;
}

/**
 * Writes them.
 *
 * @throws {UsageError} When there is no export, or the target is inside one.
 * @throws {StorageError} When a file cannot be written.
 */
export async function writePrompts(
  { disk, dirs, to, onlyDeployed = false }: PromptOptions,
): Promise<WrittenPrompts> {
  expectOutside(dirs, to);
  const exports = await openExports(disk, dirs);
  const unread: string[] = [];
  const onProblem: OnProblem = ({ dir, path, reason }) =>
    void unread.push(`${join(dir, path)} ${reason}`);
  const files = await promptFiles(disk, exports, onProblem);
  const write = outputWriter(disk, to);
  const about: Record<string, object> = {};
  const inexact: InexactFile[] = [];
  const read = { onlyDeployed, onProblem };
  for await (const version of promptVersions(disk, files, read)) {
    const { stem, idStem, of, json, fields } = version;
    const file = `${stem}.${of.ending}`;
    const { text, inexact: reasons } = promptText(fields);
    await write(file, text);
    about[file] = aboutVersion(version);
    if (reasons.length === 0) continue;
    await write(`${idStem}.json`, json);
    inexact.push({ file, reasons, json: `${idStem}.json` });
  }
  await writeCutPaths(disk, to, files);
  await writeJson(disk, join(to, VERSIONS), about);
  const versions = Object.keys(about).length;
  return { files: files.length, versions, unread, inexact };
}

/** Writes files below a directory, through no symbolic link. */
function outputWriter(
  disk: Disk,
  to: string,
): (name: string, text: string) => Promise<void> {
  const plainDirs = new Set<string>();
  return async (name, text) => {
    const path = join(to, name);
    await expectPlainDirs(disk, to, dirname(path), plainDirs);
    await writeFile(disk, path, new TextEncoder().encode(text));
  };
}

/** Returns what the format has no place for, and a person asks for. */
function aboutVersion({ of, id, fields, environments }: PromptVersion): object {
  const { version_name, version_description, created_at } = fields;
  return {
    ...{ path: of.path.join("/"), id: of.id, version_id: id, version_name },
    ...{ version_description, created_at, environments },
  };
}

/** Keeps the paths of Files whose names were cut, since no name leads back. */
async function writeCutPaths(
  disk: Disk,
  to: string,
  files: readonly PromptFile[],
): Promise<void> {
  const paths = filePaths(files, ["prompt", "agent"]);
  const cut = files
    .map((one) => [`${paths.get(one)}.${one.ending}`, one.path.join("/")])
    .filter(([path]) => path!.includes("%~"));
  const kept = join(to, CUT_PATHS);
  if (cut.length === 0) await removeScratch(disk, kept);
  else await writeJson(disk, kept, Object.fromEntries(cut));
}
