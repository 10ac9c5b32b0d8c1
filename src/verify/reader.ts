/**
 * Reads the files of an export, each once: its sum is compared while its content
 * is looked at.
 */
import { createHash } from "node:crypto";
import { join } from "@std/path";
import type { Disk } from "../core/runtime.ts";
import type { Sums } from "../tree/checksums.ts";
import { readLines } from "../tree/lines.ts";
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
  readonly onBytes: (bytes: number) => void;
}

/** Reads the files of one export. */
export class ExportReader {
  readonly #options: ReaderOptions;
  readonly #read = new Set<string>();

  constructor(options: ReaderOptions) {
    this.#options = options;
  }

  /** Reads a chunk, many lines at once. */
  async *lines(name: string): AsyncGenerator<TreeLines | TreeProblem, void> {
    const { disk, dir } = this.#options;
    const summing = new Summing();
    let isWhole = true;
    const how = { onBytes: summing.onBytes, isOutlined: true };
    for await (const item of readChunkLines(disk, dir, name, how)) {
      if (item.kind === "problem" && item.cause === "unreadable") {
        isWhole = false;
      }
      yield item;
    }
    if (isWhole) this.#compare(name, summing);
  }

  /** Reads a document that must be there. */
  async document(name: string): Promise<TreeDocument | TreeProblem> {
    const { disk, dir } = this.#options;
    const summing = new Summing();
    const item = await readDocument(disk, dir, name, summing);
    const isRead = item.kind === "document" ||
      item.cause !== "unreadable" && item.cause !== "missing";
    if (isRead) this.#compare(name, summing);
    return item;
  }

  /** Reads what was not read yet, to compare its sum. */
  async rest(): Promise<void> {
    const { disk, dir, sums, problems } = this.#options;
    for (const [name, { size }] of sums ?? []) {
      if (this.#read.has(name) || !this.#options.names.has(name)) continue;
      const path = join(dir, name);
      try {
        const there = size === null ? null : (await disk.lstat(path)).size;
        if (there !== size) {
          this.#reportSize(name, there ?? 0, size ?? 0);
          continue;
        }
        const summing = new Summing();
        const how = { onBytes: summing.onBytes, isOutlined: true };
        for await (const _ of readLines(disk, path, how));
        this.#compare(name, summing);
      } catch (cause) {
        problems.add(name, unreadable(cause), remedyFor(name));
      }
    }
  }

  #compare(name: string, summing: Summing): void {
    const { sums, problems, onBytes } = this.#options;
    if (this.#read.has(name)) return;
    this.#read.add(name);
    onBytes(summing.bytes);
    const known = sums?.get(name);
    if (known === undefined) return;
    if (known.size !== null && known.size !== summing.bytes) {
      return this.#reportSize(name, summing.bytes, known.size);
    }
    if (known.sum === summing.digest()) return;
    const message = "is not what was written: its SHA-256 differs";
    problems.add(name, message, remedyFor(name));
  }

  #reportSize(name: string, there: number, written: number): void {
    const message =
      `is not what was written: it has ${there} bytes, not ${written}`;
    this.#options.problems.add(name, message, remedyFor(name));
  }
}

/** Sums what is read of one file. */
class Summing {
  readonly #hash = createHash("sha256");
  bytes = 0;

  readonly onBytes = (part: Uint8Array): void => {
    this.#hash.update(part);
    this.bytes += part.length;
  };

  digest(): string {
    return this.#hash.digest("hex");
  }
}
