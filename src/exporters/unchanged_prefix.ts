/**
 * When a list moved while it was read, what was read of it is not all void: where
 * a chunk's last record stands at the same place as before, everything before it
 * that is still there has been read. What agrees is kept, the rest read again.
 */
import { fetchPage } from "../lists/page.ts";
import type { ListSpec } from "../api/list_spec.ts";
import { isListRecoverable } from "../core/errors.ts";
import { CHUNK_RECORDS } from "../core/chunk_size.ts";
import type { EmptyPlaces } from "../core/gap.ts";
import { chunkPath } from "../tree/layout.ts";
import { countChunks } from "../tree/chunk_reader.ts";
import type { FileContext } from "./context.ts";
import { type ListExport, readKeys } from "./fill_gaps.ts";

/** The beginning of a list that is on disk and still agrees with the API. */
export interface Agreeing {
  /** Complete chunks. */
  readonly chunks: number;
  /** Keys of the last of them. */
  readonly recent: readonly string[];
}

/** Nothing agrees. */
export const NOTHING: Agreeing = { chunks: 0, recent: [] };

/**
 * Finds out how much of a list agrees, by a few single records.
 *
 * @param list The list, whose chunks are on disk.
 * @param empty Places of it that are empty: no chunk from there on is kept, so
 * that they are asked for again.
 * @param until The instant up to which it was read; absent for all of it.
 * @throws {StorageError} When the disk refuses.
 */
export async function findAgreeing<T>(
  context: FileContext,
  list: ListExport<T>,
  empty: readonly EmptyPlaces[],
  until: string | undefined,
): Promise<Agreeing> {
  const { disk, paths } = context;
  const dir = paths.list(list.name);
  const spec = list.specOf?.(null, until ?? null) ?? list.spec;
  /** The keys of a chunk that agrees; `null` where it does not. */
  const agreeing = async (chunk: number): Promise<readonly string[] | null> => {
    const keys = await readKeys(context, spec, chunkPath(dir, chunk));
    if (keys.length !== CHUNK_RECORDS) return null;
    const last = await keyAt(context, spec, chunk * CHUNK_RECORDS - 1);
    return keys.at(-1) === last ? keys : null;
  };
  let found = NOTHING;
  const there = Math.min(
    await countChunks(disk, dir),
    ...empty.map(({ offset }) => Math.floor(offset / CHUNK_RECORDS)),
  );
  // Most changes are near the end, or shift everything.
  for (let step = there; step > 0 && found.chunks < there;) {
    const chunks = Math.min(there, found.chunks + step);
    const recent = await agreeing(chunks);
    if (recent !== null) found = { chunks, recent };
    else step = Math.floor(step / 2);
  }
  return found;
}

/** The key of the record at a place just now; `null` where it cannot be had. */
async function keyAt<T>(
  context: FileContext,
  spec: ListSpec<T>,
  place: number,
): Promise<string | null> {
  const { session } = context.walk;
  try {
    const page = await fetchPage(session, spec, { page: place + 1, size: 1 });
    const [record] = page.records;
    return record === undefined || page.size !== 1
      ? null
      : spec.key(record.info);
  } catch (error) {
    if (!isListRecoverable(error)) throw error;
    return null;
  }
}
