/** Writes records that become one file each, named by their ids. */
import type { IdInfo } from "../api/client.ts";
import type { RawRecord } from "../api/records.ts";
import type { RecordKind } from "../core/observer.ts";
import { isSafeId } from "../tree/layout.ts";
import { prune, writeFile } from "../tree/atomic_file.ts";
import { join } from "@std/path";
import { type FileContext, unsafeId } from "./context.ts";

/** Records of one kind, and where they go. */
export interface Documents {
  /** What a gap among them is called. */
  readonly part: string;
  readonly kind: RecordKind;
  /** The directory; what else is in it is a leftover, and goes. */
  readonly dir: string;
  readonly records: readonly RawRecord<IdInfo>[];
}

/**
 * Writes each record under its id.
 *
 * @returns The ids written, in order.
 * @throws {StorageError} When the disk refuses.
 */
export async function writeDocuments(
  context: FileContext,
  { part, kind, dir, records }: Documents,
): Promise<readonly string[]> {
  const { disk, observer, report } = context;
  const byId = new Map<string, Uint8Array>();
  for (const { info: { id }, bytes } of records) {
    if (!isSafeId(id)) report.addGap(part, unsafeId(id));
    else if (byId.has(id)) report.addGap(part, `${id} is listed twice`);
    else byId.set(id, bytes);
  }
  await prune(disk, dir, new Set(byId.keys()));
  for (const [id, bytes] of byId) {
    await writeFile(disk, join(dir, id), bytes);
    observer.written(kind, 1, bytes.length);
  }
  report.add(kind, byId.size);
  return [...byId.keys()];
}
