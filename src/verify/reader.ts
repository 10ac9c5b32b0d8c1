/**
 * The files of an export, each read once: compared with its sum while whoever
 * wants to look inside does.
 */
import { createHash } from "node:crypto";
import { join } from "@std/path";
import { parseJson } from "../tree/json_file.ts";
import { isSummed } from "../tree/checksums.ts";
import { readFile } from "../tree/atomic_file.ts";
import type { Disk } from "../core/runtime.ts";
import { type OnLine, type ReadFile, readLines } from "./lines.ts";
import { adviceFor, type Problems } from "./problems.ts";

/** What {@linkcode ExportReader} is made from. */
export interface ReaderOptions {
  readonly disk: Disk;
  readonly root: string;
  /** Every file of the export, below its directory, sorted. */
  readonly names: readonly string[];
  /** What SHA256SUMS says; `null` where there is none. */
  readonly sums: ReadonlyMap<string, string> | null;
  readonly problems: Problems;
  /** Hears how many bytes were read. */
  readonly onBytes: (bytes: number) => void;
}

/** Reads the files of one export. */
export class ExportReader {
  readonly #options: ReaderOptions;
  readonly #names: ReadonlySet<string>;
  readonly #read = new Set<string>();

  constructor(options: ReaderOptions) {
    this.#options = options;
    this.#names = new Set(options.names);
  }

  /** Whether there is such a file. */
  has(name: string): boolean {
    return this.#names.has(name);
  }

  /** Reads a file line by line. */
  async lines(
    name: string,
    onLine?: OnLine,
  ): Promise<ReadFile> {
    const { disk, root } = this.#options;
    const read = await readLines(disk, join(root, name), onLine);
    this.#compare(name, read.sum, read.bytes);
    return read;
  }

  /** Reads a file as JSON; `undefined` when it is none. */
  async json(name: string): Promise<unknown> {
    const { disk, root } = this.#options;
    const bytes = await readFile(disk, join(root, name));
    if (bytes === null) return undefined;
    const sum = createHash("sha256").update(bytes).digest("hex");
    this.#compare(name, sum, bytes.length);
    return parseJson(bytes);
  }

  /** Reads what nobody has looked at, for the sake of its sum. */
  async rest(): Promise<void> {
    for (const name of this.#options.names) {
      const isRead = this.#read.has(name) || !isSummed(name);
      if (!isRead) await this.lines(name);
    }
  }

  #compare(name: string, sum: string, bytes: number): void {
    const { sums, problems, onBytes } = this.#options;
    if (this.#read.has(name)) return;
    this.#read.add(name);
    onBytes(bytes);
    const known = sums?.get(name);
    if (known === undefined || known === sum) return;
    problems.add(
      name,
      "is not what was written: its SHA-256 differs",
      adviceFor(name),
    );
  }
}
