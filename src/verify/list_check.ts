/**
 * Checks one list of records: its chunks are numbered from 1 without gaps,
 * each but the last holds exactly 1000 lines, every line is one JSON record, and
 * no record is there twice.
 */
import { KeySet } from "../core/key_set.ts";
import { CHUNK_RECORDS } from "../core/ranges.ts";
import { FETCH, type Problems, type Remedy, SET_ASIDE } from "./problems.ts";
import type { ExportReader } from "./reader.ts";

/** One list. */
export interface CheckedList {
  /** Its directory, below the export's. */
  readonly dir: string;
  /** The numbers of its chunks. */
  readonly chunks: readonly number[];
  /** What makes a record unique; `null` if it lacks that. */
  readonly keyOf: (record: Record<string, unknown>) => string | null;
  /**
   * Describes what is wrong with a record's references; `null` if nothing is.
   */
  readonly judge?: (record: Record<string, unknown>) => string | null;
  /** What to do about that; by default, set the chunk aside. */
  readonly remedy?: Remedy;
  /** Whether the official script wrote it. */
  readonly official: boolean;
}

/** Lines of one file that are reported; the others are counted. */
const MOST_REPORTED = 5;
const CARRIAGE_RETURN = 0x0d;

/**
 * Checks a list.
 *
 * @returns How many records it holds.
 */
export async function checkList(
  reader: ExportReader,
  problems: Problems,
  list: CheckedList,
): Promise<number> {
  const { dir, official } = list;
  const chunks = list.chunks.toSorted((a, b) => a - b);
  const keys = new KeySet();
  const suspects = new Set<string>();
  let records = 0;
  let short: number | null = null;
  for (const [i, chunk] of chunks.entries()) {
    const name = `${dir}/${chunk}.jsonl`;
    if (chunk !== (chunks[i - 1] ?? 0) + 1) {
      const missing = (chunks[i - 1] ?? 0) + 1;
      problems.add(name, `has no chunk ${missing} before it`, FETCH);
    }
    if (short !== null) {
      problems.add(
        name,
        official
          ? `comes after chunk ${short}, which is not full: a leftover of an earlier run of the official script`
          : `comes after chunk ${short}, which is not full`,
        official ? SET_ASIDE : FETCH,
      );
    }
    const lines = await checkChunk(reader, problems, list, name, (some) => {
      for (const key of keys.addAll(some)) suspects.add(key);
    });
    records += lines;
    if (lines < CHUNK_RECORDS) short ??= chunk;
    if (lines === 0) problems.add(name, "is empty", SET_ASIDE);
    // The official script puts one record more into its first chunk.
    const most = CHUNK_RECORDS + (official && chunk === 1 ? 1 : 0);
    if (lines > most) {
      const message = `holds ${lines} lines, more than ${CHUNK_RECORDS}`;
      problems.add(name, message, SET_ASIDE);
    }
  }
  if (suspects.size > 0) {
    await reportDuplicates(reader, problems, list, suspects);
  }
  return records;
}

async function checkChunk(
  reader: ExportReader,
  problems: Problems,
  { keyOf, judge, remedy, official }: CheckedList,
  name: string,
  onKeys: (keys: readonly string[]) => void,
): Promise<number> {
  let lines = 0;
  let wrong = 0;
  const report = (line: number, message: string, remedy = SET_ASIDE) => {
    if (++wrong > MOST_REPORTED) return;
    problems.add(name, `line ${line} ${message}`, remedy);
  };
  for await (const item of reader.lines(name)) {
    if (item.kind === "lines") {
      lines += item.lines.length;
      const keys: string[] = [];
      for (const { number, text, value } of item.lines) {
        // The official script writes the line ends of its system.
        if (!official && text.charCodeAt(text.length - 1) === CARRIAGE_RETURN) {
          report(number, "ends with a carriage return");
        }
        const key = keyOf(value);
        if (key === null) report(number, "has no id");
        else keys.push(key);
        const reference = judge?.(value) ?? null;
        if (reference !== null) report(number, reference, remedy);
      }
      onKeys(keys);
    } else if (item.line === null || item.cause === "unterminated") {
      problems.add(name, item.reason, SET_ASIDE);
    } else {
      lines++;
      const isScripts = official &&
        /\b(NaN|Infinity)\b/.test(item.text ?? "");
      report(
        item.line,
        isScripts
          ? "is not JSON: the official script writes NaN and Infinity for numbers that it cannot hold"
          : item.reason,
      );
    }
  }
  if (wrong > MOST_REPORTED) {
    const message = `has ${wrong - MOST_REPORTED} more such lines`;
    problems.add(name, message, FETCH);
  }
  return lines;
}

/** Reads the list again, to find keys that may be there twice. */
async function reportDuplicates(
  reader: ExportReader,
  problems: Problems,
  { dir, chunks, keyOf }: CheckedList,
  suspects: ReadonlySet<string>,
): Promise<void> {
  const first = new Map<string, string>();
  let duplicates = 0;
  for (const chunk of chunks.toSorted((a, b) => a - b)) {
    const name = `${dir}/${chunk}.jsonl`;
    for await (const item of reader.lines(name)) {
      for (const { number, value } of item.kind === "lines" ? item.lines : []) {
        const key = keyOf(value);
        if (key === null || !suspects.has(key)) continue;
        const before = first.get(key);
        if (before === undefined) {
          first.set(key, `chunk ${chunk}, line ${number}`);
          continue;
        }
        if (++duplicates > MOST_REPORTED) continue;
        const message = `line ${number} holds ${
          JSON.stringify(key)
        } a second time, after ${before}`;
        problems.add(name, message, SET_ASIDE);
      }
    }
  }
  if (duplicates > MOST_REPORTED) {
    const message = `holds ${
      duplicates - MOST_REPORTED
    } more records a second time`;
    problems.add(dir, message, FETCH);
  }
}
