/**
 * Reads the newest Logs of a list, for a page: the ends of the list, never all
 * of it. Lists have no documented order, so both ends are read.
 */
import { basename, join } from "@std/path";
import { isObject, withExactNumbers } from "../core/text/json.ts";
import type { Disk, DiskFile } from "../core/runtime/runtime.ts";
import { decodeLine } from "../tree/read/lines.ts";
import { unreadable } from "../tree/read/plain_tree.ts";
import { type OnProblem, problemOf } from "../tree/read/tree_reader.ts";
import type { Fields } from "./components/values.ts";

/** One Log, and where it is. */
export interface ShownLog {
  /** The Log; `null` if it is too long to show, or not JSON. */
  readonly log: Fields | null;
  readonly chunk: number;
  /**
   * From 1, or back from -1 for the last, if the lines before it were not
   * counted.
   */
  readonly line: number;
}

/** A line of a chunk; `null` if it is longer than what was read. */
type Line = readonly [line: number, bytes: Uint8Array | null];

/**
 * Bytes to read at either end of a chunk, in steps, until there are enough
 * lines; fewer Logs are shown if they are long.
 */
const END_BYTES = [16, 128, 1024, 4096].map((kib) => kib * 1024);
/** Longer Logs are not parsed, in bytes. */
const LONGEST_LOG = 256 * 1024;
const NEWLINE = 0x0a;

/**
 * Reads the newest Logs.
 *
 * @param dir The export's directory.
 * @param chunks The list's chunks in order, below it.
 * @param most The most Logs to return.
 * @returns The Logs, newest first.
 */
export async function newestLogs(
  disk: Disk,
  dir: string,
  chunks: readonly string[],
  most: number,
  onProblem: OnProblem,
): Promise<readonly ShownLog[]> {
  const read = async (path: string, ends: Ends): Promise<Candidate[]> => {
    const chunk = parseInt(basename(path));
    try {
      const lines = await readEnds(disk, join(dir, path), ends);
      return lines.map(([line, bytes]) => ({ ...parse(bytes), chunk, line }));
    } catch (cause) {
      onProblem(problemOf(dir, path, "unreadable", unreadable(cause)));
      return [];
    }
  };
  const [firstChunk, ...others] = chunks;
  if (firstChunk === undefined) return [];
  const logs: Candidate[] = [];
  for (const path of others.toReversed()) {
    const last = most - logs.length;
    if (last > 0) logs.unshift(...await read(path, { first: 0, last }));
  }
  const last = most - logs.length;
  logs.unshift(...await read(firstChunk, { first: most, last }));
  return logs.toSorted((a, b) => timeOf(b) - timeOf(a)).slice(0, most)
    .map(({ text, log, chunk, line }) => {
      const exact = withExactNumbers(text, log);
      return { log: isObject(exact) ? exact : null, chunk, line };
    });
}

/** A Log that may be among the newest, and its JSON. */
interface Candidate extends ShownLog {
  readonly text: string;
}

/** Returns when it was created, in milliseconds; 0 if unknown. */
function timeOf({ log }: ShownLog): number {
  const created = log?.["created_at"];
  const ms = typeof created === "string" ? Date.parse(created) : NaN;
  return Number.isNaN(ms) ? 0 : ms;
}

function parse(bytes: Uint8Array | null): Pick<Candidate, "log" | "text"> {
  const isShown = bytes !== null && bytes.length <= LONGEST_LOG;
  const text = isShown ? decodeLine(bytes) ?? "" : "";
  try {
    const value: unknown = JSON.parse(text);
    return { log: isObject(value) ? value : null, text };
  } catch {
    return { log: null, text: "" };
  }
}

/** How many lines are wanted from either end of a chunk. */
interface Ends {
  readonly first: number;
  readonly last: number;
}

async function readEnds(
  disk: Disk,
  path: string,
  { first, last }: Ends,
): Promise<readonly Line[]> {
  const { size } = await disk.lstat(path);
  const file = await disk.open(path, { read: true });
  try {
    let lines: readonly Line[] = [];
    for (const length of END_BYTES) {
      if (size <= 2 * length) {
        const all = linesOf(await readPart(file, 0, size));
        return all.map((bytes, i): Line => [i + 1, bytes])
          .filter((_, i) => i < first || i >= all.length - last);
      }
      // A line that was cut is only known to exist.
      const cut = async (from: number, at: number) =>
        linesOf(await readPart(file, from, length)).with(at, null);
      const head = first > 0 ? await cut(0, -1) : [null];
      const tail = last > 0 ? await cut(size - length, 0) : [null];
      lines = [
        ...head.slice(0, first).map((bytes, i): Line => [i + 1, bytes]),
        ...tail.map((bytes, i): Line => [i - tail.length, bytes])
          .filter(([line]) => line >= -last),
      ];
      if (head.length > first && tail.length > last) break;
    }
    return lines;
  } finally {
    file.close();
  }
}

async function readPart(
  file: DiskFile,
  from: number,
  length: number,
): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  await file.seek(from, Deno.SeekMode.Start);
  let size = 0;
  while (size < length) {
    const read = await file.read(bytes.subarray(size));
    if (read === null) break;
    size += read;
  }
  return bytes.subarray(0, size);
}

function linesOf(bytes: Uint8Array): readonly (Uint8Array | null)[] {
  const lines: Uint8Array[] = [];
  for (let start = 0; start < bytes.length;) {
    const newline = bytes.indexOf(NEWLINE, start);
    const end = newline === -1 ? bytes.length : newline;
    lines.push(bytes.subarray(start, end));
    start = end + 1;
  }
  return lines;
}
