/**
 * Guards against going on with an export that is another workspace's, and finds
 * what an earlier run began and the workspace no longer lists.
 */
import { filesList } from "../api/client.ts";
import { openWalk } from "../lists/list_reader.ts";
import { isRecoverable, UsageError } from "../core/errors.ts";
import type { RunContext } from "./context.ts";
import { readDone } from "../tree/checkpoint.ts";
import { isSafeId } from "../tree/layout.ts";
import type { Gap } from "../tree/manifest.ts";
import { listDir } from "../tree/atomic_file.ts";

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
 * For an export that does not say which workspace it is of: looks for one of
 * its Files in the listing, before anything is written.
 *
 * @throws {UsageError} When the workspace lists none of them.
 */
export async function expectKnownFiles(context: RunContext): Promise<void> {
  const onDisk = new Set(await filesOnDisk(context));
  if (onDisk.size === 0) return;
  try {
    using walk = await openWalk(context.walk, filesList(null));
    for await (const event of walk) {
      if (event.kind === "gap") return;
      if (event.kind !== "records") continue;
      if (event.records.some(({ info }) => onDisk.has(info.id))) return;
    }
  } catch (error) {
    // The listing itself will meet the same failure, and say so.
    if (isRecoverable(error)) return;
    throw error;
  }
  throw anotherWorkspace("none of its Files is in this one");
}

/**
 * Files that an earlier run began, that are incomplete and no longer listed.
 *
 * @param listed The ids that the workspace lists.
 * @param isWhole Whether that is all of them.
 * @throws {StorageError} When the disk refuses.
 */
export async function unlistedFiles(
  context: RunContext,
  listed: ReadonlySet<string>,
  isWhole: boolean,
): Promise<readonly Gap[]> {
  const { disk, layout } = context;
  const gaps: Gap[] = [];
  for (const id of await filesOnDisk(context)) {
    if (listed.has(id)) continue;
    if (await readDone(disk, layout.file(id)) !== null) continue;
    const reason = isWhole
      ? "the File is incomplete on disk and the API no longer lists it"
      : "the File is incomplete on disk, and not all Files could be listed";
    gaps.push({ fileId: id, part: "file", reason });
  }
  return gaps;
}

async function filesOnDisk(
  { disk, layout }: RunContext,
): Promise<readonly string[]> {
  const entries = await listDir(disk, layout.files) ?? [];
  return entries.map(({ name }) => name).filter(isSafeId);
}

function anotherWorkspace(why: string): UsageError {
  return new UsageError(
    `this export is of another workspace: ${why}; use the key that it was begun with, or start a new export without --resume`,
  );
}
