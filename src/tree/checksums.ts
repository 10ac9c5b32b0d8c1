/**
 * `SHA256SUMS`, made while writing: every file that is written as `….part` is
 * summed on its way to the disk, and when it gets its name a line of a journal
 * says so. At the end of a run the journal becomes the sums; a run that is
 * killed leaves it for the next.
 *
 * A line with `?` for a sum stands in the journal while a file gets its name: if
 * the run dies just then, that file is read to sum it.
 */
import { createHash, type Hash } from "node:crypto";
import { join, relative } from "@std/path";
import type { Disk, DiskFile } from "../core/runtime.ts";
import {
  listDir,
  onDisk,
  PART_SUFFIX,
  readFile,
  removeAll,
  writeAll,
  writeFile,
} from "./atomic_file.ts";

/** The name of the sums below an export's directory. */
export const SUMS_NAME = "SHA256SUMS";

/** What its lines are kept in while a run goes on. */
export const JOURNAL_NAME = "SHA256SUMS.journal";
const UNKNOWN = "?";
/** The log, which is never written as a whole, and chunks that were set aside. */
const UNTRACKED = /^export\.log$|\.old\//;
/**
 * Files that are gone when the export is complete, pages, which can be made again
 * from the others, and the sums themselves.
 */
const UNSUMMED =
  /^SHA256SUMS|\/\.state\.json$|\.part$|^(files\/[^/]+\/)?index\.html$/;

/** The sums of one export; `disk` is the one to write through. */
export class Checksums {
  readonly #disk: Disk;
  readonly #root: string;
  readonly #hashes = new Map<string, Hash>();
  #journal: Promise<DiskFile> | null = null;
  /** Sums what goes through it. */
  readonly disk: Disk;

  /**
   * @param disk The disk itself.
   * @param root The export's directory.
   */
  constructor(disk: Disk, root: string) {
    this.#disk = disk;
    this.#root = root;
    this.disk = {
      open: (path, options) => this.#openFile(path, options),
      readFile: (path) => disk.readFile(path),
      readDir: (path) => disk.readDir(path),
      lstat: (path) => disk.lstat(path),
      rename: (from, to) => this.#rename(from, to),
      remove: (path, options) => disk.remove(path, options),
      mkdir: (path, options) => disk.mkdir(path, options),
      ensureDir: (path) => disk.ensureDir(path),
    };
  }

  /**
   * Writes the sums of all that is there.
   *
   * @throws {StorageError} When the disk refuses.
   */
  async finish(): Promise<void> {
    const disk = this.#disk;
    const journal = join(this.#root, JOURNAL_NAME);
    const known = parseSums(await readFile(disk, journal));
    const lines: string[] = [];
    for (const name of await filesBelow(disk, this.#root)) {
      if (UNSUMMED.test(name)) continue;
      const sum = known.get(name) ?? UNKNOWN;
      const isSure = sum !== UNKNOWN && !UNTRACKED.test(name);
      const path = join(this.#root, name);
      lines.push(`${isSure ? sum : await sumFile(disk, path)}  ${name}\n`);
    }
    const text = new TextEncoder().encode(lines.join(""));
    await writeFile(disk, join(this.#root, SUMS_NAME), text);
    await this.close();
    await removeAll(disk, journal);
  }

  /** Lets go of the journal, which stays unless the sums are finished. */
  async close(): Promise<void> {
    const journal = this.#journal;
    this.#journal = null;
    // Whoever wrote to it heard when it could not be opened.
    (await journal?.catch(() => null))?.close();
  }

  async #openFile(path: string, options: Deno.OpenOptions): Promise<DiskFile> {
    const file = await this.#disk.open(path, options);
    if (!options.write || !path.endsWith(PART_SUFFIX)) return file;
    const hash = createHash("sha256");
    this.#hashes.set(path, hash);
    return {
      read: (bytes) => file.read(bytes),
      write: async (bytes) => {
        const written = await file.write(bytes);
        hash.update(bytes.subarray(0, written));
        return written;
      },
      writeSync: (bytes) => file.writeSync(bytes),
      syncData: () => file.syncData(),
      close: () => file.close(),
      tryLock: (exclusive) => file.tryLock(exclusive),
      get readable() {
        return file.readable;
      },
    };
  }

  async #rename(from: string, to: string): Promise<void> {
    const hash = this.#hashes.get(from);
    this.#hashes.delete(from);
    const name = relative(this.#root, to).replaceAll("\\", "/");
    if (hash === undefined || UNSUMMED.test(name)) {
      return await this.#disk.rename(from, to);
    }
    await this.#note(UNKNOWN, name);
    await this.#disk.rename(from, to);
    await this.#note(hash.digest("hex"), name);
  }

  async #note(sum: string, name: string): Promise<void> {
    this.#journal ??= this.#openJournal();
    const line = new TextEncoder().encode(`${sum}  ${name}\n`);
    await writeAll(await this.#journal, JOURNAL_NAME, line);
  }

  /** The sums of an earlier run are where the journal begins. */
  async #openJournal(): Promise<DiskFile> {
    const sums = join(this.#root, SUMS_NAME);
    const journal = join(this.#root, JOURNAL_NAME);
    return await onDisk(`open ${journal}`, async () => {
      try {
        await this.#disk.rename(sums, journal);
      } catch (error) {
        if (!(error instanceof Deno.errors.NotFound)) throw error;
      }
      const options = { append: true, create: true, mode: 0o600 };
      return await this.#disk.open(journal, options);
    });
  }
}

/** Whether a file of an export has a sum when the export is complete. */
export function isSummed(name: string): boolean {
  return !UNSUMMED.test(name);
}

/** Reads lines such as `<sum>  <path>`; the last about a path counts. */
export function parseSums(bytes: Uint8Array | null): Map<string, string> {
  const text = bytes === null ? "" : new TextDecoder().decode(bytes);
  const sums = new Map<string, string>();
  for (const line of text.split("\n")) {
    const [, sum, name] = /^([0-9a-f]{64}|\?) {2}(.+)$/.exec(line) ?? [];
    if (sum !== undefined && name !== undefined) sums.set(name, sum);
  }
  return sums;
}

/**
 * Every file below a directory, by its path below it, with `/` between names.
 *
 * @returns The paths, sorted.
 * @throws {StorageError} When the disk refuses.
 */
export async function filesBelow(
  disk: Disk,
  root: string,
  below = "",
): Promise<string[]> {
  const names: string[] = [];
  for (const { name, isDirectory } of await listDir(disk, root) ?? []) {
    const path = below + name;
    if (!isDirectory) names.push(path);
    else {
      for (
        const one of await filesBelow(disk, join(root, name), `${path}/`)
      ) names.push(one);
    }
  }
  return names;
}

async function sumFile(disk: Disk, path: string): Promise<string> {
  return await onDisk(`read ${path}`, async () => {
    const hash = createHash("sha256");
    const file = await disk.open(path, { read: true });
    for await (const chunk of file.readable) hash.update(chunk);
    return hash.digest("hex");
  });
}
