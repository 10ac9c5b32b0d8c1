/**
 * Reads and writes this program's own JSON: checkpoints, `.done`,
 * `export.json`.
 */
import type { Disk } from "../core/runtime.ts";
import { type SumRecorder, writeFile } from "./atomic_file.ts";

/**
 * Writes a value as JSON with an end of line.
 *
 * @throws {StorageError} When the disk fails.
 */
export async function writeJson(
  disk: Disk,
  path: string,
  value: unknown,
  sums: SumRecorder | null = null,
): Promise<void> {
  const text = JSON.stringify(value) + "\n";
  await writeFile(disk, path, new TextEncoder().encode(text), sums);
}

/** Parses what was read; `undefined` when it is nothing or no JSON. */
export function parseJson(bytes: Uint8Array | null): unknown {
  if (bytes === null) return undefined;
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
}
