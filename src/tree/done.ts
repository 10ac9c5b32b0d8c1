/**
 * Reads and writes `.done`, which says that a File is complete. A failure of the
 * disk throws a `StorageError`.
 */
import { isObject } from "../core/text/json.ts";
import { type Counts, RECORD_KINDS } from "../core/observer.ts";
import type { Disk } from "../core/runtime/runtime.ts";
import { readFile, type SumRecorder } from "./write/atomic_file.ts";
import { parseJson, writeJson } from "./json_file.ts";
import type { FileLayout } from "./layout.ts";
import { removeScratch } from "./write/removal.ts";

/** What `.done` says. */
export interface Done {
  /**
   * Whether the Logs are part of it; `undefined` in one of the official script.
   */
  readonly logs: boolean | undefined;
  readonly counts: Counts;
}

/**
 * Reads `.done`. One of the official script holds a line of text.
 *
 * @returns What it says, or `null` when there is none.
 */
export async function readDone(
  disk: Disk,
  layout: FileLayout,
): Promise<Done | null> {
  const bytes = await readFile(disk, layout.done);
  if (bytes === null) return null;
  const json = parseJson(bytes);
  if (!isObject(json) || typeof json["logs"] !== "boolean") {
    return { logs: undefined, counts: {} };
  }
  return { logs: json["logs"], counts: readCounts(json["counts"]) };
}

/** Marks a File as complete: writes `.done`, then removes the checkpoints. */
export async function writeDone(
  disk: Disk,
  layout: FileLayout,
  done: { readonly logs: boolean; readonly counts: Counts },
  sums: SumRecorder | null,
): Promise<void> {
  await writeJson(disk, layout.done, done, sums);
  await removeScratch(disk, layout.state);
}

function readCounts(value: unknown): Counts {
  const fields = isObject(value) ? value : {};
  const counts = RECORD_KINDS.filter((kind) =>
    Number.isSafeInteger(fields[kind])
  );
  return Object.fromEntries(counts.map((kind) => [kind, fields[kind]]));
}
