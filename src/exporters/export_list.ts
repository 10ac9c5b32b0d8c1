/**
 * Exports one list of records into its chunks. It goes on behind the complete
 * chunks of an earlier run, asks again for places that are empty, and calls the
 * list finished only when its distinct records are as many as the API says.
 */
import { NotTimeOrdered } from "../lists/time_windows.ts";
import { openWalk } from "../lists/list_reader.ts";
import { CHUNK_RECORDS } from "../core/chunk_size.ts";
import type { DateWindow, EmptyPlaces } from "../core/gap.ts";
import { addPlaces, byChunk, missingOf } from "../tree/gaps.ts";
import type { ListState } from "../tree/checkpoint.ts";
import { chunkPath } from "../tree/layout.ts";
import { ChunkWriter } from "../tree/chunk_writer.ts";
import { prune, removeAll, setAside } from "../tree/atomic_file.ts";
import { type Agreeing, findAgreeing } from "./unchanged_prefix.ts";
import type { FileContext } from "./context.ts";
import {
  fillPlaces,
  type ListExport,
  readKeys,
  SourceChanged,
} from "./fill_gaps.ts";
import { findChunks, type Found, startBehind } from "./resume_point.ts";
import { MAX_WALKS } from "./index_list.ts";

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
  const { state, report, observer } = context;
  let again: Again = { agreeing: null, isLast: false };
  for (let walks = 1;; walks++) {
    const outcome = await readList(context, list, again);
    const { list: { total, empty, until }, mismatch } = outcome;
    if (mismatch !== null) {
      await state.setList(list.name, undefined);
      if (walks < MAX_WALKS) {
        const what = list.spec.label;
        observer.log("WARN", `reading the ${what} again: ${mismatch}`);
        again = {
          agreeing: await findAgreeing(context, list, empty, until),
          isLast: walks === MAX_WALKS - 1,
        };
        continue;
      }
      report.addGap(list.name, `${mismatch}; resume to read it again`);
    }
    for (const { offset, count, reason } of empty) {
      report.addGap(list.name, reason, { offset, missing: count });
    }
    report.add(list.kind, total - missingOf(empty));
    return;
  }
}

/** How a list is read another time. */
interface Again {
  /** What to keep of the time before; `null` for the first time. */
  readonly agreeing: Agreeing | null;
  /** Whether it is read to its end whatever happens. */
  readonly isLast: boolean;
}

async function readList<T>(
  context: FileContext,
  list: ListExport<T>,
  again: Again,
): Promise<Outcome> {
  const saved = context.state.list(list.name);
  try {
    const outcome = again.agreeing === null
      ? await continueList(context, list)
      : await rereadList(context, list, again.agreeing, again.isLast);
    if (outcome.mismatch === null) await finishList(context, list, outcome);
    return outcome;
  } catch (error) {
    const disorder = error instanceof NotTimeOrdered;
    if (!disorder && !(error instanceof SourceChanged)) throw error;
    if (disorder) list.onDisorder?.();
    const mismatch = disorder
      ? "it is in no order of time"
      : "it changed since the last run";
    const unknown = { total: 0, finished: false, empty: [] };
    return {
      list: context.state.list(list.name) ?? saved ?? unknown,
      mismatch,
    };
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
  if (saved === undefined) await setAside(disk, dir);
  else await prune(disk, dir, chunkNames(found.chunks));
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
    const empty = saved?.empty ?? [];
    return await walkList(context, list, { ...found, saved, recent, empty });
  }
  return { list: saved, mismatch: null };
}

/** Reads a list again behind what agrees, or from its beginning. */
async function rereadList<T>(
  context: FileContext,
  list: ListExport<T>,
  agreeing: Agreeing,
  isLast: boolean,
): Promise<Outcome> {
  const { disk, paths } = context;
  const dir = paths.list(list.name);
  if (agreeing.chunks === 0) await setAside(disk, dir);
  else await prune(disk, dir, chunkNames(agreeing.chunks));
  await disk.ensureDir(dir);
  const found = { ...agreeing, saved: undefined, empty: [] };
  return await walkList(context, list, found, isLast);
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

async function walkList<T>(
  context: FileContext,
  list: ListExport<T>,
  found: Found,
  isLast = false,
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
  const empty: EmptyPlaces[] = [...found.empty];
  /** Windows that were begun and are not yet whole chunks on disk. */
  const begun: DateWindow[] = saved?.rest === undefined ? [] : [saved.rest];
  let unsaved = saved === undefined;
  await using writer = new ChunkWriter({
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
    // What is read from here on would have to be read again.
    if (walk.moved && !isLast) break;
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
  const isWhole = !walk.moved || isLast;
  if (isWhole) await writer.finish();
  return {
    list: { total: writer.places, finished: true, empty, ...until },
    mismatch: walk.mismatch(writer.places),
  };
}

function chunkNames(chunks: number): ReadonlySet<string> {
  return new Set(Array.from({ length: chunks }, (_, i) => `${i + 1}.jsonl`));
}
