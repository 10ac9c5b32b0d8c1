/** Writes records that become one file each, named by their ids. */
import { basename, join } from "@std/path";
import type { IdInfo } from "../../api/client.ts";
import type { RawRecord } from "../../api/records.ts";
import type { RecordKind } from "../../core/observer.ts";
import { listDir, onDisk } from "../../tree/write/atomic_file.ts";
import {
  isAside,
  nameBeforeAside,
  removeReplaced,
  setAside,
} from "../../tree/write/removal.ts";
import { type FileContext, writeDocument } from "../context.ts";
import { SafeIds } from "./safe_ids.ts";

/** Records of one kind, and where they go. */
export interface Documents {
  /** What a gap among them is called. */
  readonly part: string;
  readonly kind: RecordKind;
  readonly dir: string;
  readonly records: readonly RawRecord<IdInfo>[];
}

/**
 * Writes each record under its id.
 *
 * @returns The ids written, in order.
 * @throws {StorageError} When the disk fails.
 */
export async function writeDocuments(
  context: FileContext,
  { part, kind, dir, records }: Documents,
): Promise<readonly string[]> {
  const { report, progress } = context;
  const ids = new SafeIds();
  const byId = new Map<string, Uint8Array>();
  for (const { info: { id }, bytes } of records) {
    const refusal = ids.refusal(id);
    if (refusal === null) byId.set(id, bytes);
    else report.addGap(part, refusal);
  }
  progress.expect(byId.size);
  for (const [id, bytes] of byId) {
    await writeDocument(context, join(dir, id), bytes, kind);
    progress.done(1);
  }
  await setAsideOthers(context, part, dir, new Set(byId.keys()));
  report.count(kind, byId.size);
  return [...byId.keys()];
}

/**
 * Sets aside what a directory holds beyond the given names: an earlier run
 * exported it, and the API no longer lists it.
 *
 * @param part The part that the gap names.
 * @throws {StorageError} When the disk fails.
 */
export async function setAsideOthers(
  { disk, sums, report, isNew }: FileContext,
  part: string,
  dir: string,
  names: ReadonlySet<string>,
): Promise<void> {
  if (isNew) return;
  const entries = await listDir(disk, dir) ?? [];
  const there = new Set(entries.map(({ name }) => name));
  for (const { name, isDirectory } of entries) {
    if (names.has(name)) continue;
    const path = join(dir, name);
    const before = nameBeforeAside(name);
    const isListed = isAside(name) && names.has(before);
    if (isListed && isDirectory) {
      // `ListOnDisk` decides about chunks that it set aside.
      if (there.has(before)) continue;
      // The API lists it again, so the export goes on with what is there of it.
      await onDisk(
        `rename ${path}`,
        () => disk.rename(path, join(dir, before)),
      );
      there.add(before);
      continue;
    }
    if (isListed) {
      await removeReplaced(disk, path, () => Promise.resolve(true));
      continue;
    }
    const aside = isAside(name) ? path : await setAside(disk, path, sums);
    report.addGap(
      part,
      `${before} was exported before and the API no longer lists it; it is kept as ${
        basename(aside)
      }`,
    );
  }
}
