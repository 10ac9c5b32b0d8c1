/**
 * Exports one list of records into its chunks: the reconciler. It compares what
 * is on disk with the list, and reads every run of chunks that is missing or
 * has a gap. A fresh run, a resume, filling gaps and re-reading a list that
 * changed are this one loop with different starting points.
 */
import { listLabel, type ListSpec } from "../../api/list_spec.ts";
import type { Session } from "../../api/session/session.ts";
import { isRecoverable } from "../../core/errors.ts";
import {
  countInWindows,
  offsetOf,
  type TimeWindow,
} from "../../core/ranges.ts";
import {
  type Cursor,
  type ListReader,
  openList,
  wholeList,
} from "../../lists/list_reader.ts";
import { fetchKeys } from "../../lists/record_keys.ts";
import type { ListCheckpoint } from "../../tree/checkpoint.ts";
import { ChunkWriter } from "./chunk_writer.ts";
import type { ExportedList, FileContext } from "../context.ts";
import { MAX_READINGS } from "./index_list.ts";
import { type ChunkRun, ListOnDisk, type Source } from "./list_on_disk.ts";

/** A list to export. */
export interface ListExport<T> extends ExportedList<T> {
  /** Opens the list; if absent, it is read as one list by `spec`. */
  readonly open?: (request: OpenRequest) => Promise<OpenedList<T>>;
}

/** Where to open a list. */
export interface OpenRequest {
  /** How an earlier run requested it; absent if this run decides. */
  readonly checkpoint: ListCheckpoint | undefined;
  readonly cursor: Cursor;
  /** The offset behind the last record that is wanted; absent for all. */
  readonly end: number | undefined;
}

/** A list that is open, and how it is requested. */
export interface OpenedList<T> {
  readonly reader: ListReader<T>;
  /** Requests the list, or all of its frozen part, as one. */
  readonly spec: ListSpec<T>;
  /** The time windows of the frozen part; absent if nothing is frozen. */
  readonly windows?: readonly TimeWindow[];
}

/** How a run of chunks was read. */
interface Reading<T> {
  /** Why what is on disk is not the list; `null` when it is. */
  readonly mismatch: string | null;
  readonly spec: ListSpec<T>;
  /** The number of the last chunk that was read; `null` for the list's last. */
  readonly last: number | null;
}

const CHANGED_BETWEEN_RUNS = "it changed since the last run";

/**
 * Exports a list. One that changes while it is read keeps its unchanged prefix
 * and is read again behind it, three times at most.
 *
 * @throws {ApiError | NetworkError | ProtocolError} When it cannot be opened.
 * @throws {StorageError} When the disk fails.
 */
export async function exportList<T>(
  context: FileContext,
  list: ListExport<T>,
): Promise<void> {
  const { session } = context.reader;
  const onDisk = await ListOnDisk.open(context, list);
  try {
    for (let readings = 1;; readings++) {
      const isLast = readings === MAX_READINGS;
      let reading: Reading<T> = {
        mismatch: null,
        spec: list.spec,
        last: null,
      };
      for (const run of onDisk.runsToRead()) {
        reading = await readRun(context, list, onDisk, { ...run, isLast });
        if (reading.mismatch !== null) break;
      }
      const { mismatch } = reading;
      if (mismatch === null || isLast) return await onDisk.finish(mismatch);
      const label = listLabel(list.spec);
      context.observer.log("WARN", `reading the ${label} again: ${mismatch}`);
      await onDisk.keepPrefix(await unchangedPrefix(session, reading, onDisk));
    }
  } catch (error) {
    // Counts what earlier runs exported.
    if (isRecoverable(error)) await onDisk.reportRecords();
    throw error;
  }
}

/** Reads one run of chunks; `isLast` when the list is read for the last time. */
async function readRun<T>(
  context: FileContext,
  list: ListExport<T>,
  onDisk: ListOnDisk<T>,
  { first, last, isLast }: ChunkRun & { readonly isLast: boolean },
): Promise<Reading<T>> {
  const { reader: lists, progress } = context;
  const { checkpoint, dir } = onDisk;
  const end = last === null ? undefined : offsetOf(last + 1);
  const cursor = await onDisk.cursorAt(first);
  const { reader, spec, windows }: OpenedList<T> =
    await list.open?.({ checkpoint, cursor, end }) ?? {
      reader: await openList(lists, wholeList(list.spec), cursor, { end }),
      spec: list.spec,
    };
  using _reader = reader;
  const isFrozen = windows !== undefined;
  if (checkpoint && !isFrozen && reader.total !== checkpoint.total) {
    return { mismatch: CHANGED_BETWEEN_RUNS, spec, last };
  }
  await onDisk.setAsideUnknown();
  using writer = new ChunkWriter(context, { ...list, dir, first });
  const source = (): Source => ({
    total: isFrozen ? countInWindows(windows) : reader.total,
    windows,
    hasChanged: reader.sourceChanged,
    isLast,
  });
  const expected = (end ?? reader.total) - offsetOf(first);
  progress.expect(expected);
  for await (const batch of reader) {
    // Stops reading a list that changed: all of this would be read again.
    if (reader.sourceChanged && !isLast) break;
    const from = writer.offset;
    for await (const chunk of writer.write(batch)) {
      await onDisk.commit(chunk, source());
    }
    progress.done(writer.offset - from);
  }
  const { offset } = writer;
  progress.expect(offset - offsetOf(first) - expected);
  for (const chunk of writer.end()) await onDisk.commit(chunk, source());
  const isCut = reader.sourceChanged && !isLast;
  const mismatch = reader.checkConsistency() ??
    (isCut ? "it changed" : null) ??
    await mismatchBehind(lists.session, spec, onDisk, last);
  if (mismatch === null && last === null) await onDisk.end(offset, source());
  return { mismatch, spec, last };
}

/**
 * Checks that the chunks that were read end where the chunk behind them begins.
 */
async function mismatchBehind<T>(
  session: Session,
  spec: ListSpec<T>,
  onDisk: ListOnDisk<T>,
  last: number | null,
): Promise<string | null> {
  if (last === null) return null;
  const before = onDisk.endsOf(last);
  const after = onDisk.endsOf(last + 1);
  if (before === undefined || after === undefined) return null;
  const offset = offsetOf(last + 1);
  const keys = await fetchKeys(session, spec, offset - 1, offset + 1);
  const isSame = keys !== null && keys[0] === before.lastKey &&
    (keys[1] === null || keys[1] === after.firstKey);
  return isSame ? null : CHANGED_BETWEEN_RUNS;
}

/**
 * Counts the chunks at the beginning that are still what the API has: where a
 * chunk's last record is at the same offset as before, everything before it
 * that is still there has been read. Chunks behind the reading are of an earlier
 * one: records may have moved between the two.
 */
async function unchangedPrefix<T>(
  session: Session,
  { spec, last }: Reading<T>,
  onDisk: ListOnDisk<T>,
): Promise<number> {
  const complete = Math.min(onDisk.countComplete(), last ?? Infinity);
  let prefix = 0;
  // Begins at the end: most changes are near it, or shift everything.
  for (let step = complete; step > 0 && prefix < complete;) {
    const chunk = Math.min(complete, prefix + step);
    const offset = offsetOf(chunk + 1);
    const keys = await fetchKeys(session, spec, offset - 1, offset);
    const key = keys?.[0] ?? null;
    const isSame = key !== null && key === onDisk.endsOf(chunk)!.lastKey;
    if (isSame) prefix = chunk;
    else step = Math.floor(step / 2);
  }
  return prefix;
}
