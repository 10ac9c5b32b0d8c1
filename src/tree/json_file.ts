/** Files of our own that hold JSON: the state, `.done`, `export.json`. */
import type { Disk } from "../core/runtime.ts";
import { writeFile } from "./atomic_file.ts";

/**
 * Writes a value as JSON with an end of line.
 *
 * @throws {StorageError} When the disk refuses.
 */
export async function writeJson(
  disk: Disk,
  path: string,
  value: unknown,
): Promise<void> {
  const text = JSON.stringify(value) + "\n";
  await writeFile(disk, path, new TextEncoder().encode(text));
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
