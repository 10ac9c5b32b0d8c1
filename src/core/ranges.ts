/** Computes with ranges of a list's records: chunks, time windows, gaps. */
import type { RecordGap } from "./gap.ts";

/**
 * Records in one chunk on disk. The tree promises it: record `offset` of a list
 * is in chunk `floor(offset / 1000) + 1`.
 */
export const CHUNK_RECORDS = 1000;

/** The records of a list of Logs that were created between two instants. */
export interface TimeWindow {
  /** ISO 8601; `null` for no bound. */
  readonly after: string | null;
  readonly until: string | null;
  /** Index in the list of its first record. */
  readonly offset: number;
  /** How many records it holds. */
  readonly count: number;
}

/** Counts the records of time windows. */
export function countInWindows(windows: readonly TimeWindow[]): number {
  return windows.reduce((sum, { count }) => sum + count, 0);
}

/** Returns the number of the chunk, from 1, that a record belongs to. */
export function chunkOf(offset: number): number {
  return Math.floor(offset / CHUNK_RECORDS) + 1;
}

/** Returns the offset of the first record of a chunk. */
export function offsetOf(chunk: number): number {
  return (chunk - 1) * CHUNK_RECORDS;
}

/** Returns the gaps that lie in a chunk. */
export function gapsOfChunk(
  gaps: readonly RecordGap[],
  chunk: number,
): readonly RecordGap[] {
  return gaps.filter(({ offset }) => chunkOf(offset) === chunk);
}

/**
 * Adds a gap behind the others, and joins it with the last where they touch.
 */
export function addGap(gaps: RecordGap[], gap: RecordGap): void {
  const last = gaps.at(-1);
  const goesOn = last !== undefined &&
    last.offset + last.missing === gap.offset &&
    gap.offset % CHUNK_RECORDS !== 0;
  if (!goesOn) return void gaps.push(gap);
  gaps[gaps.length - 1] = { ...last, missing: last.missing + gap.missing };
}

/** Counts the records of these gaps. */
export function countMissing(gaps: readonly RecordGap[]): number {
  return gaps.reduce((sum, { missing }) => sum + missing, 0);
}
