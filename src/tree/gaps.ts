/**
 * Reckons with the places of a list that are empty: which run together, which
 * chunk and line they concern, what is left when some are filled.
 */
import { CHUNK_RECORDS } from "../core/chunk_size.ts";
import type { EmptyPlaces } from "../core/gap.ts";

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
/** Empty places that follow on each other, across chunks too. */
export function runsOf(empty: readonly EmptyPlaces[]): readonly EmptyPlaces[] {
  const runs: EmptyPlaces[] = [];
  for (const places of empty) {
    const last = runs.at(-1);
    const goesOn = last !== undefined &&
      last.offset + last.count === places.offset &&
      last.window?.before === places.window?.before;
    if (!goesOn) runs.push(places);
    else runs[runs.length - 1] = { ...last, count: last.count + places.count };
  }
  return runs;
}

/** The line that a place's record has, or would have, in its chunk. */
export function lineOf(empty: readonly EmptyPlaces[], place: number): number {
  const chunk = Math.floor(place / CHUNK_RECORDS) + 1;
  const earlier = inChunk(empty, chunk).map((one) => ({
    ...one,
    count: Math.max(0, Math.min(one.count, place - one.offset)),
  }));
  return place % CHUNK_RECORDS - missingOf(earlier);
}

/** Replaces some of the empty places: by none, or by those of a gap. */
export function without(
  empty: readonly EmptyPlaces[],
  from: number,
  count: number,
  gap?: { readonly failure: Error },
): readonly EmptyPlaces[] {
  const to = from + count;
  const reason = gap?.failure.message;
  return empty.flatMap((one) => {
    const end = one.offset + one.count;
    if (one.offset >= to || end <= from) return [one];
    const inside = reason === undefined
      ? []
      : [{ ...one, offset: from, count, reason }];
    return [
      { ...one, count: from - one.offset },
      ...inside,
      { ...one, offset: to, count: end - to },
    ].filter(({ count }) => count > 0);
  });
}
