/**
 * Reads the files of an export, each once: its sum is compared while its
 * content is checked.
 */
import { createHash } from "node:crypto";
import { join } from "@std/path";
import type { Disk } from "../core/runtime/runtime.ts";
import { type FileSum, UNKNOWN_SUM } from "../tree/write/atomic_file.ts";
import { type ReadSum, sumFile, type Sums } from "../tree/checksums.ts";
import type { LineOptions } from "../tree/read/lines.ts";
import { unreadable } from "../tree/read/plain_tree.ts";
import {
  readChunkLines,
  readDocument,
  type TreeDocument,
  type TreeLines,
  type TreeProblem,
} from "../tree/read/tree_reader.ts";
import { type Problems, remedyFor } from "./problems.ts";

/** What {@linkcode ExportReader} is made from. */
export interface ReaderOptions {
  readonly disk: Disk;
  /** The export's directory. */
  readonly dir: string;
  /** Every plain file of the export, below its directory. */
  readonly names: ReadonlySet<string>;
  /** `null` if there are none. */
  readonly sums: Sums | null;
  readonly problems: Problems;
  /** Called with how many more bytes were read. */
  readonly onBytes?: ((bytes: number) => void) | undefined;
}

/** Reads the files of one export. */
export class ExportReader {
  readonly #options: ReaderOptions;
  readonly #read = new Set<string>();
  readonly #buffers: Uint8Array<ArrayBuffer>[] = [];
  /** How many bytes were read in all. */
  bytes = 0;

  constructor(options: ReaderOptions) {
    this.#options = options;
  }

  /** Reads a chunk, many lines at once. */
  lines(name: string): AsyncGenerator<TreeLines | TreeProblem, void> {
    const { disk, dir } = this.#options;
    const options = { ...this.#summing(name), isOutlined: true };
    return readChunkLines(disk, dir, name, options);
  }

  /** Reads a document that must be there. */
  document(name: string): Promise<TreeDocument | TreeProblem> {
    const { disk, dir } = this.#options;
    return readDocument(disk, dir, name, this.#summing(name));
  }

  /** Reads what was not read yet, to compare its sum. */
  async rest(): Promise<void> {
    const { disk, dir, names, sums, problems } = this.#options;
    for (const [name, known] of sums ?? []) {
      if (this.#read.has(name) || !names.has(name)) continue;
      const path = join(dir, name);
      try {
        const { size } = await disk.lstat(path);
        // Skips a file of another size, which is damaged in any case.
        if (known.size === null || known.size === size) {
          this.#compare(name, await sumFile(disk, path));
        } else {
          this.#reportDifference(name, known, { sum: UNKNOWN_SUM, size });
        }
      } catch (cause) {
        problems.add(name, unreadable(cause), remedyFor(name));
      }
    }
  }

  /** Sums what is read of a file, and compares the sum at its end. */
  #summing(name: string): LineOptions {
    // Does not sum a file that has no sum to compare.
    const hash = this.#options.sums?.has(name) ? createHash("sha256") : null;
    let size = 0;
    return {
      buffers: this.#buffers,
      onBytes: (part) => {
        hash?.update(part);
        size += part.length;
      },
      onEnd: () =>
        this.#compare(name, { sum: hash?.digest("hex") ?? UNKNOWN_SUM, size }),
    };
  }

  /** Counts a file that was read, and compares its sum. */
  #compare(name: string, read: ReadSum): void {
    const { sums, onBytes } = this.#options;
    if (this.#read.has(name)) return;
    this.#read.add(name);
    this.bytes += read.size;
    onBytes?.(read.size);
    const known = sums?.get(name);
    if (known !== undefined) this.#reportDifference(name, known, read);
  }

  #reportDifference(
    name: string,
    known: FileSum,
    { sum, size }: ReadSum,
  ): void {
    const difference = known.size !== null && known.size !== size
      ? `it has ${size} bytes, not ${known.size}`
      : known.sum !== sum
      ? "its SHA-256 differs"
      : null;
    if (difference === null) return;
    const message = `is not what was written: ${difference}`;
    this.#options.problems.add(name, message, remedyFor(name));
  }
}
