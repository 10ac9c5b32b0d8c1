/**
 * Reads the newest Logs of a list for a person to look at: the ends of the list,
 * never all of it. Lists have no documented order, so both ends are looked at.
 */
import { concat } from "../core/bytes.ts";
import { isObject, parseExactly } from "../core/json.ts";
import { countChunks } from "../tree/chunk_reader.ts";
import { chunkPath } from "../tree/layout.ts";
import { onDisk } from "../tree/atomic_file.ts";
import type { Disk } from "../core/runtime.ts";

/** One Log, and where it stands. */
export interface FoundLog {
  /** The Log; `null` where it is too long, or no JSON. */
  readonly log: Record<string, unknown> | null;
  /** Chunk and line, from 1. */
  readonly chunk: number;
  readonly line: number;
}

/** Longer Logs are not looked into, in bytes. */
const LONGEST = 4 * 1024 * 1024;
/** Bytes to be read at once. */
const PART = 256 * 1024;
const NEWLINE = 0x0a;

/**
 * The newest Logs.
 *
 * @param dir The list's directory.
 * @param most How many, at the most.
 * @returns Them, newest first, and how many chunks there are.
 * @throws {StorageError} When the disk refuses.
 */
export async function newestLogs(
  disk: Disk,
  dir: string,
  most: number,
): Promise<{ readonly logs: readonly FoundLog[]; readonly chunks: number }> {
  const chunks = await countChunks(disk, dir);
  if (chunks === 0) return { logs: [], chunks };
  const first = await readEnd(disk, dir, 1, { first: most });
  const last: FoundLog[] = [];
  for (let chunk = chunks; chunk > 1 && last.length < most; chunk--) {
    last.unshift(...await readEnd(disk, dir, chunk, { last: most }));
  }
  const logs = [...first, ...last].toSorted((a, b) => timeOf(b) - timeOf(a));
  return { logs: logs.slice(0, most), chunks };
}

/** When it was created, in milliseconds; 0 where it does not say. */
function timeOf({ log }: FoundLog): number {
  const created = log?.["created_at"];
  const ms = typeof created === "string" ? Date.parse(created) : NaN;
  return Number.isNaN(ms) ? 0 : ms;
}

async function readEnd(
  disk: Disk,
  dir: string,
  chunk: number,
  { first = Infinity, last = Infinity }: {
    readonly first?: number;
    readonly last?: number;
  },
): Promise<readonly FoundLog[]> {
  const path = chunkPath(dir, chunk);
  return await onDisk(`read ${path}`, async () => {
    const found: Array<readonly [line: number, bytes: Uint8Array | null]> = [];
    let line = 0;
    for await (const bytes of linesOf(disk, path)) {
      found.push([++line, bytes]);
      if (found.length > last) found.shift();
      if (line === first) break;
    }
    return found.map(([line, bytes]) => ({ log: parse(bytes), chunk, line }));
  });
}

/** The lines of a file; `null` for those that are too long. */
async function* linesOf(
  disk: Disk,
  path: string,
): AsyncGenerator<Uint8Array | null, void> {
  const file = await disk.open(path, { read: true });
  try {
    const buffer = new Uint8Array(PART);
    let begun: Uint8Array[] = [];
    let length = 0;
    const end = () => {
      const line = length > LONGEST ? null : concat(begun);
      begun = [];
      length = 0;
      return line;
    };
    const add = (bytes: Uint8Array) => {
      length += bytes.length;
      if (length > LONGEST) begun = [];
      else begun.push(bytes.slice());
    };
    for (
      let size = await file.read(buffer);
      size !== null;
      size = await file.read(buffer)
    ) {
      let from = 0;
      for (
        let to = buffer.indexOf(NEWLINE);
        to !== -1 && to < size;
        to = buffer.indexOf(NEWLINE, from)
      ) {
        add(buffer.subarray(from, to));
        yield end();
        from = to + 1;
      }
      add(buffer.subarray(from, size));
    }
    if (length > 0) yield end();
  } finally {
    file.close();
  }
}

function parse(bytes: Uint8Array | null): Record<string, unknown> | null {
  if (bytes === null) return null;
  const value = parseExactly(new TextDecoder().decode(bytes));
  return isObject(value) ? value : null;
}
