/** Looks for the chunks of a list that an earlier run left complete. */
import { RecentKeys } from "../lists/recent_keys.ts";
import type { WalkStart } from "../lists/list_types.ts";
import { CHUNK_RECORDS } from "../core/chunk_size.ts";
import { inChunk, missingOf } from "../tree/gaps.ts";
import type { EmptyPlaces } from "../core/gap.ts";
import type { ListState } from "../tree/checkpoint.ts";
import { chunkPath } from "../tree/layout.ts";
import { countChunks } from "../tree/chunk_reader.ts";
import { type Agreeing, NOTHING } from "./unchanged_prefix.ts";
import type { FileContext } from "./context.ts";
import { type ListExport, readKeys } from "./fill_gaps.ts";

/** What there is of a list. */
export interface Found extends Agreeing {
  /** What an earlier run of this tool knew of it. */
  readonly saved: ListState | undefined;
  /** The empty places in these chunks. */
  readonly empty: readonly EmptyPlaces[];
}

/**
 * Finds them.
 *
 * @throws {StorageError} When the disk refuses.
 */
export async function findChunks<T>(
  context: FileContext,
  { name, spec }: ListExport<T>,
): Promise<Found> {
  const { disk, paths, state } = context;
  const nothing = { ...NOTHING, saved: undefined, empty: [] };
  const saved = state.list(name);
  if (saved === undefined) return nothing;
  const dir = paths.list(name);
  let chunks = await countChunks(disk, dir);
  if (saved.finished) {
    const whole = chunks === Math.ceil(saved.total / CHUNK_RECORDS);
    const { empty } = saved;
    return whole ? { saved, chunks, recent: [], empty } : nothing;
  }
  for (; chunks > 0; chunks--) {
    const recent = await readKeys(context, spec, chunkPath(dir, chunks));
    const lines = CHUNK_RECORDS - missingOf(inChunk(saved.empty, chunks));
    if (recent.length !== lines) continue;
    const empty = saved.empty.filter(({ offset }) =>
      offset < chunks * CHUNK_RECORDS
    );
    return { saved: { ...saved, empty }, chunks, recent, empty };
  }
  return { ...nothing, saved: { ...saved, empty: [] } };
}

/** Where a walk goes on behind the complete chunks. */
export function startBehind({ chunks, recent, empty }: Found): WalkStart {
  const skip = chunks * CHUNK_RECORDS;
  const isKnown = !empty.some(({ offset, count }) => offset + count === skip);
  return {
    skip,
    last: isKnown ? recent.at(-1) ?? null : null,
    recent: new RecentKeys(recent),
  };
}
