/** Reads the sums of an export for its check, and reports invalid lines. */
import { join } from "@std/path";
import type { Disk } from "../core/runtime/runtime.ts";
import type { FileSum } from "../tree/write/atomic_file.ts";
import {
  JOURNAL_NAME,
  parseSums,
  type Sums,
  SUMS_NAME,
} from "../tree/checksums.ts";
import { unreadable } from "../tree/read/plain_tree.ts";
import type { TreeExport } from "../tree/read/tree_reader.ts";
import { byHand, type Problems, RESUME } from "./problems.ts";

const ADVICE = byHand(
  "remove SHA256SUMS and resume to sum the files again, if they are sound",
);
const CARRIAGE_RETURN = 0x0d;
/** The log of a run that did not end has grown since it was summed. */
const LOG_NAME = "export.log";

/**
 * Reads the sums of exports, and those in the journals of unfinished runs.
 *
 * @returns The sums, or `null` if none can be read.
 */
export async function readAllSums(
  disk: Disk,
  exports: readonly TreeExport[],
  problems: Problems,
): Promise<Sums | null> {
  let all: Map<string, FileSum> | null = null;
  for (const one of exports) {
    const sums = await readExportSums(disk, one, problems);
    if (sums !== null) all = new Map([...all ?? [], ...sums]);
  }
  return all;
}

async function readExportSums(
  disk: Disk,
  { dir, prefix, topNames }: TreeExport,
  problems: Problems,
): Promise<Sums | null> {
  const read = async (name: string): Promise<Uint8Array | null> => {
    if (!topNames.has(name)) return null;
    try {
      return await disk.readFile(join(dir, prefix, name));
    } catch (cause) {
      problems.add(prefix + name, unreadable(cause), ADVICE);
      return null;
    }
  };
  const [finished, journal] = [await read(SUMS_NAME), await read(JOURNAL_NAME)];
  if (finished === null && journal === null) return null;
  const known = parseSums(finished);
  const lines = finished === null ? 0 : countSumLines(finished);
  if (known.size !== lines) {
    const message = `has ${lines} lines, of which ${known.size} are sums`;
    problems.add(prefix + SUMS_NAME, message, ADVICE);
  }
  // This program writes none, and sha256sum takes one for a part of the name.
  if (finished?.includes(CARRIAGE_RETURN)) {
    const message = "has other line endings than were written";
    problems.add(prefix + SUMS_NAME, message, RESUME);
  }
  const sums = parseSums(journal, known);
  if (journal !== null) sums.delete(LOG_NAME);
  return new Map(
    [...sums].filter(([, { sum }]) => /^[0-9a-f]{64}$/.test(sum))
      .map(([name, sum]) => [
        name.startsWith("files/") ? name : prefix + name,
        sum,
      ]),
  );
}

function countSumLines(bytes: Uint8Array): number {
  return new TextDecoder().decode(bytes).split("\n")
    .filter((line) => line !== "" && !line.startsWith("#")).length;
}
