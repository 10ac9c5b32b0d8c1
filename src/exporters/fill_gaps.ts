/**
 * Fills the places of a list that an earlier run had to leave empty: just they
 * are asked for again, and put where they belong.
 */
import { fetchAround } from "../lists/split_page.ts";
import type { Piece } from "../lists/overlap.ts";
import type { DatedList } from "../lists/time_windows.ts";
import type { ListSpec } from "../api/list_spec.ts";
import type { ListWalk, WalkStart } from "../lists/list_types.ts";
import { CHUNK_RECORDS } from "../core/chunk_size.ts";
import type { RecordKind } from "../core/observer.ts";
import { byChunk, lineOf, runsOf, without } from "../tree/gaps.ts";
import type { EmptyPlaces } from "../core/gap.ts";
import type { ListState } from "../tree/checkpoint.ts";
import { chunkPath, type ListName } from "../tree/layout.ts";
import { readChunk, spliceChunk } from "../tree/chunk_reader.ts";
import { oneRequest } from "../core/work.ts";
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
 * stays empty. The records on both sides are asked for too: only between the
 * same two can be what is missing.
 *
 * @param saved What is known of the list.
 * @param chunks How many complete chunks there are.
 * @returns What is known of it now.
 * @throws {SourceChanged} When the list is no longer the same.
 */
export async function fillPlaces<T>(
  context: FileContext,
  list: ListExport<T>,
  saved: ListState,
  chunks: number,
): Promise<ListState> {
  let state = saved;
  const there = Math.min(saved.total, chunks * CHUNK_RECORDS);
  for (const run of runsOf(saved.empty)) {
    const pieces = await fetchRun(context, list, { ...saved, there }, run);
    for (const piece of pieces.flatMap(splitByChunk)) {
      const empty = piece.kind === "gap"
        ? without(state.empty, piece.from, piece.to - piece.from, piece)
        : await fillPiece(context, list, state.empty, piece);
      state = { ...state, empty };
      await context.state.setList(list.name, state);
    }
  }
  return state;
}

/** What an earlier run left of a list. */
interface OnDisk extends ListState {
  /** Places up to the end of the chunks that are on disk. */
  readonly there: number;
}

/** Asks for empty places, and makes sure that their neighbours are the same. */
async function fetchRun<T>(
  context: FileContext,
  list: ListExport<T>,
  saved: OnDisk,
  { offset, count, window }: EmptyPlaces,
): Promise<readonly Piece<T>[]> {
  const { after, until } = window ??
    { after: null, until: saved.until ?? null };
  const before = window?.before ?? 0;
  const total = window?.count ?? saved.total;
  const spec = list.specOf?.(after, until) ?? list.spec;
  const first = offset - before;
  const from = Math.max(0, first - 1);
  const to = Math.min(total, first + count + 1);
  const asking = { session: context.walk.session, spec, cuts: { failed: 0 } };
  const { pieces, torn } = await oneRequest(
    context.work,
    () => fetchAround(asking, from, to, total),
  );
  if (torn) throw new SourceChanged();
  const changed = pieces.some((piece) =>
    piece.kind === "records" && piece.total !== total
  );
  if (changed) throw new SourceChanged();
  for (const place of [first - 1, first + count]) {
    const known = await keyOnDisk(context, list, saved, before + place);
    const key = keyAt(pieces, place, spec);
    // Nothing is put beside a record that cannot be seen any more.
    if (known !== null && key === null) return [];
    if (known !== null && key !== known) throw new SourceChanged();
  }
  return pieces.flatMap((piece) =>
    clip(piece, first, first + count, before) ?? []
  );
}

function keyAt<T>(
  pieces: readonly Piece<T>[],
  place: number,
  spec: ListSpec<T>,
): string | null {
  for (const piece of pieces) {
    if (piece.kind === "gap") continue;
    const record = piece.records[place - piece.from];
    if (record !== undefined) return spec.key(record.info);
  }
  return null;
}

/** The key of the record on disk at a place; `null` where there is none. */
async function keyOnDisk<T>(
  context: FileContext,
  { name, spec }: ListExport<T>,
  { there, empty }: OnDisk,
  place: number,
): Promise<string | null> {
  const isEmpty = empty.some(({ offset, count }) =>
    offset <= place && place < offset + count
  );
  if (place < 0 || place >= there || isEmpty) return null;
  const chunk = Math.floor(place / CHUNK_RECORDS) + 1;
  const path = chunkPath(context.paths.list(name), chunk);
  const keys = await readKeys(context, spec, path);
  return keys[lineOf(empty, place)] ?? null;
}

/** The part of a piece between two places, counted in the whole list. */
function clip<T>(
  piece: Piece<T>,
  from: number,
  to: number,
  before: number,
): Piece<T> | null {
  const start = Math.max(piece.from, from);
  if (piece.kind === "gap") {
    const end = Math.min(piece.to, to);
    if (end <= start) return null;
    return { ...piece, from: before + start, to: before + end };
  }
  const records = piece.records.slice(start - piece.from, to - piece.from);
  if (records.length === 0) return null;
  return { ...piece, from: before + start, records };
}

function splitByChunk<T>(piece: Piece<T>): readonly Piece<T>[] {
  const parts: Piece<T>[] = [];
  const count = piece.kind === "gap"
    ? piece.to - piece.from
    : piece.records.length;
  const places = { offset: piece.from, count, reason: "" };
  for (const { offset, count } of byChunk(places)) {
    const part = clip(piece, offset, offset + count, 0);
    if (part !== null) parts.push(part);
  }
  return parts;
}

/** Puts records into their places, and returns which are empty after that. */
async function fillPiece<T>(
  context: FileContext,
  { name, kind, spec }: ListExport<T>,
  empty: readonly EmptyPlaces[],
  { from, records }: Piece<T> & { readonly kind: "records" },
): Promise<readonly EmptyPlaces[]> {
  const { disk, paths, observer } = context;
  const dir = paths.list(name);
  const chunk = Math.floor(from / CHUNK_RECORDS) + 1;
  const keys = records.map(({ info }) => spec.key(info));
  const there = new Set(await readKeys(context, spec, chunkPath(dir, chunk)));
  const left = without(empty, from, records.length);
  if (new Set(keys).size < keys.length) throw new SourceChanged();
  // A kill may have come after they were put there.
  if (keys.every((key) => there.has(key))) return left;
  if (keys.some((key) => there.has(key))) throw new SourceChanged();
  const lines = records.map(({ bytes }) => bytes);
  const splice = { dir, chunk, line: lineOf(empty, from) };
  const bytes = await spliceChunk(disk, splice, lines);
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
