/**
 * Writes the Versions of the Prompts and Agents of exports as files in Humanloop's
 * own format under their paths, for git and for people. It writes below the chosen
 * directory only.
 */
import { join } from "@std/path";
import type { Disk } from "../core/runtime/runtime.ts";
import { removeScratch } from "../tree/write/removal.ts";
import { writeJson } from "../tree/json_file.ts";
import { filePaths } from "./file_paths.ts";
import { outputWriter } from "../tree/write/output.ts";
import {
  aboutVersion,
  openPrompts,
  type PromptFile,
  promptVersions,
} from "./prompt_files.ts";
import { promptText } from "./prompt_text.ts";

/**
 * No Humanloop name becomes one of these, since `%` is followed by hexadecimal.
 */
const CUT_PATHS = "%paths.json";
export const VERSIONS = "%versions.json";

/** The endings of files, which no Directory's name gets. */
const ENDINGS = ["prompt", "agent"];

/** What to write, and where. */
export interface PromptOptions {
  readonly disk: Disk;
  /** The exports' directories. */
  readonly dirs: readonly string[];
  /** Where to write; made when it is not there. */
  readonly to: string;
  /** Whether only deployed Versions are written. */
  readonly onlyDeployed?: boolean;
}

/** What was written. */
export interface WrittenPrompts {
  readonly files: number;
  readonly versions: number;
  /** What could not be read, in words, with its path. */
  readonly unread: readonly string[];
  /**
   * The files that do not hold all of their Version, and the JSON that does.
   */
  readonly inexact: readonly InexactFile[];
}

/** A file that does not hold all of its Version. */
export interface InexactFile {
  readonly file: string;
  /** What it does not hold, in words. */
  readonly reasons: readonly string[];
  /** The file with the Version as the API sent it. */
  readonly json: string;
}

/**
 * Writes the Prompts and Agents.
 *
 * @throws {UsageError} When there is no export, or the target is inside one.
 * @throws {StorageError} When a file cannot be written.
 */
export async function writePrompts(
  { disk, dirs, to, onlyDeployed = false }: PromptOptions,
): Promise<WrittenPrompts> {
  const { files, unread, onProblem } = await openPrompts({ disk, dirs, to });
  const write = outputWriter(disk, to);
  const about: Record<string, object> = {};
  const inexact: InexactFile[] = [];
  const read = { onlyDeployed, endings: ENDINGS, onProblem };
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

/** Writes the Humanloop paths of Files whose names were cut. */
async function writeCutPaths(
  disk: Disk,
  to: string,
  files: readonly PromptFile[],
): Promise<void> {
  const paths = filePaths(files, ENDINGS);
  const cut = files
    .map((one) => [`${paths.get(one)}.${one.ending}`, one.path.join("/")])
    .filter(([path]) => path!.includes("%~"));
  const kept = join(to, CUT_PATHS);
  if (cut.length === 0) await removeScratch(disk, kept);
  else await writeJson(disk, kept, Object.fromEntries(cut));
}
