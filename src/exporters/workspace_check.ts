/**
 * Refuses to resume an export of another workspace, and finds Files of earlier
 * runs that the workspace no longer lists.
 */
import { filesList } from "../api/client.ts";
import { isRecoverable, UsageError } from "../core/errors.ts";
import type { Gap } from "../core/gap.ts";
import { openList, wholeList } from "../lists/list_reader.ts";
import { isObject } from "../core/text/json.ts";
import { listDir, readFile } from "../tree/write/atomic_file.ts";
import { readDone } from "../tree/done.ts";
import { isText, parseJson } from "../tree/json_file.ts";
import { isSafeId } from "../tree/layout.ts";
import type { ManifestWriter } from "../tree/manifest_writer.ts";
import type { RunContext } from "./context.ts";
import { findDamagedFile } from "./file_check.ts";

/**
 * Compares the workspace's root Directory with the one of the first run.
 *
 * @throws {UsageError} When both are known and differ.
 */
export function expectSameRoot(
  before: string | null,
  now: string | null,
): void {
  if (before === null || now === null || before === now) return;
  throw anotherWorkspace(`its root Directory is ${before}, not ${now}`);
}

/**
 * Looks for a File of the export in the listing, before anything is written.
 * This is for an export that does not name its workspace.
 *
 * @throws {UsageError} When the workspace lists none of them.
 */
export async function expectKnownFiles(context: RunContext): Promise<void> {
  const onDisk = new Set(await filesOnDisk(context));
  if (onDisk.size === 0) return;
  try {
    const list = wholeList(filesList(null));
    using reader = await openList(context.reader, list);
    for await (const batch of reader) {
      if (batch.kind === "gap") return;
      if (batch.records.some(({ info }) => onDisk.has(info.id))) return;
    }
  } catch (error) {
    // The listing that follows will meet the same failure and report it.
    if (isRecoverable(error)) return;
    throw error;
  }
  throw anotherWorkspace("none of its Files is in this one");
}

/**
 * Finds Files on disk that the workspace no longer lists and that are not
 * complete, or without the Logs that are wanted: they cannot be fetched any more.
 *
 * @param listed The ids that the workspace lists.
 * @param isWhole Whether that is all of them.
 * @param manifest Knows what earlier runs kept, and gets the complete ones that it
 * lacks.
 * @throws {StorageError} When the disk fails.
 */
export async function unlistedFiles(
  context: RunContext,
  listed: ReadonlySet<string>,
  isWhole: boolean,
  manifest: ManifestWriter,
): Promise<readonly Gap[]> {
  const { disk, layout, logs } = context;
  const gaps: Gap[] = [];
  const unlisted = isWhole
    ? "and the API no longer lists it"
    : "and not all Files could be listed";
  for (const id of await filesOnDisk(context)) {
    if (listed.has(id)) continue;
    const paths = layout.file(id);
    const done = await readDone(disk, paths);
    const add = (part: string, reason: string) =>
      void gaps.push({ fileId: id, part, reason: `${reason} ${unlisted}` });
    if (done === null) {
      add("file", "the File is incomplete on disk");
      continue;
    }
    const damage = await findDamagedFile(context, id);
    if (damage !== null) add("file", damage);
    const hasLogs = done.logs ??
      await listDir(disk, paths.list("logs")) !== null;
    const isDataset = manifest.files.get(id)?.type === "dataset";
    // It came from another export, or export.json is a new one.
    const isNew = !manifest.files.has(id) && done.logs !== undefined;
    if (isNew && damage === null) {
      manifest.setFile(await fileOnDisk(context, id), "complete", done.counts);
    }
    if (logs && !hasLogs && !isDataset) {
      add("logs", "the File was exported without Logs");
    }
  }
  return gaps;
}

/** Reads the type and path of a File from its `file.json`. */
async function fileOnDisk({ disk, layout }: RunContext, id: string) {
  const json = parseJson(await readFile(disk, layout.file(id).file));
  const { type, path } = isObject(json) ? json : {};
  return {
    id,
    type: isText(type) ? type : "",
    path: isText(path) ? path : null,
  };
}

/** Checks whether an export holds Logs of any File. */
export async function holdsLogs(
  { disk, layout }: Pick<RunContext, "disk" | "layout">,
): Promise<boolean> {
  for (const id of await filesOnDisk({ disk, layout })) {
    const logs = layout.file(id).list("logs");
    if (await listDir(disk, logs) !== null) return true;
  }
  return false;
}

async function filesOnDisk(
  { disk, layout }: Pick<RunContext, "disk" | "layout">,
): Promise<readonly string[]> {
  const entries = await listDir(disk, layout.files) ?? [];
  return entries.map(({ name }) => name).filter(isSafeId);
}

function anotherWorkspace(why: string): UsageError {
  return new UsageError(
    `this export is of another workspace: ${why}; use the key that it was started with, or start a new export without --resume`,
  );
}
