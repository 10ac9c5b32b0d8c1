/**
 * Fills the places of a list that an earlier run had to leave empty: just their
 * pages are asked for again, and put where they belong.
 */
import { fetchPageOrFailure, type ListSpec } from "../api/page.ts";
import type { Walk } from "../api/walk.ts";
import type { WalkStart } from "../api/walk_types.ts";
import { CHUNK_RECORDS } from "../chunk_size.ts";
import type { RecordKind } from "../observer.ts";
import type { EmptyPlaces, ListState } from "../tree/file_state.ts";
import { chunkPath, type ListName } from "../tree/layout.ts";
import { readChunk, spliceChunk } from "../tree/list_reader.ts";
import type { FileContext } from "./context.ts";

/** One list of a File. */
export interface ListExport<T> {
  readonly name: ListName;
  readonly kind: RecordKind;
  readonly spec: ListSpec<T>;
  /** Begins a walk; without it, one over `spec`. */
  readonly open?: (start: WalkStart) => Promise<Walk<T>>;
}

/** The source is no longer what the chunks on disk were made from. */
export class SourceChanged extends Error {}

/**
 * Asks again for what an earlier run could not get; what still cannot be had
 * stays empty.
 *
 * @param saved What is known of the list.
 * @returns What is known of it now.
 * @throws {SourceChanged} When the list is no longer the same.
 */
export async function fillPlaces<T>(
  context: FileContext,
  list: ListExport<T>,
  saved: ListState,
): Promise<ListState> {
  let state = saved;
  for (const places of saved.empty) {
    if (!await fillOne(context, list, state, places)) continue;
    const empty = state.empty.filter((one) => one !== places);
    state = { ...state, empty };
    await context.state.setList(list.name, state);
  }
  return state;
}

async function fillOne<T>(
  context: FileContext,
  { name, kind, spec }: ListExport<T>,
  saved: ListState,
  places: EmptyPlaces,
): Promise<boolean> {
  const { disk, paths, observer } = context;
  const { offset, count, kept, pageSize } = places;
  observer.requestsExpected(1);
  const { page, failure } = await fetchPageOrFailure(context.walk.http, spec, {
    page: offset / pageSize + 1,
    size: pageSize,
  });
  if (page === undefined || failure !== undefined) return false;
  const keys = page.records.map(({ info }) => spec.key(info));
  // A server that gives another number a page gave other places.
  const samePlaces = page.size === pageSize && page.total === saved.total;
  if (!samePlaces || new Set(keys).size !== count) throw new SourceChanged();
  const dir = paths.list(name);
  const chunk = Math.floor(offset / CHUNK_RECORDS) + 1;
  const there = await readKeys(context, spec, chunkPath(dir, chunk));
  const earlier = inChunk(saved.empty, chunk).filter((one) =>
    one.offset < offset
  );
  const line = offset % CHUNK_RECORDS - missingOf(earlier);
  const others = new Set(there.toSpliced(line, kept));
  if (keys.every((key) => there.includes(key))) return true;
  if (keys.some((key) => others.has(key))) throw new SourceChanged();
  const records = page.records.map(({ bytes }) => bytes);
  const splice = { dir, chunk, line, replaced: kept };
  const bytes = await spliceChunk(disk, splice, records);
  observer.written(kind, count - kept, bytes);
  return true;
}

/** The keys of the records in a chunk. */
export async function readKeys<T>(
  context: FileContext,
  spec: ListSpec<T>,
  path: string,
): Promise<string[]> {
  return await readChunk(
    context.disk,
    path,
    (line) => spec.key(spec.read(JSON.parse(line))),
  );
}

/** The empty places of one chunk. */
export function inChunk(
  empty: readonly EmptyPlaces[],
  chunk: number,
): readonly EmptyPlaces[] {
  return empty.filter(({ offset }) =>
    Math.floor(offset / CHUNK_RECORDS) + 1 === chunk
  );
}

/** How many records these places lack. */
export function missingOf(empty: readonly EmptyPlaces[]): number {
  return empty.reduce((sum, { count, kept }) => sum + count - kept, 0);
}
