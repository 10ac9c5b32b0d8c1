/**
 * Exports one list of records into its chunks: the reconciler. It compares what
 * is on disk with the list, and reads every run of chunks that is missing or has a
 * gap. A fresh run, a resume, the filling of gaps and the reading again of a list
 * that changed are this one loop with different starting points.
 */
import { listLabel, type ListSpec } from "../api/list_spec.ts";
import { isRecoverable } from "../core/errors.ts";
import type { RecordGap } from "../core/gap.ts";
import type { RecordKind } from "../core/observer.ts";
import {
  CHUNK_RECORDS,
  chunkOf,
  missingOf,
  offsetOf,
  recordsOf,
  type TimeWindow,
} from "../core/ranges.ts";
import { type ListReader, openList, wholeList } from "../lists/list_reader.ts";
import type { Cursor } from "../lists/list_types.ts";
import { fetchKeys } from "../lists/record_keys.ts";
import type { ListCheckpoint } from "../tree/checkpoint.ts";
import { listChunks, type ReadKey } from "../tree/chunk_reader.ts";
import type { ListName } from "../tree/layout.ts";
import { removeParts, setAsideFiles } from "../tree/removal.ts";
import type { FileContext } from "./context.ts";
import { MAX_READINGS } from "./index_list.ts";
import {
  type ChunkRun,
  type CompleteChunks,
  countLinesOnDisk,
  keyReader,
  keysFrom,
  readListOnDisk,
  removeCovered,
  runsToRead,
} from "./list_on_disk.ts";
import { RunWriter } from "./run_writer.ts";

/** One list of a File. */
export interface ListExport<T> {
  readonly kind: RecordKind;
  readonly spec: ListSpec<T>;
  /** Opens the list; without it, as one list asked for by `spec`. */
  readonly open?: (request: OpenRequest) => Promise<OpenedList<T>>;
}

/** Where a list is to be opened. */
export interface OpenRequest {
  /** How an earlier run asked for it; absent where that is to be decided. */
  readonly checkpoint: ListCheckpoint | undefined;
  readonly cursor: Cursor;
  /** The offset behind the last record that is wanted; absent for all. */
  readonly end: number | undefined;
}

/** A list that is open, and how it was asked for. */
export interface OpenedList<T> {
  readonly reader: ListReader<T>;
  /** Asks for the list, or for all of its frozen part, as one. */
  readonly spec: ListSpec<T>;
  /** The time windows of the frozen part; absent where nothing is frozen. */
  readonly windows?: readonly TimeWindow[];
}

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
  const reconciler = new Reconciler(context, list);
  await reconciler.readDisk();
  try {
    await reconciler.run();
  } catch (error) {
    // What was exported so far is there.
    if (isRecoverable(error)) await reconciler.reportDisk();
    throw error;
  }
}

/** Brings the chunks of one list on disk to what the API has. */
class Reconciler<T> {
  readonly #context: FileContext;
  readonly #list: ListExport<T>;
  readonly #name: ListName;
  readonly #dir: string;
  readonly #readKey: ReadKey;
  #checkpoint: ListCheckpoint | undefined;
  /** Chunks that hold all of their records. */
  #complete: CompleteChunks = new Map();
  /** The numbers of all chunks that an earlier run left. */
  #onDisk: ReadonlySet<number> = new Set();
  /** Whether no checkpoint describes them, so that reading cannot go on behind them. */
  #isUnknown = false;
  /** Gaps of the chunks on disk. */
  #gaps: readonly RecordGap[] = [];
  /** Asks for the list as one. */
  #spec: ListSpec<T>;
  /** The numbers of the chunks that this run committed. */
  readonly #own = new Set<number>();
  /** What this run set aside of its own, from a reading during which the list changed. */
  readonly #ownAsides = new Set<string>();

  constructor(context: FileContext, list: ListExport<T>) {
    this.#context = context;
    this.#list = list;
    this.#name = list.spec.part as ListName;
    this.#dir = context.paths.list(this.#name);
    this.#readKey = keyReader(list.spec);
    this.#spec = list.spec;
  }

