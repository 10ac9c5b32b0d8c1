/** Reads a file once: its sum, and its lines one after the other. */
import { createHash } from "node:crypto";
import { concat } from "../bytes.ts";
import { onDisk } from "../tree/storage.ts";
import type { Disk } from "../world.ts";

/** What reading a file told. */
export interface ReadFile {
  /** SHA-256, in hexadecimal. */
  readonly sum: string;
  readonly bytes: number;
  /** Whether its last line is without an end. */
  readonly torn: boolean;
}

const NEWLINE = 0x0a;

/**
 * Reads a file.
 *
 * @param disk The disk.
 * @param path The file.
 * @param onLine Gets each line without its end, and its number from 1.
 * @throws {StorageError} When the disk refuses.
 */
export async function readLines(
  disk: Disk,
  path: string,
  onLine: (line: Uint8Array, number: number) => void = () => {},
): Promise<ReadFile> {
  return await onDisk(`read ${path}`, async () => {
    const file = await disk.open(path, { read: true });
    const hash = createHash("sha256");
    /** The beginning of a line that goes on in the next part. */
    let begun: Uint8Array[] = [];
    let bytes = 0;
    let number = 0;
    for await (const part of file.readable) {
      hash.update(part);
      bytes += part.length;
      let start = 0;
      for (
        let end = part.indexOf(NEWLINE);
        end !== -1;
        end = part.indexOf(NEWLINE, start)
      ) {
        const rest = part.subarray(start, end);
        onLine(concat([...begun, rest]), ++number);
        begun = [];
        start = end + 1;
      }
      if (start < part.length) begun.push(part.subarray(start));
    }
    if (begun.length > 0) onLine(concat(begun), ++number);
    return { sum: hash.digest("hex"), bytes, torn: begun.length > 0 };
  });
}
