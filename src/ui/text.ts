/** Formats numbers, times and untrusted text for people. */

import {
  type Counts,
  RECORD_KINDS,
  type RecordKind,
} from "../core/observer.ts";

const NAMES: Readonly<Record<RecordKind, string>> = {
  versions: "Version",
  deployments: "Deployment",
  datapoints: "Datapoint",
  evaluations: "Evaluation",
  runs: "Run",
  evaluationLogs: "Evaluation Log",
  logs: "Log",
};

/** Formats a number as a whole one: `3,512`. */
export function count(value: number): string {
  const whole = Math.round(value);
  // Avoids formatting by locale, which loads megabytes, for small numbers.
  return whole < 1000 ? String(whole) : whole.toLocaleString("en");
}

/** Formats a number of things: `1 File`, `3,512 Files`. */
export function pluralize(value: number, one: string): string {
  return `${count(value)} ${one}${value === 1 ? "" : "s"}`;
}

/** Formats a size, in powers of 1000: `62.3 MB`. */
export function bytes(value: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let unit = 0;
  let shown = value;
  while (shown >= 999.95 && unit < units.length - 1) {
    shown /= 1000;
    unit++;
  }
  return `${unit === 0 ? shown : shown.toFixed(1)} ${units[unit]}`;
}

/** Formats a time: `42 s`, `3 min 05 s`, `2 h 07 min`. */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  const two = (value: number) => String(value).padStart(2, "0");
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${two(seconds % 60)} s`;
  return `${Math.floor(minutes / 60)} h ${two(minutes % 60)} min`;
}

/** Formats the time that something took, short ones more exactly: `0.4 s`. */
export function elapsed(ms: number): string {
  return ms < 9_950 ? `${(ms / 1000).toFixed(1)} s` : duration(ms);
}

/** Matches control characters and those that turn the direction of writing. */
export const CONTROLS = "[\\p{Cc}\\p{Zl}\\p{Zp}\\u202a-\\u202e\\u2066-\\u2069]";
const ALL_CONTROLS = new RegExp(CONTROLS, "gv");
/** The same without line breaks and tabs, which most texts have. */
const RARE_CONTROLS = new RegExp(`[${CONTROLS}--[\\n\\t]]`, "v");

/**
 * Makes control characters visible, and those that turn the direction of
 * writing, so that a text from the API cannot play with a terminal or a page.
 *
 * @param kept Characters that stay.
 */
export function escapeControls(text: string, kept = ""): string {
  if (kept === "\n\t" && !RARE_CONTROLS.test(text)) return text;
  return text.replace(
    ALL_CONTROLS,
    (character) =>
      kept.includes(character)
        ? character
        : `\\u{${character.codePointAt(0)!.toString(16)}}`,
  );
}

/** Aligns rows of cells: the first column to the left, numbers to the right. */
export function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, i) =>
    Math.max(...rows.map((row) => row[i]!.length))
  );
  return rows.map((row) =>
    row.map((cell, i) =>
      i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)
    ).join("  ").trimEnd()
  );
}

/**
 * The first character that may take two columns of a terminal (Hangul Jamo).
 */
const FIRST_WIDE = 0x1100;

/** Counts the columns that a text takes in a terminal, at most. */
export function mostColumns(text: string): number {
  let columns = 0;
  for (const character of text) {
    columns += character.codePointAt(0)! < FIRST_WIDE ? 1 : 2;
  }
  return columns;
}

/** Lists numbers of records: `3,512 Logs, 2 Runs`. */
export function recordsText(counts: Counts): string {
  const records = RECORD_KINDS
    .filter((kind) => (counts[kind] ?? 0) > 0)
    .map((kind) => pluralize(counts[kind]!, NAMES[kind]));
  return records.join(", ") || "none";
}

/** Breaks a text into lines, between words. */
export function wrapText(text: string, columns: number): readonly string[] {
  const lines = [""];
  for (const word of text.split(" ")) {
    const line = lines.at(-1)!;
    if (line === "") lines[lines.length - 1] = word;
    else if (line.length + 1 + word.length > columns) lines.push(word);
    else lines[lines.length - 1] = `${line} ${word}`;
  }
  return lines;
}
