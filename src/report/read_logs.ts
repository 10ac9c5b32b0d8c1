/**
 * Reads the newest Logs of a list for a person to look at: the ends of the list,
 * never all of it. Lists have no documented order, so both ends are looked at.
 */
import { join } from "@std/path";
import { isObject, parseExactly } from "../core/json.ts";
import type { Disk } from "../core/runtime.ts";
import { readLines } from "../tree/lines.ts";
import { unreadable } from "../tree/plain_tree.ts";
import { type OnProblem, problemOf } from "../tree/tree_reader.ts";

/** One Log, and where it is. */
export interface ShownLog {
  /** The Log; `null` where it is too long, or no JSON. */
  readonly log: Record<string, unknown> | null;
  /** Chunk and line, from 1. */
  readonly chunk: number;
  readonly line: number;
}

/** Longer Logs are not looked into, in bytes. */
const MAX_LOG_BYTES = 4 * 1024 * 1024;

/**
 * Reads the newest Logs.
 *
 * @param dir The export's directory.
 * @param chunks The list's chunks in order, below it.
 * @param most How many, at the most.
 * @returns Them, newest first.
 */
export async function newestLogs(
  disk: Disk,
  dir: string,
  chunks: readonly string[],
  most: number,
  onProblem: OnProblem,
): Promise<readonly ShownLog[]> {
  const end = async (at: number, which: { first?: number; last?: number }) => {
    try {
      return await readEnd(disk, join(dir, chunks[at]!), at + 1, which);
    } catch (cause) {
      onProblem(problemOf(dir, chunks[at]!, "unreadable", unreadable(cause)));
      return [];
    }
  };
  if (chunks.length === 0) return [];
  const first = await end(0, { first: most });
  const last: ShownLog[] = [];
  for (let at = chunks.length - 1; at > 0 && last.length < most; at--) {
    last.unshift(...await end(at, { last: most }));
  }
  return [...first, ...last].toSorted((a, b) => timeOf(b) - timeOf(a))
    .slice(0, most);
}

/** Returns when it was created, in milliseconds; 0 where it does not say. */
function timeOf({ log }: ShownLog): number {
  const created = log?.["created_at"];
  const ms = typeof created === "string" ? Date.parse(created) : NaN;
  return Number.isNaN(ms) ? 0 : ms;
}

async function readEnd(
  disk: Disk,
  path: string,
  chunk: number,
  { first = Infinity, last = Infinity }: {
    readonly first?: number;
    readonly last?: number;
  },
): Promise<readonly ShownLog[]> {
  let lines: Array<readonly [line: number, text: string | null]> = [];
  const options = { maxLineBytes: MAX_LOG_BYTES };
  for await (const batch of readLines(disk, path, options)) {
    for (const [i, text] of batch.texts.entries()) {
      lines.push([batch.first + i, text]);
    }
    if (lines.length > last) lines = lines.slice(-last);
    if (lines.length >= first) break;
  }
  return lines.slice(0, first)
    .map(([line, text]) => ({ log: parse(text), chunk, line }));
}

function parse(text: string | null): Record<string, unknown> | null {
  const value = text === null ? null : parseExactly(text);
  return isObject(value) ? value : null;
}
