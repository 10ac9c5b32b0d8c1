/**
 * Writes a list as chunks: `1.jsonl`, `2.jsonl`, …, one record a line, exactly
 * 1000 offsets a chunk but the last. A record that could not be had takes its
 * offset all the same, so that later records are in the chunk where they belong.
 */
import { CHUNK_RECORDS } from "../core/ranges.ts";
import type { Disk } from "../core/runtime.ts";
import { AtomicFile, PART_SUFFIX, type SumRecorder } from "./atomic_file.ts";
import { chunkPath } from "./layout.ts";
import { removeScratch } from "./removal.ts";

/** What a {@linkcode ChunkWriter} is made from. */
export interface ChunkWriterOptions {
  readonly disk: Disk;
  readonly sums: SumRecorder | null;
  /** The list's directory. */
  readonly dir: string;
  /** The number, from 1, of the first chunk to write. */
  readonly firstChunk: number;
  /**
   * Runs before a chunk gets its name.
   *
   * @returns Whether it is to get it; otherwise the file of that name stays.
   */
  readonly beforeCommit: (chunk: number) => Promise<boolean>;
}

const NEWLINE = 0x0a;

/** Writes one list; call `finish` at its end. Disposing commits nothing. */
export class ChunkWriter implements Disposable {
  readonly #options: ChunkWriterOptions;
  #file: AtomicFile | null = null;
  #chunk: number;
  /** Offsets of the chunk being written that are filled or left out. */
  #used = 0;

  constructor(options: ChunkWriterOptions) {
    this.#options = options;
    this.#chunk = options.firstChunk;
  }

  /** The offset of the next record. */
  get offset(): number {
    return (this.#chunk - 1) * CHUNK_RECORDS + this.#used;
  }

  /**
   * Writes records, one an offset.
   *
   * @returns The bytes written.
   * @throws {StorageError} When the disk fails.
   */
  async append(records: readonly Uint8Array[]): Promise<number> {
    let bytes = 0;
    for (let at = 0; at < records.length;) {
      const room = CHUNK_RECORDS - this.#used;
      const lines = joinLines(records.slice(at, at + room));
      await (await this.#open()).write(lines);
      bytes += lines.length;
      const written = Math.min(room, records.length - at);
      at += written;
      await this.#advance(written);
    }
    return bytes;
  }

  /**
   * Leaves out records.
   *
   * @throws {StorageError} When the disk fails.
   */
  async skip(records: number): Promise<void> {
    for (let left = records; left > 0;) {
      const step = Math.min(left, CHUNK_RECORDS - this.#used);
      await this.#open();
      left -= step;
      await this.#advance(step);
    }
  }

  /**
   * Commits the last chunk.
   *
   * @throws {StorageError} When the disk fails.
   */
  async finish(): Promise<void> {
    if (this.#file !== null) await this.#commit();
  }

  [Symbol.dispose](): void {
    this.#file?.[Symbol.dispose]();
    this.#file = null;
  }

  async #advance(records: number): Promise<void> {
    this.#used += records;
    if (this.#used === CHUNK_RECORDS) await this.#commit();
  }

  async #open(): Promise<AtomicFile> {
    const { disk, dir, sums } = this.#options;
    this.#file ??= await AtomicFile.open(
      disk,
      chunkPath(dir, this.#chunk),
      sums,
    );
    return this.#file;
  }

  async #commit(): Promise<void> {
    const { disk, dir, beforeCommit } = this.#options;
    const chunk = this.#chunk;
    using file = this.#file!;
    if (await beforeCommit(chunk)) await file.commit();
    else await removeScratch(disk, chunkPath(dir, chunk) + PART_SUFFIX);
    this.#file = null;
    this.#chunk++;
    this.#used = 0;
  }
}

/** Joins records as lines of one buffer, so that a page is one write. */
function joinLines(records: readonly Uint8Array[]): Uint8Array {
  let length = records.length;
  for (const record of records) length += record.length;
  const lines = new Uint8Array(length);
  let at = 0;
  for (const record of records) {
    lines.set(record, at);
    at += record.length;
    lines[at++] = NEWLINE;
  }
  return lines;
}
