/** Reads `SHA256SUMS`, with the sizes that stand in comments before the sums. */
import { join } from "@std/path";
import type { Disk } from "../core/runtime.ts";
import { SUMS_NAME } from "../tree/checksums.ts";
import { unreadable } from "../tree/plain_tree.ts";
import type { TreeExport } from "../tree/tree_reader.ts";
import { byHand, type Problems } from "./problems.ts";

/** What was written of a file. */
export interface Sum {
  /** SHA-256, in hexadecimal. */
  readonly sum: string;
  /** In bytes; `null` where exports of earlier versions do not say. */
  readonly size: number | null;
}

/** Sums by path below the export's directory. */
export type Sums = ReadonlyMap<string, Sum>;

const ADVICE = byHand(
  "remove SHA256SUMS and resume to sum the files again, if they are sound",
);

/**
 * Reads the sums of an export; reports lines that are none.
 *
 * @returns Them, or `null` where there are none to be read.
 */
export async function readSums(
  disk: Disk,
  { dir, prefix, topNames }: TreeExport,
  problems: Problems,
): Promise<Sums | null> {
  if (!topNames.has(SUMS_NAME)) return null;
  const name = `${prefix}${SUMS_NAME}`;
  let text: string;
  try {
    text = new TextDecoder().decode(await disk.readFile(join(dir, name)));
  } catch (cause) {
    problems.add(name, unreadable(cause), ADVICE);
    return null;
  }
  const sums = new Map<string, Sum>();
  const sizes = new Map<string, number>();
  let lines = 0;
  for (const line of text.split("\n")) {
    const [, bytes, of] = /^# (\d+) {2}(.+)$/.exec(line) ?? [];
    if (bytes !== undefined) sizes.set(of!, Number(bytes));
    if (line === "" || line.startsWith("#")) continue;
    lines++;
    const [, sum, path] = /^([0-9a-f]{64}) {2}(.+)$/.exec(line) ?? [];
    if (sum === undefined) continue;
    const size = sizes.get(path!) ?? null;
    sums.set(path!.startsWith("files/") ? path! : prefix + path, { sum, size });
  }
  if (sums.size !== lines) {
    const message = `has ${lines} lines, of which ${sums.size} are sums`;
    problems.add(name, message, ADVICE);
  }
  return sums;
}
