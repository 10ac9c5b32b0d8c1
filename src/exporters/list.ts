/**
 * Exports one list of records into its chunks. It goes on behind the complete
 * chunks of an earlier run, asks again for places that are empty, and calls the
 * list finished only when its distinct records are as many as the API says.
 */
import { NotByDate } from "../api/date_windows.ts";
import { RecentKeys } from "../api/recent_keys.ts";
import { openWalk } from "../api/walk.ts";
import type { WalkStart } from "../api/walk_types.ts";
import { CHUNK_RECORDS } from "../chunk_size.ts";
import {
  addPlaces,
  byChunk,
  inChunk,
  missingOf,
} from "../tree/empty_places.ts";
import type {
  EmptyPlaces,
  ListState,
  StateWindow,
} from "../tree/file_state.ts";
import { chunkPath } from "../tree/layout.ts";
import { countChunks } from "../tree/list_reader.ts";
import { ListWriter } from "../tree/list_writer.ts";
import { keepOnly, moveAside, removeAll } from "../tree/storage.ts";
import type { FileContext } from "./context.ts";
import {
  fillPlaces,
  type ListExport,
  readKeys,
  SourceChanged,
} from "./fill_places.ts";
import { MAX_WALKS } from "./small_list.ts";

/** What a walk came to. */
interface Outcome {
  readonly list: ListState;
  /** Why the records cannot be called the list; `null` when they can. */
  readonly mismatch: string | null;
}

/**
 * Exports a list. One that changes while it is read is read again, up to three
 * times.
 *
 * @throws {ApiError | NetworkError | ProtocolError} When it cannot be begun.
 * @throws {StorageError} When the disk refuses.
 */
export async function exportList<T>(
  context: FileContext,
  list: ListExport<T>,
): Promise<void> {
  const { state, tally, observer } = context;
  for (let walks = 1;; walks++) {
    const { list: { total, empty }, mismatch } = await readList(context, list);
    if (mismatch !== null) {
      await state.setList(list.name, undefined);
      if (walks < MAX_WALKS) {
        const what = list.spec.what;
        observer.log("WARN", `reading the ${what} again: ${mismatch}`);
        continue;
      }
      tally.miss(list.name, `${mismatch}; resume to read it again`);
    }
    for (const { offset, count, reason } of empty) {
      tally.miss(list.name, reason, { offset, missing: count });
    }
    tally.add(list.kind, total - missingOf(empty));
    return;
  }
}

async function readList<T>(
  context: FileContext,
  list: ListExport<T>,
): Promise<Outcome> {
  try {
    const outcome = await continueList(context, list);
    if (outcome.mismatch === null) await finishList(context, list, outcome);
    return outcome;
  } catch (error) {
    const disorder = error instanceof NotByDate;
    if (!disorder && !(error instanceof SourceChanged)) throw error;
    if (disorder) list.onDisorder?.();
    const nothing = { total: 0, finished: false, empty: [] };
    const mismatch = disorder
      ? "it is in no order of time"
      : "it changed since the last run";
    return { list: nothing, mismatch };
  }
}

async function continueList<T>(
  context: FileContext,
  list: ListExport<T>,
): Promise<Outcome> {
  const { disk, paths } = context;
  const dir = paths.list(list.name);
  const found = await findChunks(context, list);
  let { saved, recent } = found;
  if (saved === undefined) await moveAside(disk, dir);
  else await keepOnly(disk, dir, chunkNames(found.chunks));
  await disk.ensureDir(dir);
  if (saved !== undefined) {
    const before = saved;
    saved = await fillPlaces(context, list, saved, found.chunks);
    if (saved !== before && recent.length > 0) {
      const last = chunkPath(dir, found.chunks);
      recent = await readKeys(context, list.spec, last);
    }
  }
  if (saved === undefined || found.chunks * CHUNK_RECORDS < saved.total) {
    return await walkList(context, list, { ...found, saved, recent });
  }
  return { list: saved, mismatch: null };
}

async function finishList<T>(
  { disk, paths, state }: FileContext,
  { name, spec }: ListExport<T>,
  { list: { total, empty, until } }: Outcome,
): Promise<void> {
  // What one request brings again needs no remembering.
  const small = total < CHUNK_RECORDS && total <= spec.pageSize;
  if (!small || empty.length > 0) {
    const known = { total, finished: true, empty };
    await state.setList(
      name,
      until === undefined ? known : { ...known, until },
    );
  }
  await removeAll(disk, `${paths.list(name)}.old`);
}

