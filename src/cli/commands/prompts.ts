/**
 * `prompts`: writes every Version of the Prompts and Agents of an export as a
 * readable file under its Humanloop path, for git and for people.
 */
import { join, resolve } from "@std/path";
import { UsageError } from "../../core/errors.ts";
import { EXIT } from "../exit_codes.ts";
import { exportPath } from "../export_path.ts";
import { isObject } from "../../core/json.ts";
import type { Flags } from "../options.ts";
import { expectExport } from "../../tree/export_dir.ts";
import { isSafeId, Layout } from "../../tree/layout.ts";
import { parseJson, writeJson } from "../../tree/json_file.ts";
import {
  listDir,
  readFile,
  removeAll,
  writeFile,
} from "../../tree/atomic_file.ts";
import { escapeControls, pluralize } from "../../ui/text.ts";
import type { Disk, Runtime } from "../../core/runtime.ts";
import { namesInDirectory } from "../../prompts/names.ts";
import { promptText } from "../../prompts/prompt_text.ts";

/** No name of Humanloop's becomes this one: `%` is always followed by hexadecimal. */
const CUT_PATHS = "%paths.json";

/** A Prompt or Agent of an export. */
interface PromptFile {
  readonly id: string;
  readonly type: "prompt" | "agent";
  /** Its Humanloop path: Directories, then its name. */
  readonly path: readonly string[];
  /** The Version that is deployed by default. */
  readonly deployed: string | null;
}

/**
 * Runs the command.
 *
 * @returns The exit code.
 * @throws {UsageError} When there is no export, or the target is inside it.
 * @throws {StorageError} When the disk refuses.
 */
export async function prompts(
  { operands: [dir = ""], to = "", output, quiet, json }: Flags,
  { disk, terminal }: Runtime,
): Promise<number> {
  const root = await exportPath(disk, dir, output);
  const [target, source] = [resolve(to), resolve(root)];
  if (target === source || target.startsWith(join(source, "/"))) {
    throw new UsageError(
      `${to} is inside the export, where only what the API sent belongs; choose another directory with --to`,
    );
  }
  const layout = new Layout(root);
  const files = await promptFiles(disk, layout);
  const places = placesOf(files);
  let written = 0;
  const unread: string[] = [];
  for (const file of files) {
    const { versions } = layout.file(file.id);
    for (const { name: id } of await listDir(disk, versions) ?? []) {
      const path = join(versions, id);
      const bytes = await readFile(disk, path);
      const text = promptText(new TextDecoder().decode(bytes ?? undefined));
      if (text === null) {
        unread.push(path);
        continue;
      }
      const at = id === file.deployed ? "" : `@${id}`;
      const place = `${places.get(file.id)}${at}.${file.type}`;
      await writeFile(disk, join(to, place), new TextEncoder().encode(text));
      written++;
    }
  }
  await writeCutPaths(disk, to, files, places);
  for (const path of unread) {
    terminal.err(`warn: ${escapeControls(path)} is no Version, and left out\n`);
  }
  const exitCode = unread.length === 0 ? EXIT.complete : EXIT.incomplete;
  if (json) {
    const document = {
      exitCode,
      exportDir: root,
      to,
      files: files.length,
      versions: written,
      unread,
    };
    terminal.out(`${JSON.stringify(document)}\n`);
  } else if (!quiet) {
    const of = pluralize(files.length, "File");
    terminal.out(
      `${
        pluralize(written, "Version")
      } of ${of} (Prompts and Agents) written to ${to}\n`,
    );
  }
  return exitCode;
}

/** Tells the paths of Files whose names were cut, since no name leads back. */
async function writeCutPaths(
  disk: Disk,
  to: string,
  files: readonly PromptFile[],
  places: ReadonlyMap<string, string>,
): Promise<void> {
  const cut = files
    .map(({ id, type, path }) => [`${places.get(id)}.${type}`, path.join("/")])
    .filter(([place]) => place!.includes("%~"));
  const known = join(to, CUT_PATHS);
  if (cut.length === 0) await removeAll(disk, known);
  else await writeJson(disk, known, Object.fromEntries(cut));
}

async function promptFiles(
  disk: Disk,
  layout: Layout,
): Promise<readonly PromptFile[]> {
  await expectExport(disk, layout.root);
  const entries = await listDir(disk, layout.files) ?? [];
  const files: PromptFile[] = [];
  for (const { name: id } of entries) {
    if (!isSafeId(id)) continue;
    const file = parseJson(await readFile(disk, layout.file(id).file));
    if (!isObject(file)) continue;
    const { type, path, name, version_id: version } = file;
    if (type !== "prompt" && type !== "agent") continue;
    const named = [path, name, id].find((one) => typeof one === "string");
    files.push({
      id,
      type,
      path: String(named).split("/"),
      deployed: typeof version === "string" ? version : null,
    });
  }
  return files;
}

/** Where each File's text goes, without its ending. */
function placesOf(files: readonly PromptFile[]): ReadonlyMap<string, string> {
  /** What stands in each directory, by the directory's own Humanloop path. */
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
  return new Map(files.map(({ id, type, path }) => {
    const names = path.map((name, i) => {
      const safe = nameIn.get(keyOf(path.slice(0, i)))!.get(name)!;
      // A Directory is never taken for a file of ours.
      const isDir = i < path.length - 1;
      return isDir ? safe.replace(/\.(?=(prompt|agent)$)/i, "%2E") : safe;
    });
    const place = names.join("/");
    // Two Files of one path: the second goes by its id.
    const unique = taken.has(`${place}.${type}`) ? `${place}%~${id}` : place;
    taken.add(`${unique}.${type}`);
    return [id, unique];
  }));
}
