/**
 * Keeps one list on disk: its chunks, its checkpoint, and what was set aside of
 * it. A chunk counts as complete only if all of it was read and parsed and is what
 * its sum says, or was written by this run. One that is on disk is replaced only by one that holds all
 * of its records; otherwise the better of the two keeps the name, and nothing is
 * lost.
 */
import { basename, join } from "@std/path";
import type { ListSpec } from "../../api/list_spec.ts";
import { joinGaps, type RecordGap } from "../../core/gap.ts";
import { KeySet } from "../../core/key_set.ts";
import {
  CHUNK_RECORDS,
  chunkOf,
  countMissing,
  gapsOfChunk,
  offsetOf,
  type TimeWindow,
} from "../../core/ranges.ts";
import type { Disk } from "../../core/runtime/runtime.ts";
import type { Cursor } from "../../lists/list_reader.ts";
import {
  createDir,
  type FileSum,
  listDir,
  PART_SUFFIX,
} from "../../tree/write/atomic_file.ts";
import type { ListCheckpoint } from "../../tree/checkpoint.ts";
import {
  type ChunkContent,
  countRecords,
  listChunks,
  readChunk,
  type ReadKey,
} from "../../tree/read/chunk_reader.ts";
import { chunkNumber, chunkPath, type ListName } from "../../tree/layout.ts";
import {
  findAside,
  removeReplaced,
  removeScratch,
  setAsideFiles,
} from "../../tree/write/removal.ts";
import type { WrittenChunk } from "./chunk_writer.ts";
import type { ExportedList, FileContext } from "../context.ts";

/** Chunks to read, by first and last number. */
export interface ChunkRun {
  readonly first: number;
  /** `null` for up to the list's end. */
  readonly last: number | null;
}

/** The first and last record of a complete chunk. */
export interface ChunkEnds {
  readonly firstKey: string;
  readonly lastKey: string;
}

/** The state of a list while its chunks are committed. */
export interface Source {
  /** How many records it has, or its frozen part if it has one. */
  readonly total: number;
  readonly windows: readonly TimeWindow[] | undefined;
  /** Whether it changed, so that a resume cannot start from its chunks. */
  readonly hasChanged: boolean;
  /** Whether it is read for the last time, even if it changed. */
  readonly isLast: boolean;
}

/** Makes the function that reads a record's key from its line. */
export function keyReader<T>(spec: ListSpec<T>): ReadKey {
  return (line) => spec.key(spec.read(JSON.parse(line)));
}

/** One list on disk. A failure of the disk throws a `StorageError`. */
export class ListOnDisk<T> {
  readonly dir: string;
  readonly #context: FileContext;
  readonly #list: ExportedList<T>;
  readonly #name: ListName;
  readonly #readKey: ReadKey;
  /** The chunks that are there; `null` for one that lacks records. */
  readonly #chunks = new Map<number, ChunkEnds | null>();
  /** The numbers of chunks that this run added and that replaced none. */
  readonly #own = new Set<number>();
  /**
   * Chunks of this run that it set aside, because the list changed while it was
   * read.
   */
  readonly #ownAsides = new Set<string>();
  /** What is known of the list; absent if it has to be read from the start. */
  #checkpoint: ListCheckpoint | undefined;
  #gaps: readonly RecordGap[];
  /** Keys that no other record may have; `null` if they must be read first. */
  #keys: KeySet | null = new KeySet();

