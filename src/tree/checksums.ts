/**
 * Makes `SHA256SUMS` while files are written: each that is renamed to its final
 * name gets a line in a journal, with its sum and its size. At the end of a run
 * the journal becomes the sums; a run that is killed leaves it for the next. A
 * listed sum is never dropped: if its file is missing, the line stays, so that
 * `sha256sum -c` reports it.
 *
 * While a file is renamed, its line in the journal has `?` for a sum: if the
 * run is killed just then, the next one reads the file to sum it. A failure of
 * the disk throws a `StorageError`.
 */
import { createHash } from "node:crypto";
import { join, relative } from "@std/path";
import type { Disk, DiskFile } from "../core/runtime/runtime.ts";
import {
  type FileSum,
  listDir,
  onDisk,
  readFile,
  type SumRecorder,
  UNKNOWN_SUM,
  writeAll,
  writeFile,
} from "./write/atomic_file.ts";
import { DAMAGED_NAME, listTree, type PlainTree } from "./read/plain_tree.ts";
import { removeScratch } from "./write/removal.ts";

/** The name of the sums below an export's directory. */
export const SUMS_NAME = "SHA256SUMS";

/** The name of the journal, which a run keeps beside it. */
export const JOURNAL_NAME = "SHA256SUMS.journal";
/** Marks the line of what was set aside, in the journal. */
const DROPPED = "-";
/** Ends a line that a kill cut off, and makes it invalid. */
const CUT_LINE = new TextEncoder().encode("\0\n");
/**
 * Files without a line in the journal: the log, which grows, and what was set
 * aside.
 */
const UNTRACKED = /^export\.log$|\.old(-\d+)?(\/|$)/;
/**
 * What an export is made of. Not what can be made again from it, nor the notes of a
 * run, nor what others leave in any directory, such as `.DS_Store`: that may go.
 */
const SUMMED = new RegExp(
  [
    String.raw`^(export\.(json|log)|directories\.json)$`,
    String
      .raw`^files/[\w-]+/(\.done|(file|deployments)\.json|versions/[\w-]+)$`,
    String.raw`^files/[\w-]+/(logs|datapoints/[\w-]+)/\d+\.jsonl$`,
    String.raw`^files/[\w-]+/evaluations/[\w-]+/(evaluation|stats)\.json$`,
    String.raw`^files/[\w-]+/evaluations/[\w-]+/(runs/[\w-]+|logs/\d+\.jsonl)$`,
  ].join("|"),
);
const SUM_LINE = /^([0-9a-f]{64}|\?|-) [ *](?:\.\/)?([^\0]+)$/;

/** The sums of an export's files, by their paths below it, with `/` between names. */
export type Sums = ReadonlyMap<string, FileSum>;

/** The sum of a file that was read. */
export type ReadSum = FileSum & { readonly size: number };

/** What lies in an export. */
interface Listed extends Pick<PlainTree, "others"> {
  readonly files: Set<string>;
}

/** Keeps the sums of one export while a run goes on. */
export class SumJournal implements SumRecorder {
  readonly #disk: Disk;
  readonly #root: string;
  #journal: Promise<DiskFile> | null = null;
  #writing: Promise<void> = Promise.resolve();
  /** Lines that wait to be written, and the write that will take them. */
  #pending = "";
  #next: Promise<void> | null = null;
  /** What is on disk, since it was listed; kept up to date from then on. */
  #listed: Listed | null = null;

  /**
   * @param disk The disk.
   * @param root The export's directory.
   */
  constructor(disk: Disk, root: string) {
    this.#disk = disk;
    this.#root = root;
  }

  /** Notes that a file is being renamed (without a sum) or was renamed. */
  async record(path: string, sum: FileSum): Promise<void> {
    const name = this.#nameOf(path);
    this.#listed?.files.add(name);
    if (isSummed(name)) await this.#note(sumLines(name, sum));
  }

  /**
   * Notes that a file, or a directory with all that is in it, loses its name.
   */
  async drop(path: string): Promise<void> {
    const name = this.#nameOf(path);
    for (const one of this.#listed?.files ?? []) {
      if (isAtOrBelow(name, one)) this.#listed!.files.delete(one);
    }
    await this.#note(`${DROPPED}  ${name}\n`);
  }

