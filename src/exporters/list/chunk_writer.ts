/**
 * Writes the batches of a reader as chunks: `1.jsonl`, `2.jsonl`, …, one record
 * a line, exactly 1000 offsets a chunk but the last. A record that could not be
 * fetched takes its offset all the same, so that later records are in the chunk
 * where they belong. The reconciler renames the chunks.
 */
import type { ListSpec } from "../../api/list_spec.ts";
import { concat, releaseLarge } from "../../core/text/bytes.ts";
import type { RecordGap } from "../../core/gap.ts";
import { addGap, chunkOf, offsetOf } from "../../core/ranges.ts";
import type { Batch } from "../../lists/list_reader.ts";
import { AtomicFile } from "../../tree/write/atomic_file.ts";
import { chunkPath } from "../../tree/layout.ts";
import type { ExportedList, RunContext } from "../context.ts";

/** A chunk that is written, but not renamed yet. */
export interface WrittenChunk {
  readonly number: number;
  readonly file: AtomicFile;
  /** The keys of its records, in order. */
  readonly keys: string[];
  readonly gaps: RecordGap[];
}

/** What a {@linkcode ChunkWriter} uses. */
type WriterContext = Pick<RunContext, "disk" | "sums" | "observer">;

/** What a {@linkcode ChunkWriter} writes. */
export interface WrittenList<T> extends Pick<ExportedList<T>, "kind"> {
  readonly spec: Pick<ListSpec<T>, "key">;
  /** The list's directory. */
  readonly dir: string;
  /** The number of the first chunk to write. */
  readonly first: number;
}

/**
 * Records of a page are copied together for one write, unless the page has more
 * bytes.
 */
const MOST_COPIED_BYTES = 8 * 1024 * 1024;
const NEWLINE = new TextEncoder().encode("\n");

/** Writes chunks that follow on each other. Disposing it leaves a part file. */
export class ChunkWriter<T> implements Disposable {
  readonly #context: WriterContext;
  readonly #list: WrittenList<T>;
  #chunk: WrittenChunk | null = null;
  #offset: number;

  constructor(context: WriterContext, list: WrittenList<T>) {
    this.#context = context;
    this.#list = list;
    this.#offset = offsetOf(list.first);
  }

  /** The offset of the next record. */
  get offset(): number {
    return this.#offset;
  }

  /**
   * Writes a batch.
   *
   * @returns Each chunk that it fills, to be committed or dropped.
   * @throws {StorageError} When the disk fails.
   */
  async *write(batch: Batch<T>): AsyncGenerator<WrittenChunk, void> {
    const count = batch.kind === "gap"
      ? batch.gap.missing
      : batch.records.length;
    for (let at = 0; at < count;) {
      const chunk = this.#chunk ??= await this.#open();
      const end = offsetOf(chunk.number + 1);
      const step = Math.min(count - at, end - this.#offset);
      if (batch.kind === "gap") {
        const gap = { ...batch.gap, offset: this.#offset, missing: step };
        addGap(chunk.gaps, gap);
      } else {
        const { spec, kind } = this.#list;
        const records = batch.records.slice(at, at + step);
        const lines = records.flatMap(({ bytes }) => [bytes, NEWLINE]);
        const size = lines.reduce((sum, { length }) => sum + length, 0);
        if (size <= MOST_COPIED_BYTES) {
          const copy = concat(lines);
          await chunk.file.write(copy);
          releaseLarge([copy]);
        } else {
          for (const bytes of lines) await chunk.file.write(bytes);
        }
        chunk.keys.push(...records.map(({ info }) => spec.key(info)));
        this.#context.observer.written(kind, step, size);
      }
      at += step;
      this.#offset += step;
      if (this.#offset === end) yield* this.end();
    }
    if (batch.kind === "gap") return;
    releaseLarge(batch.records.map(({ bytes }) => bytes));
  }

  /** Returns the last chunk, if there is one. */
  *end(): Generator<WrittenChunk, void> {
    const chunk = this.#chunk;
    this.#chunk = null;
    if (chunk !== null) yield chunk;
  }

  [Symbol.dispose](): void {
    this.#chunk?.file[Symbol.dispose]();
  }

  async #open(): Promise<WrittenChunk> {
    const { disk, sums } = this.#context;
    const number = chunkOf(this.#offset);
    const path = chunkPath(this.#list.dir, number);
    const file = await AtomicFile.open(disk, path, sums);
    return { number, file, keys: [], gaps: [] };
  }
}
