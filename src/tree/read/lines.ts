/**
 * Reads a file line by line, many lines at once, in memory that does not grow
 * with the file. It checks nothing but UTF-8; the caller makes sure that the
 * path is a plain file.
 */
import { joinOnce, release } from "../../core/text/bytes.ts";
import { JsonOutline, MOST_WHOLE_BYTES } from "../../core/text/json_outline.ts";
import type { Disk } from "../../core/runtime/runtime.ts";
import { decodeUtf8 } from "../../core/text/utf8.ts";

/** Lines that follow on each other. */
export interface LineBatch {
  /** The number of the first, from 1. */
  readonly first: number;
  /**
   * The lines without their ends; `null` for one that is not valid UTF-8 or too
   * long.
   */
  readonly texts: readonly (string | null)[];
  /** Whether it is one line, longer than `maxLineBytes`. */
  readonly isTooLong: boolean;
  /** Whether the last of them has its end. */
  readonly isTerminated: boolean;
}

/** How to read lines. */
export interface LineOptions {
  /** The longest line to read, in bytes. */
  readonly maxLineBytes?: number;
  /**
   * Whether a line of more than 1 MB is replaced by its outline, so that lines
   * of any length can be read: very long strings and arrays are validated and
   * left out.
   */
  readonly isOutlined?: boolean;
  /** Bytes to read at once; fewer leave less to the garbage collector. */
  readonly partBytes?: number;
  /**
   * Free buffers of `partBytes` bytes, which the readers of many files share.
   */
  readonly buffers?: Uint8Array<ArrayBuffer>[];
  /** Called with all bytes in order; they are valid only until it returns. */
  readonly onBytes?: ((bytes: Uint8Array) => void) | undefined;
  /** Called when all of the file was read. */
  readonly onEnd?: () => void;
}

/** The longest line that is read unless asked otherwise, in bytes. */
const MAX_LINE_BYTES = 256 * 1024 * 1024;
/**
 * Bytes to read at once: few, so that what is made of them is short-lived for
 * the garbage collector.
 */
const PART_BYTES = 128 * 1024;
const NEWLINE = 0x0a;

/**
 * Reads the lines of a file.
 *
 * @param path A plain file.
 * @throws What the disk throws.
 */
export async function* readLines(
  disk: Disk,
  path: string,
  options: LineOptions = {},
): AsyncGenerator<LineBatch, void> {
  const { onBytes, onEnd } = options;
  let open = new OpenLine(options);
  let first = 1;
  const batch = (
    texts: LineBatch["texts"],
    isTerminated: boolean,
  ): LineBatch => {
    const { isTooLong } = open;
    const lines = { first, texts, isTooLong, isTerminated };
    first += texts.length;
    open = new OpenLine(options);
    return lines;
  };
  for await (const part of readParts(disk, path, options)) {
    onBytes?.(part);
    const end = part.lastIndexOf(NEWLINE);
    let from = 0;
    if (open.bytes > 0 && end !== -1) {
      from = part.indexOf(NEWLINE) + 1;
      open.add(part.subarray(0, from - 1));
      yield batch([open.end()], true);
    }
    if (end >= from) {
      yield batch(decodeLines(part.subarray(from, end)), true);
      from = end + 1;
    }
    if (from < part.length) open.add(part.subarray(from));
  }
  if (open.bytes > 0) yield batch([open.end()], false);
  onEnd?.();
}

/** A line whose end has not been read. */
class OpenLine {
  readonly #options: LineOptions;
  readonly #maxBytes: number;
  #outline: JsonOutline | null = null;
  #isUtf8 = true;
  /** Its bytes, unless it is outlined or too long. */
  #parts: Uint8Array<ArrayBuffer>[] = [];
  bytes = 0;

  constructor(options: LineOptions) {
    this.#options = options;
    const { isOutlined, maxLineBytes = MAX_LINE_BYTES } = options;
    this.#maxBytes = isOutlined ? Infinity : maxLineBytes;
  }

  get isTooLong(): boolean {
    return this.bytes > this.#maxBytes;
  }

  add(part: Uint8Array): void {
    this.bytes += part.length;
    if (this.#options.isOutlined && this.bytes > MOST_WHOLE_BYTES) {
      for (const one of this.#parts) this.#addToOutline(one);
      this.#addToOutline(part);
    } else if (!this.isTooLong) {
      this.#parts.push(part.slice());
      return;
    }
    this.#parts = [];
  }

  /** Returns its text; `null` if it is too long or not valid UTF-8. */
  end(): string | null {
    if (this.isTooLong || !this.#isUtf8) return null;
    try {
      if (this.#outline !== null) return this.#outline.end();
    } catch {
      return null;
    }
    // Frees what is copied or decoded, so that a huge line is in memory at most
    // twice.
    const bytes = joinOnce(this.#parts);
    const text = decodeLine(bytes);
    release(bytes);
    return text;
  }

  #addToOutline(part: Uint8Array): void {
    if (!this.#isUtf8) return;
    try {
      this.#outline ??= new JsonOutline();
      this.#outline.add(part);
    } catch {
      this.#isUtf8 = false;
    }
  }
}

/** Reads a file's bytes; a part is valid only until the next is requested. */
async function* readParts(
  disk: Disk,
  path: string,
  { partBytes = PART_BYTES, buffers = [] }: LineOptions,
): AsyncGenerator<Uint8Array, void> {
  const file = await disk.open(path, { read: true });
  let part = buffers.pop() ?? new Uint8Array(partBytes);
  let ahead = buffers.pop() ?? new Uint8Array(partBytes);
  let reading = file.read(part);
  try {
    for (let size = await reading; size !== null; size = await reading) {
      // Reads ahead while the part is used.
      reading = file.read(ahead);
      yield part.subarray(0, size);
      [part, ahead] = [ahead, part];
    }
  } finally {
    // Waits for the read that a caller leaves behind if it stops early.
    await reading.catch(() => null);
    file.close();
    buffers.push(part, ahead);
  }
}

/** Decodes many lines at once, which is faster than one by one. */
function decodeLines(bytes: Uint8Array): readonly (string | null)[] {
  try {
    return decodeUtf8(bytes).split("\n");
  } catch {
    const texts: (string | null)[] = [];
    for (let from = 0; from <= bytes.length;) {
      const newline = bytes.indexOf(NEWLINE, from);
      const end = newline === -1 ? bytes.length : newline;
      texts.push(decodeLine(bytes.subarray(from, end)));
      from = end + 1;
    }
    return texts;
  }
}

/** Decodes a line; `null` if it is not valid UTF-8. */
export function decodeLine(bytes: Uint8Array): string | null {
  try {
    return decodeUtf8(bytes);
  } catch {
    return null;
  }
}