  /**
   * Finds files that have a sum and are not there.
   *
   * @returns Their paths below the export.
   * @throws {StorageError} When the sums cannot be read.
   */
  async findLost(): Promise<readonly string[]> {
    const known = await readSums(this.#disk, this.#root);
    return lostOf(known, (await this.#list()).files);
  }

  /**
   * Writes the sums of all that is there.
   *
   * @returns What cannot be read to sum it.
   */
  async finish(): Promise<readonly string[]> {
    const disk = this.#disk;
    const known = await readSums(disk, this.#root);
    const { files, others } = await this.#list();
    const lines = new Map<string, string>();
    for (const name of lostOf(known, files)) {
      lines.set(name, sumLines(name, known.get(name)!));
    }
    const unread = others.map(({ path }) => path);
    for (const name of files) {
      if (!isSummed(name)) continue;
      const before = known.get(name);
      const isSure = before !== undefined && before.sum !== UNKNOWN_SUM &&
        !UNTRACKED.test(name);
      const sum = isSure
        ? before
        : await sumFile(disk, join(this.#root, name)).catch(() => null);
      if (sum === null) unread.push(name);
      else lines.set(name, sumLines(name, sum));
    }
    const sorted = [...lines.keys()].sort().map((name) => lines.get(name));
    const bytes = new TextEncoder().encode(sorted.join(""));
    await writeFile(disk, join(this.#root, SUMS_NAME), bytes);
    await this.close();
    await removeScratch(disk, join(this.#root, JOURNAL_NAME));
    return unread;
  }

  /** Closes the journal, which stays unless the sums are finished. */
  async close(): Promise<void> {
    const journal = this.#journal;
    this.#journal = null;
    // A journal that could not be opened made the first write throw.
    (await journal?.catch(() => null))?.close();
  }

  /** Lists what is there, once. */
  async #list(): Promise<Listed> {
    if (this.#listed === null) {
      const skip = { skip: DAMAGED_NAME };
      const { files, others } = await listTree(this.#disk, this.#root, skip);
      this.#listed = { files: new Set(files), others };
    }
    return this.#listed;
  }

  #nameOf(path: string): string {
    return relative(this.#root, path).replaceAll("\\", "/");
  }

  /** Writes lines; those that arrive while another write runs go together. */
  async #note(lines: string): Promise<void> {
    this.#pending += lines;
    this.#next ??= this.#writing = this.#writing.catch(() => {})
      .then(() => this.#writePending());
    await this.#next;
  }

  async #writePending(): Promise<void> {
    const file = await (this.#journal ??= this.#open());
    const bytes = new TextEncoder().encode(this.#pending);
    this.#pending = "";
    this.#next = null;
    await writeAll(file, JOURNAL_NAME, bytes);
  }

  /** Opens the journal; a new one begins with the sums of an earlier run. */
  async #open(): Promise<DiskFile> {
    const sums = join(this.#root, SUMS_NAME);
    const journal = join(this.#root, JOURNAL_NAME);
    return await onDisk(`open ${journal}`, async () => {
      const entries = await listDir(this.#disk, this.#root) ?? [];
      const hasJournal = entries.some(({ name }) => name === JOURNAL_NAME);
      const hasSums = entries.some(({ name }) => name === SUMS_NAME);
      if (hasSums && !hasJournal) await this.#disk.rename(sums, journal);
      const options = { append: true, create: true, mode: 0o600 };
      const file = await this.#disk.open(journal, options);
      // Ends a line that may have been cut, so that it is read as none.
      if (hasJournal || hasSums) await writeAll(file, journal, CUT_LINE);
      return file;
    });
  }
}

function lostOf(known: Sums, names: ReadonlySet<string>): readonly string[] {
  return [...known].filter(([name, { sum }]) =>
    sum !== UNKNOWN_SUM && !names.has(name) && isSummed(name) &&
    !UNTRACKED.test(name)
  ).map(([name]) => name);
}

/**
 * Reads a file to sum it.
 *
 * @throws What the disk throws.
 */
export async function sumFile(disk: Disk, path: string): Promise<ReadSum> {
  const hash = createHash("sha256");
  let size = 0;
  const file = await disk.open(path, { read: true });
  for await (const part of file.readable) {
    hash.update(part);
    size += part.length;
  }
  return { sum: hash.digest("hex"), size };
}

function isAtOrBelow(name: string, path: string): boolean {
  return path === name || path.startsWith(`${name}/`);
}

/** Checks whether a file of an export has a sum when the export is complete. */
export function isSummed(name: string): boolean {
  return SUMMED.test(name) || UNTRACKED.test(name) && !/\.part$/.test(name);
}

/** Reads the sums of an export, and what a killed run noted after them. */
export async function readSums(disk: Disk, root: string): Promise<Sums> {
  const sums = parseSums(await readFile(disk, join(root, SUMS_NAME)));
  return parseSums(await readFile(disk, join(root, JOURNAL_NAME)), sums);
}

/**
 * Parses lines such as `<sum>  <path>`, each with `# <bytes>  <path>` before it;
 * the last about a path counts. A person may have made them with `sha256sum`, which
 * writes `<sum> *<path>` on some systems, for `./<path>` as `find` names it.
 */
export function parseSums(
  bytes: Uint8Array | null,
  earlier: Sums = new Map(),
): Map<string, FileSum> {
  const text = bytes === null ? "" : new TextDecoder().decode(bytes);
  const sums = new Map(earlier);
  let sized: { readonly name: string; readonly size: number } | null = null;
  // A last line without its end may have been cut.
  for (const line of text.split(/\r?\n/).slice(0, -1)) {
    const [, size, sizedName] = /^# (\d{1,15}) {2}([^\0]+)$/.exec(line) ?? [];
    if (size !== undefined && sizedName !== undefined) {
      sized = { name: sizedName, size: Number(size) };
      continue;
    }
    const [, sum, name] = SUM_LINE.exec(line) ?? [];
    if (sum === undefined || name === undefined) continue;
    if (sum === DROPPED) {
      for (const one of sums.keys()) {
        if (isAtOrBelow(name, one)) sums.delete(one);
      }
      continue;
    }
    sums.set(name, { sum, size: sized?.name === name ? sized.size : null });
  }
  return sums;
}

function sumLines(name: string, { sum, size }: FileSum): string {
  const line = `${sum}  ${name}\n`;
  return size === null ? line : `# ${size}  ${name}\n${line}`;
}
