/**
 * Writes a list of records as `1.jsonl`, `2.jsonl`, …: one record a line, exactly
 * 1000 places a chunk but the last. A place whose record could not be had stays
 * empty, so that later records stand in the chunk where they belong.
 */
import { CHUNK_RECORDS } from "../core/chunk_size.ts";
import type { Disk, DiskFile } from "../core/runtime.ts";
import { chunkPath } from "./layout.ts";
import { commit, openPart, writeAll } from "./atomic_file.ts";

/** What {@linkcode ChunkWriter} is made from. */
export interface ChunkWriterOptions {
  readonly disk: Disk;
  /** The list's directory. */
  readonly dir: string;
  /** Complete chunks that are there already. */
  readonly chunks: number;
  /** Runs before a chunk gets its final name; gets the places of those that have. */
  readonly beforeChunk: (places: number) => Promise<void>;
}

const NEWLINE = 0x0a;

/** Writes one list; call `finish` at its end. Disposing publishes nothing. */
export class ChunkWriter implements AsyncDisposable {
  readonly #options: ChunkWriterOptions;
  #file: DiskFile | null = null;
  #path = "";
  #chunks: number;
  /** Places filled or left empty in the chunk being written. */
  #used = 0;

  constructor(options: ChunkWriterOptions) {
    this.#options = options;
    this.#chunks = options.chunks;
  }

  /** Places so far, empty ones and those of earlier runs included. */
  get places(): number {
    return this.#chunks * CHUNK_RECORDS + this.#used;
  }

  /**
   * Writes records, one to a place.
   *
   * @returns The bytes written.
   * @throws {StorageError} When the disk refuses.
   */
  async append(records: readonly Uint8Array[]): Promise<number> {
    let bytes = 0;
    for (let at = 0; at < records.length;) {
      const room = CHUNK_RECORDS - this.#used;
      const lines = joinLines(records.slice(at, at + room));
      const file = await this.#open();
      await writeAll(file, this.#path, lines);
      bytes += lines.length;
      const written = Math.min(room, records.length - at);
      at += written;
      await this.#advance(written);
    }
    return bytes;
  }

  /**
   * Leaves places empty.
   *
   * @throws {StorageError} When the disk refuses.
   */
  async skip(places: number): Promise<void> {
    for (let left = places; left > 0;) {
      const step = Math.min(left, CHUNK_RECORDS - this.#used);
      await this.#open();
      left -= step;
      await this.#advance(step);
    }
  }

  /**
   * Publishes the last chunk.
   *
   * @throws {StorageError} When the disk refuses.
   */
  async finish(): Promise<void> {
    if (this.#file !== null) await this.#commit();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#file?.close();
    this.#file = null;
    return Promise.resolve();
  }

  async #advance(places: number): Promise<void> {
    this.#used += places;
    if (this.#used < CHUNK_RECORDS) return;
    await this.#commit();
    this.#chunks++;
    this.#used = 0;
  }

  async #open(): Promise<DiskFile> {
    if (this.#file === null) {
      this.#path = chunkPath(this.#options.dir, this.#chunks + 1);
      this.#file = await openPart(this.#options.disk, this.#path);
    }
    return this.#file;
  }

  async #commit(): Promise<void> {
    const file = this.#file!;
    await this.#options.beforeChunk(this.#chunks * CHUNK_RECORDS);
    this.#file = null;
    await commit(this.#options.disk, this.#path, file);
  }
}

/** Records as lines of one buffer, so that a page is one write. */
export function joinLines(records: readonly Uint8Array[]): Uint8Array {
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
