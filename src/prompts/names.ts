/**
 * Makes file names for Humanloop's names: safe on Linux, macOS and Windows,
 * never two the same on any of them, and readable. Characters that a file name
 * cannot hold are written as `%` and their UTF-8 in hexadecimal, so that a name
 * can be read back.
 */
import { createHash } from "node:crypto";

/** Names that Windows reserves for devices, with any ending. */
const DEVICE = /^(con|prn|aux|nul|com\d|lpt\d)(?=\.|$)/i;
/**
 * Characters that some system does not allow, or that have a meaning here (`%`,
 * `@`).
 */
const FORBIDDEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}<>:"/\\|?*%@]/u;
/** Longer names are cut, in characters; most file systems allow 255 bytes. */
const LONGEST = 100;

/** Writes one name as a file's or a directory's. */
export function safeName(name: string): string {
  if (name === "") return "%";
  // macOS equates the two ways to write é, so only the usual one is kept.
  const isUsual = name === name.normalize("NFC");
  let safe = "";
  for (const character of name) {
    const isPlain = !FORBIDDEN.test(character) &&
      (isUsual || character < "\u0080");
    safe += isPlain ? character : encoded(character);
  }
  safe = safe.replace(DEVICE, (device) => encoded(device[0]!) + device.slice(1))
    .replace(/^[ .]/, encoded)
    .replace(/[ .]$/, encoded);
  if (byteLength(safe) <= LONGEST) return safe;
  const sum = createHash("sha256").update(name).digest("hex").slice(0, 16);
  return `${shortened(safe)}%~${sum}`;
}

/**
 * Makes names for everything in one directory. If some differ only in case,
 * their capitals are written as `%` and hexadecimal.
 *
 * @param names The Humanloop names, each once.
 * @returns The file name for each.
 */
export function namesInDirectory(
  names: Iterable<string>,
): ReadonlyMap<string, string> {
  const byFold = new Map<string, string[]>();
  for (const name of names) {
    const fold = foldOf(safeName(name));
    byFold.set(fold, [...byFold.get(fold) ?? [], name]);
  }
  const files = new Map<string, string>();
  for (const same of byFold.values()) {
    for (const name of same) {
      const safe = safeName(name);
      files.set(name, same.length === 1 ? safe : withoutCapitals(safe));
    }
  }
  return files;
}

function withoutCapitals(safe: string): string {
  return safe.replace(
    /%[0-9A-F]{2}|%~.*|./gsu,
    (part) =>
      part.startsWith("%") || part === foldOf(part) ? part : encoded(part),
  );
}

/** Returns the same text for names that are equal where case is ignored. */
export function foldOf(name: string): string {
  return name.toUpperCase().toLowerCase();
}

function encoded(text: string): string {
  const bytes = new TextEncoder().encode(text);
  return Array.from(
    bytes,
    (byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`,
  ).join("");
}

function byteLength(text: string): number {
  return new TextEncoder().encode(text).length;
}

/** Returns the beginning, cut between characters and escapes. */
function shortened(safe: string): string {
  let short = "";
  for (const part of safe.match(/%[0-9A-F]{2}|./gsu) ?? []) {
    if (byteLength(short + part) > LONGEST - 20) break;
    short += part;
  }
  return short;
}
