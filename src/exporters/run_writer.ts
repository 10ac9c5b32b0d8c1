/**
 * Writes a run of chunks from the batches of a reader. A chunk that is on disk
 * already is replaced only by one that holds all of its records; otherwise the
 * better of the two keeps the name, and nothing is lost.
 */
import type { ListSpec } from "../api/list_spec.ts";
import type { RecordGap } from "../core/gap.ts";
import type { RecordKind } from "../core/observer.ts";
import {
  addGap,
  CHUNK_RECORDS,
  chunkOf,
  gapsOfChunk,
  offsetOf,
  splitByChunk,
} from "../core/ranges.ts";
import type { Batch } from "../lists/list_types.ts";
import { type ReadKey, readKeysOfChunk } from "../tree/chunk_reader.ts";
import { ChunkWriter } from "../tree/chunk_writer.ts";
import { chunkPath } from "../tree/layout.ts";
import { setAsideFiles } from "../tree/removal.ts";
import type { RunContext } from "./context.ts";
import type { CompleteChunks } from "./list_on_disk.ts";

/** What a {@linkcode RunWriter} is made from. */
export interface RunWriterOptions<T> {
  readonly spec: ListSpec<T>;
  readonly kind: RecordKind;
  readonly dir: string;
  readonly readKey: ReadKey;
  /** The number of the first chunk to write. */
  readonly first: number;
  /** The numbers of the chunks that are on disk already. */
  readonly onDisk: ReadonlySet<number>;
  /** The gaps of those chunks. */
  readonly gaps: readonly RecordGap[];
  /**
   * Runs before a chunk gets its name.
   *
   * @param gaps All gaps of the list, those of the chunk included.
   * @returns Whether it is to get it.
   */
  readonly beforeCommit: (gaps: readonly RecordGap[]) => Promise<boolean>;
}

/** A response of so many bytes is not left to the garbage collector. */
const LARGE_BYTES = 1024 * 1024;

/** Writes one run; call `finish` at its end. Disposing commits nothing. */
export class RunWriter<T> implements Disposable {
  readonly #context: RunContext;
  readonly #options: RunWriterOptions<T>;
  readonly #writer: ChunkWriter;
  /** The gaps of chunks that are not being written. */
  #otherGaps: readonly RecordGap[];
  /** The gaps and keys of the chunk being written. */
  #gaps: RecordGap[] = [];
  #keys: string[] = [];
  /** The chunks that were committed and hold all of their records. */
  readonly complete: CompleteChunks = new Map();
  /** The numbers of committed chunks that replaced none. */
  readonly fresh: number[] = [];

  constructor(context: RunContext, options: RunWriterOptions<T>) {
    this.#context = context;
    this.#options = options;
    this.#otherGaps = options.gaps;
    const { disk, sums } = context;
    this.#writer = new ChunkWriter({
      ...{ disk, sums, dir: options.dir, firstChunk: options.first },
      beforeCommit: (chunk) => this.#beforeCommit(chunk),
    });
  }

  /** The offset of the next record. */
  get offset(): number {
    return this.#writer.offset;
  }

  /** The gaps of all chunks on disk, in order. */
  get gaps(): readonly RecordGap[] {
    return this.#otherGaps;
  }

  /**
   * Writes a batch.
   *
   * @returns How many records it is of, missing ones included.
   * @throws {StorageError} When the disk fails.
   */
  async take(batch: Batch<T>): Promise<number> {
    const { spec, kind } = this.#options;
    if (batch.kind === "gap") {
      for (const gap of splitByChunk(batch.gap)) {
        addGap(this.#gaps, gap);
        await this.#writer.skip(gap.missing);
      }
      return batch.gap.missing;
    }
    const { records } = batch;
    for (let at = 0; at < records.length;) {
      const room = CHUNK_RECORDS - this.offset % CHUNK_RECORDS;
      const some = records.slice(at, at + room);
      this.#keys.push(...some.map(({ info }) => spec.key(info)));
      const bytes = await this.#writer.append(some.map(({ bytes }) => bytes));
      this.#context.observer.written(kind, some.length, bytes);
      at += some.length;
    }
    for (const { bytes } of records) release(bytes);
    return records.length;
  }

  /**
   * Commits the last chunk.
   *
   * @throws {StorageError} When the disk fails.
   */
  async finish(): Promise<void> {
    await this.#writer.finish();
  }

  [Symbol.dispose](): void {
    this.#writer[Symbol.dispose]();
  }

  /** Decides whether a chunk gets its name, and keeps what it would replace. */
  async #beforeCommit(chunk: number): Promise<boolean> {
    const { dir, onDisk, readKey, beforeCommit } = this.#options;
    const { disk, sums } = this.#context;
    const [gaps, keys] = [this.#gaps, this.#keys];
    [this.#gaps, this.#keys] = [[], []];
    const path = chunkPath(dir, chunk);
    const { keys: before, isRead } = onDisk.has(chunk)
      ? await readKeysOfChunk(disk, path, readKey)
      : { keys: [], isRead: true };
    const isHeld = isRead && isSubset(before, keys);
    if (!isHeld && gaps.length > 0 && keys.length < before.length) {
      this.#keepOld(chunk, before.length, gaps);
      return false;
    }
    const all = this.#gapsWith(chunk, gaps);
    if (!await beforeCommit(all)) return false;
    if (!isHeld) await setAsideFiles(disk, dir, [`${chunk}.jsonl`], sums);
    this.#otherGaps = all;
    if (!onDisk.has(chunk)) this.fresh.push(chunk);
    if (gaps.length === 0 && keys.length > 0) {
      const [firstKey, lastKey] = [keys[0]!, keys.at(-1)!];
      this.complete.set(chunk, { lines: keys.length, firstKey, lastKey });
    }
    return true;
  }

  #gapsWith(chunk: number, gaps: readonly RecordGap[]): readonly RecordGap[] {
    const others = this.#otherGaps.filter(({ offset }) =>
      chunkOf(offset) !== chunk
    );
    return [...others, ...gaps].sort((a, b) => a.offset - b.offset);
  }

  /** Keeps a chunk on disk, with what is known to be missing in it. */
  #keepOld(chunk: number, lines: number, gaps: readonly RecordGap[]): void {
    if (gapsOfChunk(this.#otherGaps, chunk).length > 0) return;
    // Which of its records are missing is not known.
    const missing = Math.max(1, this.#writerLength(chunk) - lines);
    const [gap] = gaps;
    if (gap === undefined) return;
    this.#otherGaps = this.#gapsWith(chunk, [
      { ...gap, offset: offsetOf(chunk), missing },
    ]);
  }

  #writerLength(chunk: number): number {
    return Math.min(CHUNK_RECORDS, this.offset - offsetOf(chunk)) ||
      CHUNK_RECORDS;
  }
}

/** Gives back the memory of a large response at once, whose records are on disk now. */
function release({ buffer }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength >= LARGE_BYTES) {
    buffer.transfer(0);
  }
}

function isSubset(some: readonly string[], all: readonly string[]): boolean {
  if (some.length === 0) return true;
  const keys = new Set(all);
  return some.every((key) => keys.has(key));
}