  /** Finds out what earlier runs left. */
  async readDisk(): Promise<void> {
    const { disk, checkpoints } = this.#context;
    await disk.ensureDir(this.#dir);
    await removeParts(disk, this.#dir);
    const checkpoint = checkpoints.get(this.#name);
    const { complete, chunks } = await readListOnDisk(
      ...[disk, this.#dir, this.#readKey, checkpoint] as const,
    );
    this.#checkpoint = checkpoint;
    this.#gaps = checkpoint?.gaps ?? [];
    this.#complete = complete;
    this.#onDisk = new Set(chunks);
    // A single chunk is replaced in one step, by one that holds all of it.
    this.#isUnknown = checkpoint === undefined && chunks.some((one) => one > 1);
  }

  async run(): Promise<void> {
    const { observer } = this.#context;
    for (let readings = 1;; readings++) {
      const isLast = readings === MAX_READINGS;
      const mismatch = await this.#readMissing(isLast);
      if (mismatch === null || isLast) return await this.#finish(mismatch);
      const label = listLabel(this.#list.spec);
      observer.log("WARN", `reading the ${label} again: ${mismatch}`);
      await this.#keepUnchangedPrefix();
    }
  }

  /** Reports what is on disk of a list that could not be read. */
  async reportDisk(): Promise<void> {
    const { disk, report } = this.#context;
    const lines = await countLinesOnDisk(disk, this.#dir, this.#readKey);
    report.count(this.#list.kind, lines);
  }

  /**
   * Reads every run of chunks that is missing or has a gap.
   *
   * @returns Why what is on disk cannot be called the list; `null` when it can.
   */
  async #readMissing(isLast: boolean): Promise<string | null> {
    let mismatch: string | null = null;
    const { total = null, finished = false } = this.#checkpoint ?? {};
    for (const run of runsToRead(this.#complete, total, finished)) {
      mismatch ??= await this.#readRun(run, isLast);
      if (mismatch !== null && !isLast) break;
    }
    return mismatch;
  }

  /** Reads one run; returns why it is not of the list, `null` when it is. */
  async #readRun(
    { first, last }: ChunkRun,
    isLast: boolean,
  ): Promise<string | null> {
    const { progress } = this.#context;
    const checkpoint = this.#checkpoint;
    const end = last === null ? undefined : offsetOf(last + 1);
    const cursor = await this.#cursorAt(offsetOf(first));
    const opened = await this.#open({ checkpoint, cursor, end });
    using reader = opened.reader;
    this.#spec = opened.spec;
    const isFrozen = opened.windows !== undefined;
    if (checkpoint && !isFrozen && reader.total !== checkpoint.total) {
      return "it changed since the last run";
    }
    await this.#setAsideUnknown();
    using writer = new RunWriter(this.#context, {
      ...{ spec: this.#list.spec, kind: this.#list.kind, dir: this.#dir },
      ...{ readKey: this.#readKey, first, onDisk: this.#onDisk },
      gaps: this.#gaps,
      beforeCommit: (gaps) => this.#saveCheckpoint(opened, gaps, isLast),
    });
    let expected = (end ?? reader.total) - offsetOf(first);
    progress.expect(expected);
    for await (const batch of reader) {
      // What is read from here on would have to be read again.
      if (reader.sourceChanged && !isLast) break;
      const count = await writer.take(batch);
      progress.done(count);
      expected -= count;
    }
    progress.expect(-expected);
    const isCut = reader.sourceChanged && !isLast;
    const total = writer.offset;
    if (!isCut) await writer.finish();
    this.#gaps = writer.gaps;
    for (const [chunk, content] of writer.complete) {
      this.#complete.set(chunk, content);
    }
    for (const chunk of writer.fresh) this.#own.add(chunk);
    const mismatch = reader.checkConsistency();
    if (mismatch !== null || isCut) return mismatch ?? "it changed";
    if (last !== null) return await this.#checkJoint(last);
    await this.#setAsideFrom(chunkOf(Math.max(0, total - 1)) + 1, total);
    const { windows } = opened;
    this.#checkpoint = {
      ...{ total, finished: true, gaps: this.#gaps },
      ...windows && { windows },
    };
    return null;
  }

  async #open(request: OpenRequest): Promise<OpenedList<T>> {
    const { open, spec } = this.#list;
    if (open !== undefined) return await open(request);
    const { cursor, end } = request;
    const segments = wholeList(spec);
    const { reader } = this.#context;
    return { reader: await openList(reader, segments, cursor, { end }), spec };
  }

  async #cursorAt(offset: number): Promise<Cursor> {
    const windows = this.#checkpoint?.windows ?? [];
    const window = windows.findLast((one) => one.offset <= offset);
    return {
      offset,
      lastKey: this.#complete.get(chunkOf(offset) - 1)?.lastKey ?? null,
      keys: await keysFrom(
        ...[this.#context.disk, this.#dir, this.#readKey] as const,
        ...[this.#complete, window?.offset ?? 0] as const,
      ),
    };
  }

  /**
   * Saves the checkpoint before a chunk gets its name: a kill between the two
   * must not lose a gap.
   *
   * @returns Whether it is to get it.
   */
  async #saveCheckpoint(
    { reader, windows }: OpenedList<T>,
    gaps: readonly RecordGap[],
    isLast: boolean,
  ): Promise<boolean> {
    const { checkpoints } = this.#context;
    if (reader.sourceChanged) {
      if (!isLast) return false;
      // Chunks of a list that changed are nothing to go on from after a kill.
      await checkpoints.set(this.#name, undefined);
      return true;
    }
    const known = checkpoints.get(this.#name);
    const frozen = windows && recordsOf(windows);
    const total = known?.total ?? frozen ?? reader.total;
    const isSmall = total < CHUNK_RECORDS && gaps.length === 0;
    const isSame = known !== undefined && areSame(known.gaps, gaps);
    if (isSame || isSmall && known === undefined) return true;
    await checkpoints.set(this.#name, {
      ...{ total, finished: known?.finished ?? false, gaps },
      ...windows && { windows },
    });
    return true;
  }

  /** Makes sure that a run that was read ends where the chunk behind it begins. */
  async #checkJoint(last: number): Promise<string | null> {
    const [before, after] = [last, last + 1].map((one) =>
      this.#complete.get(one)
    );
    if (before === undefined || after === undefined) return null;
    const offset = offsetOf(last + 1);
    const { session } = this.#context.reader;
    const keys = await fetchKeys(session, this.#spec, offset - 1, offset + 1);
    const isSame = keys === null || keys[1] === null ||
      keys[0] === before.lastKey && keys[1] === after.firstKey;
    return isSame ? null : "it changed since the last run";
  }

  /**
   * Finds out how much of a list that changed is still the same, and sets the
   * rest aside.
   */
  async #keepUnchangedPrefix(): Promise<void> {
    const prefix = await this.#unchangedPrefix();
    await this.#context.checkpoints.set(this.#name, undefined);
    this.#checkpoint = undefined;
    this.#gaps = [];
    await this.#setAsideFrom(prefix + 1, null);
    for (const chunk of [...this.#complete.keys()]) {
      if (chunk > prefix) this.#complete.delete(chunk);
    }
    this.#onDisk = new Set();
    this.#isUnknown = false;
  }

  /**
   * Counts the chunks at the beginning that are still what the API has: where a
   * chunk's last record is at the same offset as before, everything before it
   * that is still there has been read.
   */
  async #unchangedPrefix(): Promise<number> {
    const { session } = this.#context.reader;
    let there = 0;
    while (this.#complete.has(there + 1)) there++;
    let prefix = 0;
    // Most changes are near the end, or shift everything.
    for (let step = there; step > 0 && prefix < there;) {
      const chunk = Math.min(there, prefix + step);
      const offset = offsetOf(chunk + 1);
      const keys = await fetchKeys(session, this.#spec, offset - 1, offset);
      const key = keys?.[0] ?? null;
      const isSame = key !== null && key === this.#complete.get(chunk)!.lastKey;
      if (isSame) prefix = chunk;
      else step = Math.floor(step / 2);
    }
    return prefix;
  }

  async #setAsideUnknown(): Promise<void> {
    if (!this.#isUnknown) return;
    await this.#setAsideFrom(1, null);
    this.#onDisk = new Set();
    this.#isUnknown = false;
  }

  /**
   * Sets chunks aside.
   *
   * @param first The number of the first.
   * @param total The list's length, where it is known: an empty list has no first chunk.
   */
  async #setAsideFrom(first: number, total: number | null): Promise<void> {
    const { disk, sums } = this.#context;
    const from = total === 0 ? 1 : first;
    const chunks = await listChunks(disk, this.#dir) ?? [];
    const changed = chunks.filter((chunk) => chunk >= from);
    const names = changed.map((chunk) => `${chunk}.jsonl`);
    const aside = await setAsideFiles(disk, this.#dir, names, sums);
    const isOwn = changed.every((chunk) => this.#own.has(chunk));
    if (aside !== null && isOwn) this.#ownAsides.add(aside);
  }

  /** Reports what was read, and removes what it replaces. */
  async #finish(mismatch: string | null): Promise<void> {
    const { disk, checkpoints, report } = this.#context;
    const { kind, spec } = this.#list;
    const name = this.#name;
    const checkpoint = this.#checkpoint;
    report.gaps.push(...this.#gaps);
    if (mismatch === null && checkpoint !== undefined) {
      const { total } = checkpoint;
      const gaps = this.#gaps;
      // A list of one page is not worth a checkpoint: one request reads it.
      const isSmall = total < CHUNK_RECORDS && total <= spec.pageSize &&
        gaps.length === 0;
      await checkpoints.set(
        name,
        isSmall ? undefined : { ...checkpoint, gaps },
      );
      report.count(kind, total - missingOf(gaps));
    } else {
      await checkpoints.set(name, undefined);
      await this.reportDisk();
      report.miss(name, `${mismatch}; resume to read it again`);
    }
    const isComplete = mismatch === null && this.#gaps.length === 0;
    const kept = await removeCovered(
      ...[disk, this.#dir, this.#readKey] as const,
      isComplete ? this.#ownAsides : new Set(),
    );
    for (const aside of kept) {
      report.miss(
        name,
        `${aside} holds records of an earlier reading that the API does not give any more; both are kept`,
      );
    }
  }
}

function areSame(
  some: readonly RecordGap[],
  others: readonly RecordGap[],
): boolean {
  return some.length === others.length && missingOf(some) === missingOf(others);
}
