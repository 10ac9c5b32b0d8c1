/**
 * Reads the files of an export, each once: its sum is compared while its content
 * is looked at.
 */
import { createHash } from "node:crypto";
import { join } from "@std/path";
import type { Disk } from "../core/runtime.ts";
import { UNKNOWN_SUM } from "../tree/atomic_file.ts";
import { type ReadSum, sumFile, type Sums } from "../tree/checksums.ts";
import type { LineOptions } from "../tree/lines.ts";
import { unreadable } from "../tree/plain_tree.ts";
import {
  readChunkLines,
  readDocument,
  type TreeDocument,
  type TreeLines,
  type TreeProblem,
} from "../tree/tree_reader.ts";
import { type Problems, remedyFor } from "./problems.ts";

/** What {@linkcode ExportReader} is made from. */
export interface ReaderOptions {
  readonly disk: Disk;
  /** The export's directory. */
  readonly dir: string;
  /** Every plain file of the export, below its directory. */
  readonly names: ReadonlySet<string>;
  /** `null` where there are none. */
  readonly sums: Sums | null;
  readonly problems: Problems;
  /** Is called with how many more bytes were read. */
  readonly onBytes?: ((bytes: number) => void) | undefined;
}

/** Reads the files of one export. */
export class ExportReader {
  readonly #options: ReaderOptions;
  readonly #read = new Set<string>();
  readonly #buffers: Uint8Array<ArrayBuffer>[] = [];
  /** How many were read in all. */
  bytes = 0;

  constructor(options: ReaderOptions) {
    this.#options = options;
  }

  /** Reads a chunk, many lines at once. */
  lines(name: string): AsyncGenerator<TreeLines | TreeProblem, void> {
    const { disk, dir } = this.#options;
    return readChunkLines(disk, dir, name, this.#summing(name));
  }

  /** Reads a document that must be there. */
  document(name: string): Promise<TreeDocument | TreeProblem> {
    const { disk, dir } = this.#options;
    return readDocument(disk, dir, name, this.#summing(name));
  }

  /** Reads what was not read yet, to compare its sum. */
  async rest(): Promise<void> {
    const { disk, dir, names, sums, problems } = this.#options;
    for (const name of sums?.keys() ?? []) {
      if (this.#read.has(name) || !names.has(name)) continue;
      try {
        this.#compare(name, await sumFile(disk, join(dir, name)));
      } catch (cause) {
        problems.add(name, unreadable(cause), remedyFor(name));
      }
    }
  }

  /** Sums what is read of a file, and compares the sum at its end. */
  #summing(name: string): LineOptions {
    // A file without a sum need not be summed.
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

  #compare(name: string, { sum, size }: ReadSum): void {
    const { sums, problems, onBytes } = this.#options;
    if (this.#read.has(name)) return;
    this.#read.add(name);
    this.bytes += size;
    onBytes?.(size);
    const known = sums?.get(name);
    if (known === undefined) return;
    const difference = known.size !== null && known.size !== size
      ? `it has ${size} bytes, not ${known.size}`
      : known.sum !== sum
      ? "its SHA-256 differs"
      : null;
    if (difference === null) return;
    const message = `is not what was written: ${difference}`;
    problems.add(name, message, remedyFor(name));
  }
}