  private constructor(context: FileContext, list: ExportedList<T>) {
    this.#context = context;
    this.#list = list;
    this.#name = list.spec.part as ListName;
    this.dir = context.paths.list(this.#name);
    this.#readKey = keyReader(list.spec);
    this.#checkpoint = context.checkpoints.get(this.#name);
    this.#gaps = this.#checkpoint?.gaps ?? [];
  }

  /** Finds out what earlier runs left of a list. */
  static async open<T>(
    context: FileContext,
    list: ExportedList<T>,
  ): Promise<ListOnDisk<T>> {
    const opened = new ListOnDisk(context, list);
    await createDir(context.disk, opened.dir);
    if (!context.isNew) await opened.#readChunks();
    return opened;
  }

  /** How an earlier run requested the list; absent if unknown. */
  get checkpoint(): ListCheckpoint | undefined {
    return this.#checkpoint;
  }

  /** Returns the ends of a chunk; `undefined` if it lacks records. */
  endsOf(chunk: number): ChunkEnds | undefined {
    return this.#chunks.get(chunk) ?? undefined;
  }

  /** Counts the complete chunks at the list's beginning. */
  countComplete(): number {
    let count = 0;
    while (this.endsOf(count + 1) !== undefined) count++;
    return count;
  }

  /** Finds the runs of chunks that are missing or lack records. */
  runsToRead(): readonly ChunkRun[] {
    const { total, finished = false } = this.#checkpoint ?? {};
    const runs: ChunkRun[] = [];
    // If its length is unknown, only the beginning of a list can be complete.
    const count = total === undefined
      ? this.countComplete()
      : Math.ceil(total / CHUNK_RECORDS);
    let first: number | null = null;
    for (let chunk = 1; chunk <= count; chunk++) {
      if (this.endsOf(chunk) === undefined) first ??= chunk;
      else if (first !== null) {
        runs.push({ first, last: chunk - 1 });
        first = null;
      }
    }
    if (first !== null) runs.push({ first, last: null });
    else if (!finished) runs.push({ first: count + 1, last: null });
    return runs;
  }

  /** Makes the cursor at the beginning of a chunk. */
  async cursorAt(chunk: number): Promise<Cursor> {
    const offset = offsetOf(chunk);
    if (this.#keys === null) {
      const from = this.#windowOffset(offset);
      this.#keys = await this.#keysOf((one) =>
        offsetOf(one + 1) > from && this.endsOf(one) !== undefined
      );
    }
    const lastKey = this.endsOf(chunk - 1)?.lastKey ?? null;
    return { offset, lastKey, keys: this.#keys };
  }

  /**
   * Sets aside chunks that no checkpoint describes, since reading cannot
   * continue behind them. A single chunk is replaced in one step, by one that
   * holds all of it.
   */
  async setAsideUnknown(): Promise<void> {
    const isUnknown = this.#checkpoint === undefined &&
      [...this.#chunks].some(([chunk, ends]) => chunk > 1 && ends === null);
    if (isUnknown) await this.setAsideFrom(1);
  }

  /** Sets aside chunks, from a number on. */
  async setAsideFrom(first: number): Promise<void> {
    const { disk, sums } = this.#context;
    const chunks = [...this.#chunks.keys()].filter((chunk) => chunk >= first);
    const names = chunks.map((chunk) => `${chunk}.jsonl`);
    const aside = await setAsideFiles(disk, this.dir, names, sums);
    const isOwn = chunks.every((chunk) => this.#own.has(chunk));
    if (aside !== null && isOwn) this.#ownAsides.add(aside);
    for (const chunk of chunks) this.#chunks.delete(chunk);
  }

  /**
   * Forgets what is known of a list that changed, and sets its chunks aside,
   * except the unchanged prefix.
   *
   * @param prefix How many chunks did not change.
   */
  async keepPrefix(prefix: number): Promise<void> {
    await this.#forget();
    this.#keys = null;
    await this.setAsideFrom(prefix + 1);
  }

  /**
   * Renames a chunk to its final name, unless the chunk there is better, or the
   * list changed and is read again. Saves the checkpoint before: a kill between
   * the two must not lose a gap.
   */
  async commit(chunk: WrittenChunk, source: Source): Promise<void> {
    const { disk, sums } = this.#context;
    const { number, keys, gaps } = chunk;
    using file = chunk.file;
    const path = chunkPath(this.dir, number);
    const before = this.#chunks.has(number)
      ? await this.#read(number)
      : { keys: [], isRead: true };
    const isHeld = before.isRead && isSubset(before.keys, keys);
    const isWorse = !isHeld && gaps.length > 0 &&
      keys.length < before.keys.length;
    if (isWorse) this.#keepOld(chunk, before.keys);
    if (isWorse || source.hasChanged && !source.isLast) {
      file[Symbol.dispose]();
      return await removeScratch(disk, path + PART_SUFFIX);
    }
    const all = this.#gapsWith(number, gaps);
    await this.#saveCheckpoint(source, all);
    if (!isHeld) await setAsideFiles(disk, this.dir, [basename(path)], sums);
    await file.commit();
    this.#gaps = all;
    if (!this.#chunks.has(number)) this.#own.add(number);
    const isComplete = gaps.length === 0 && keys.length > 0;
    this.#chunks.set(number, isComplete ? endsOf(keys) : null);
  }

  /**
   * Notes that the list was read to its end, and sets aside what is behind it.
   */
  async end(total: number, { windows }: Source): Promise<void> {
    await this.setAsideFrom(Math.ceil(total / CHUNK_RECORDS) + 1);
    const gaps = this.#gaps;
    this.#checkpoint = { total, finished: true, gaps };
    if (windows) this.#checkpoint = { ...this.#checkpoint, windows };
  }

  /**
   * Reports what was read, and removes what it replaces.
   *
   * @param mismatch Why it is not the list; `null` when it is.
   */
  async finish(mismatch: string | null): Promise<void> {
    const { checkpoints, report } = this.#context;
    const gaps = this.#gaps;
    report.gaps.push(...gaps);
    if (mismatch === null) {
      const checkpoint = { ...this.#checkpoint!, gaps };
      const { total } = checkpoint;
      // A list of one page needs no checkpoint: one request reads it.
      const most = Math.min(CHUNK_RECORDS - 1, this.#list.spec.pageSize);
      const isSmall = total <= most && gaps.length === 0;
      await checkpoints.set(this.#name, isSmall ? undefined : checkpoint);
      report.count(this.#list.kind, total - countMissing(gaps));
    } else {
      await checkpoints.set(this.#name, undefined);
      await this.reportRecords();
      report.addGap(this.#name, `${mismatch}; resume to read it again`);
    }
    await this.#removeAsides(mismatch === null && gaps.length === 0);
  }

  /** Counts the records on disk of a list that could not be read. */
  async reportRecords(): Promise<void> {
    const { disk, report } = this.#context;
    const records = await countRecords(disk, this.dir, this.#readKey);
    report.count(this.#list.kind, records);
  }

  async #forget(): Promise<void> {
    await this.#context.checkpoints.set(this.#name, undefined);
    this.#checkpoint = undefined;
    this.#gaps = [];
  }

  /** Reads each chunk on disk once, and finds out which are complete. */
  async #readChunks(): Promise<void> {
    const { disk, earlierSums, file } = this.#context;
    const chunks = await listChunks(disk, this.dir);
    for (const chunk of chunks) this.#chunks.set(chunk, null);
    const { total = 0, finished = false } = this.#checkpoint ?? {};
    // A list that was read to its end has nothing behind it.
    if (finished && offsetOf(chunks.at(-1) ?? 0) >= total) await this.#forget();
    if (this.#checkpoint === undefined) return;
    const sums = earlierSums.get(file.id);
    let keys = new KeySet();
    let complete = 0;
    let from = 0;
    for (const chunk of chunks) {
      const sum = sums?.get(`${this.#name}/${chunk}.jsonl`);
      const content = await this.#read(chunk, sum);
      if (!isComplete(chunk, content, this.#checkpoint)) continue;
      // Records of another chunk are there in place of its own.
      if (keys.addAll(content.keys).length > 0) continue;
      this.#chunks.set(chunk, endsOf(content.keys));
      if (chunk === complete + 1) complete++;
      const end = offsetOf(chunk + 1);
      const next = this.#windowOffset(end);
      // Before the first chunk that is to be read, only its time window counts.
      if (chunk === complete && next > from) {
        keys = new KeySet(next < end ? content.keys : []);
        from = next;
      }
    }
    this.#keys = keys;
  }

  async #read(chunk: number, sum?: FileSum): Promise<ChunkContent> {
    const path = chunkPath(this.dir, chunk);
    return await readChunk(this.#context.disk, path, this.#readKey, sum);
  }

  /** Returns the offset of the time window that a record is in. */
  #windowOffset(offset: number): number {
    const windows = this.#checkpoint?.windows ?? [];
    return windows.findLast((one) => one.offset <= offset)?.offset ?? 0;
  }

  async #keysOf(isWanted: (chunk: number) => boolean): Promise<KeySet> {
    const all = new KeySet();
    for (const chunk of [...this.#chunks.keys()].filter(isWanted)) {
      all.addAll((await this.#read(chunk)).keys);
    }
    return all;
  }

  async #saveCheckpoint(
    source: Source,
    gaps: readonly RecordGap[],
  ): Promise<void> {
    const { checkpoints } = this.#context;
    if (source.hasChanged) return await checkpoints.set(this.#name, undefined);
    const known = checkpoints.get(this.#name);
    const { total, finished } = known ?? { ...source, finished: false };
    const isNothing = total < CHUNK_RECORDS && gaps.length === 0;
    if (known === undefined ? isNothing : areSame(known.gaps, gaps)) return;
    const { windows } = source;
    const checkpoint = { total, finished, gaps, ...windows && { windows } };
    await checkpoints.set(this.#name, checkpoint);
  }

  /**
   * Keeps a chunk on disk that holds more than the one that was just written.
   */
  #keepOld(chunk: WrittenChunk, before: readonly string[]): void {
    if (gapsOfChunk(this.#gaps, chunk.number).length > 0) return;
    this.#gaps = this.#gapsWith(chunk.number, gapsOfOld(chunk, before));
  }

  #gapsWith(chunk: number, gaps: readonly RecordGap[]): readonly RecordGap[] {
    const others = this.#gaps.filter(({ offset }) => chunkOf(offset) !== chunk);
    return [...others, ...gaps].sort((a, b) => a.offset - b.offset);
  }

  /** Removes what was set aside, if the list now holds all of it. */
  async #removeAsides(isComplete: boolean): Promise<void> {
    const { disk, report, isNew } = this.#context;
    if (isNew && this.#ownAsides.size === 0) return;
    let keys: KeySet | null = null;
    for (const aside of await findAside(disk, this.dir)) {
      const isOwn = isComplete && this.#ownAsides.has(aside);
      keys ??= await this.#keysOf(() => true);
      const all = keys;
      const isGone = await removeReplaced(
        disk,
        aside,
        async () => isOwn || await isCovered(disk, aside, this.#readKey, all),
      );
      if (isGone) continue;
      report.addGap(
        this.#name,
        `${
          basename(aside)
        } holds records that an earlier run read and the API no longer has; both are kept`,
      );
    }
  }
}

/**
 * Checks whether a chunk holds all records that its list has at those offsets.
 */
function isComplete(
  chunk: number,
  { keys, lines, isWhole }: ChunkContent,
  { total, finished, gaps }: ListCheckpoint,
): boolean {
  const wanted = Math.min(CHUNK_RECORDS, total - offsetOf(chunk));
  // Only the last chunk of a finished list may be short.
  return isWhole && lines === wanted && lines > 0 &&
    new Set(keys).size === lines && gapsOfChunk(gaps, chunk).length === 0 &&
    (finished || wanted === CHUNK_RECORDS);
}

/**
 * Finds what an older chunk lacks, by the records of a newer one, whose offsets
 * are known. Where both have a gap, only the number of records that the older
 * one lacks is known: they are taken from the beginning of the gap.
 */
function gapsOfOld(
  { number, keys, gaps }: WrittenChunk,
  before: readonly string[],
): readonly RecordGap[] {
  const there = new Set(before);
  const known = new Set(keys);
  // Records that only the older one holds lie in gaps of the newer one.
  let unplaced = before.filter((key) => !known.has(key)).length;
  const missing: RecordGap[] = [];
  const { fileId, part, reason } = gaps[0]!;
  let offset = offsetOf(number);
  const end = offset + keys.length + countMissing(gaps);
  for (let next = 0; offset < end; offset++) {
    const isKnown = !gaps.some((gap) =>
      gap.offset <= offset && offset < gap.offset + gap.missing
    );
    if (isKnown ? there.has(keys[next++]!) : --unplaced >= 0) continue;
    missing.push({ fileId, part, reason, offset, missing: 1 });
  }
  const [first] = gaps;
  if (missing.length === 0) return [{ ...first!, missing: 1 }];
  return joinGaps(missing);
}

function endsOf(keys: readonly string[]): ChunkEnds {
  return { firstKey: keys[0]!, lastKey: keys.at(-1)! };
}

/** Checks whether all records of a directory of chunks are among the keys. */
async function isCovered(
  disk: Disk,
  dir: string,
  readKey: ReadKey,
  known: KeySet,
): Promise<boolean> {
  const names = (await listDir(disk, dir) ?? []).map(({ name }) => name)
    .filter((name) => !name.endsWith(PART_SUFFIX));
  let lines = 0;
  let records = 0;
  for (const name of names) {
    if (chunkNumber(name) === null) return false;
    const content = await readChunk(disk, join(dir, name), readKey);
    // A chunk that cannot be read may hold records.
    if (!content.isRead) return false;
    if (!content.keys.every((key) => known.has(key))) return false;
    lines += content.lines;
    records += content.keys.length;
  }
  // A line without a key, such as one that is not JSON, can only be counted.
  return records === lines || lines <= known.size;
}

function isSubset(some: readonly string[], all: readonly string[]): boolean {
  if (some.length === 0) return true;
  const keys = new Set(all);
  return some.every((key) => keys.has(key));
}

function areSame(
  some: readonly RecordGap[],
  others: readonly RecordGap[],
): boolean {
  return some.length === others.length &&
    countMissing(some) === countMissing(others);
}
