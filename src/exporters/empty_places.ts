/**
 * Fills the places of a list that an earlier run had to leave empty: just they
 * are asked for again, and put where they belong.
 */
import { fetchRange, type Piece } from "../api/places.ts";
import type { DatedList } from "../api/date_windows.ts";
import type { ListSpec } from "../api/page.ts";
import type { ListWalk, WalkStart } from "../api/walk_types.ts";
import { CHUNK_RECORDS } from "../chunk_size.ts";
import type { RecordKind } from "../observer.ts";
import type {
  EmptyPlaces,
  ListState,
  StateWindow,
} from "../tree/file_state.ts";
import { chunkPath, type ListName } from "../tree/layout.ts";
import { readChunk, spliceChunk } from "../tree/list_reader.ts";
import type { FileContext } from "./context.ts";

/** One list of a File. */
export interface ListExport<T> {
  readonly name: ListName;
  readonly kind: RecordKind;
  readonly spec: ListSpec<T>;
  /** The list between two instants; without it, `spec`. */
  readonly specOf?: DatedList<T>;
  /** Begins a walk; without it, one over `spec`. */
  readonly open?: (
    start: WalkStart,
    saved: ListState | undefined,
  ) => Promise<OpenedList<T>>;
  /** Hears that the list is in no order of time. */
  readonly onDisorder?: () => void;
}

/** A walk, and how its list was asked for. */
export interface OpenedList<T> {
  readonly walk: ListWalk<T>;
  /** The instant up to which (ISO 8601); absent for all of it. */
  readonly until?: string;
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
  const { http } = context.walk;
  for (const places of saved.empty) {
    const { after, until } = places.window ??
      { after: null, until: saved.until ?? null };
    const spec = list.specOf?.(after, until) ?? list.spec;
    const before = places.window?.before ?? 0;
    const from = places.offset - before;
    context.observer.requestsExpected(1);
    const asking = { http, spec, cuts: { failed: 0 } };
    const pieces = await fetchRange(asking, from, from + places.count);
    const total = places.window?.count ?? saved.total;
    for (const piece of pieces) {
      const { empty } = state;
      const left = piece.kind === "gap"
        ? leftOf(empty, before + piece.from, piece)
        : await fillPiece(context, list, { empty, before, total, piece });
      if (left === empty) continue;
      state = { ...state, empty: left };
      await context.state.setList(list.name, state);
    }
  }
  return state;
}

/** What stays empty of places that still cannot be had: the same, in finer pieces. */
function leftOf(
  empty: readonly EmptyPlaces[],
  from: number,
  { from: start, to, failure }: Piece<unknown> & { kind: "gap" },
): readonly EmptyPlaces[] {
  const reason = failure.message;
  return without(empty, from, to - start, (window) => ({
    offset: from,
    count: to - start,
    reason,
    ...(window === undefined ? {} : { window }),
  }));
}

/** Replaces some of the empty places by others, or by none. */
function without(
  empty: readonly EmptyPlaces[],
  from: number,
  count: number,
  instead?: (window: StateWindow | undefined) => EmptyPlaces,
): readonly EmptyPlaces[] {
  const to = from + count;
  return empty.flatMap((one) => {
    const end = one.offset + one.count;
    if (one.offset >= to || end <= from) return [one];
    const parts: EmptyPlaces[] = [
      { ...one, count: from - one.offset },
      ...(instead ? [instead(one.window)] : []),
      { ...one, offset: to, count: end - to },
    ];
    return parts.filter(({ count }) => count > 0);
  });
}

interface Fill<T> {
  readonly empty: readonly EmptyPlaces[];
  /** Places of the list before the window that was asked. */
  readonly before: number;
  /** How many records that window is known to hold. */
  readonly total: number;
  readonly piece: Piece<T> & { readonly kind: "records" };
}

/** Puts records into their places, and returns which are empty after that. */
async function fillPiece<T>(
  context: FileContext,
  { name, kind, spec }: ListExport<T>,
  { empty, before, total, piece }: Fill<T>,
): Promise<readonly EmptyPlaces[]> {
  const { disk, paths, observer } = context;
  if (piece.total !== total) throw new SourceChanged();
  const offset = before + piece.from;
  const { records } = piece;
  const dir = paths.list(name);
  const chunk = Math.floor(offset / CHUNK_RECORDS) + 1;
  const keys = records.map(({ info }) => spec.key(info));
  const there = new Set(await readKeys(context, spec, chunkPath(dir, chunk)));
  const left = without(empty, offset, records.length);
  if (new Set(keys).size < keys.length) throw new SourceChanged();
  // A kill may have come after they were put there.
  if (keys.every((key) => there.has(key))) return left;
  if (keys.some((key) => there.has(key))) throw new SourceChanged();
  const earlier = inChunk(empty, chunk).map((one) => ({
    ...one,
    count: Math.max(0, Math.min(one.count, offset - one.offset)),
  }));
  const line = offset % CHUNK_RECORDS - missingOf(earlier);
  const lines = records.map(({ bytes }) => bytes);
  const bytes = await spliceChunk(disk, { dir, chunk, line }, lines);
  observer.written(kind, records.length, bytes);
  return left;
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

/** The same places, none of them across two chunks. */
export function byChunk(places: EmptyPlaces): readonly EmptyPlaces[] {
  const parts: EmptyPlaces[] = [];
  const end = places.offset + places.count;
  for (let offset = places.offset; offset < end;) {
    const to = Math.min(end, offset - offset % CHUNK_RECORDS + CHUNK_RECORDS);
    parts.push({ ...places, offset, count: to - offset });
    offset = to;
  }
  return parts;
}

/** Adds places at the end; those that go on where the last ended make one with it. */
export function addPlaces(empty: EmptyPlaces[], places: EmptyPlaces): void {
  const last = empty.at(-1);
  const goesOn = last !== undefined &&
    last.offset + last.count === places.offset &&
    places.offset % CHUNK_RECORDS !== 0 && last.window === places.window;
  if (!goesOn) return void empty.push(places);
  empty[empty.length - 1] = { ...last, count: last.count + places.count };
}

/** How many records these places lack. */
export function missingOf(empty: readonly EmptyPlaces[]): number {
  return empty.reduce((sum, { count }) => sum + count, 0);
}