/** What an earlier run of this tool left of a list. */
interface Found {
  readonly saved: ListState | undefined;
  /** Complete chunks. */
  readonly chunks: number;
  /** Keys of the last complete chunk. */
  readonly recent: readonly string[];
}

async function findChunks<T>(
  context: FileContext,
  { name, spec }: ListExport<T>,
): Promise<Found> {
  const { disk, paths, state } = context;
  const nothing = { saved: undefined, chunks: 0, recent: [] };
  const saved = state.list(name);
  if (saved === undefined) return nothing;
  const dir = paths.list(name);
  let chunks = await countChunks(disk, dir);
  if (saved.finished) {
    const whole = chunks === Math.ceil(saved.total / CHUNK_RECORDS);
    return whole ? { saved, chunks, recent: [] } : nothing;
  }
  for (; chunks > 0; chunks--) {
    const recent = await readKeys(context, spec, chunkPath(dir, chunks));
    const lines = CHUNK_RECORDS - missingOf(inChunk(saved.empty, chunks));
    if (recent.length !== lines) continue;
    const empty = saved.empty.filter(({ offset }) =>
      offset < chunks * CHUNK_RECORDS
    );
    return { saved: { ...saved, empty }, chunks, recent };
  }
  return { ...nothing, saved: { ...saved, empty: [] } };
}

async function walkList<T>(
  context: FileContext,
  list: ListExport<T>,
  found: Found,
): Promise<Outcome> {
  const { disk, paths, state, observer } = context;
  const { saved, chunks } = found;
  const start = startBehind(found);
  const opened = await list.open?.(start, saved) ??
    { walk: await openWalk(context.walk, list.spec, start) };
  using walk = opened.walk;
  if (saved !== undefined && walk.total !== saved.total) {
    throw new SourceChanged();
  }
  const { total } = walk;
  const until = opened.until === undefined ? {} : { until: opened.until };
  const empty: EmptyPlaces[] = [...saved?.empty ?? []];
  /** Windows that were begun and are not yet whole chunks on disk. */
  const begun: StateWindow[] = saved?.rest === undefined ? [] : [saved.rest];
  let unsaved = saved === undefined;
  await using writer = new ListWriter({
    disk,
    dir: paths.list(list.name),
    chunks,
    beforeChunk: async (places) => {
      const { moved } = walk;
      const small = total < CHUNK_RECORDS && empty.length === 0;
      while (begun[1] !== undefined && begun[1].before <= places) {
        begun.shift();
        unsaved = true;
      }
      if (!unsaved && !moved || small) return;
      // Chunks of a list that moved are no ground to go on from after a kill.
      const rest = begun[0] === undefined ? {} : { rest: begun[0] };
      const known = { total, finished: false, empty, ...until, ...rest };
      await state.setList(list.name, moved ? undefined : known);
      unsaved = false;
    },
  });
  for await (const event of walk) {
    if (event.kind === "records") {
      const lines = event.records.map(({ bytes }) => bytes);
      const written = await writer.append(lines);
      observer.written(list.kind, lines.length, written);
    } else if (event.kind === "gap") {
      for (const places of byChunk(event.gap)) addPlaces(empty, places);
      unsaved = true;
      await writer.skip(event.gap.count);
    } else {
      begun.push(event.rest);
    }
  }
  await writer.finish();
  return {
    list: { total: writer.places, finished: true, empty, ...until },
    mismatch: walk.mismatch(writer.places),
  };
}

/** Where a walk goes on behind the complete chunks. */
function startBehind({ saved, chunks, recent }: Found): WalkStart {
  const skip = chunks * CHUNK_RECORDS;
  const isKnown = !saved?.empty.some(({ offset, count }) =>
    offset + count === skip
  );
  return {
    skip,
    last: isKnown ? recent.at(-1) ?? null : null,
    recent: new RecentKeys(recent),
  };
}

function chunkNames(chunks: number): ReadonlySet<string> {
  return new Set(Array.from({ length: chunks }, (_, i) => `${i + 1}.jsonl`));
}
