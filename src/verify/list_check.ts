/**
 * Checks one list of records: its chunks are numbered from 1 without a break,
 * each but the last holds exactly 1000 lines, every line is one JSON record, and
 * no record is there twice.
 */
import { CHUNK_RECORDS } from "../core/ranges.ts";
import { isObject } from "../core/json.ts";
import { KeySet } from "./key_set.ts";
import { fetchAgain, type Problems } from "./problems.ts";
import type { ExportReader } from "./reader.ts";

/** One list. */
export interface CheckedList {
  readonly fileId: string;
  /** Its directory, below the export's. */
  readonly dir: string;
  /** The numbers of its chunks. */
  readonly chunks: readonly number[];
  /** What makes a record unique; `null` where it lacks that. */
  readonly keyOf: (record: Record<string, unknown>) => string | null;
  /** Says what is wrong with a record's references; `null` where nothing is. */
  readonly judge?: (record: Record<string, unknown>) => string | null;
  /** Whether the official script wrote it. */
  readonly official: boolean;
}

/** Lines of one file that are told; the others are counted. */
const MOST_TOLD = 5;

/**
 * Checks a list.
 *
 * @returns How many records it holds.
 * @throws {StorageError} When the disk refuses.
 */
export async function checkList(
  reader: ExportReader,
  problems: Problems,
  list: CheckedList,
): Promise<number> {
  const { fileId, dir, official } = list;
  const advice = fetchAgain(fileId);
  const chunks = list.chunks.toSorted((a, b) => a - b);
  const keys = new KeySet();
  const suspects = new Set<string>();
  let records = 0;
  let short: number | null = null;
  for (const [i, chunk] of chunks.entries()) {
    const name = `${dir}/${chunk}.jsonl`;
    if (chunk !== (chunks[i - 1] ?? 0) + 1) {
      const missing = (chunks[i - 1] ?? 0) + 1;
      problems.add(name, `has no chunk ${missing} before it`, advice);
    }
    if (short !== null) {
      problems.add(
        name,
        official
          ? `stands behind chunk ${short}, which is not full: a leftover of an earlier run of the official script`
          : `stands behind chunk ${short}, which is not full`,
        advice,
      );
    }
    const lines = await checkChunk(reader, problems, list, name, (key) => {
      if (keys.add(key)) suspects.add(key);
    });
    records += lines;
    if (lines < CHUNK_RECORDS) short ??= chunk;
    if (lines === 0) problems.add(name, "is empty", advice);
    if (lines > CHUNK_RECORDS) {
      const known = official && chunk === 1 && lines === CHUNK_RECORDS + 1;
      problems.add(
        name,
        known
          ? `holds ${lines} lines, as every full first chunk of the official script`
          : `holds ${lines} lines, more than ${CHUNK_RECORDS}`,
        known ? "nothing: its records are sound" : advice,
      );
    }
  }
  if (suspects.size > 0) await tellTwins(reader, problems, list, suspects);
  return records;
}

async function checkChunk(
  reader: ExportReader,
  problems: Problems,
  { fileId, keyOf, judge, official }: CheckedList,
  name: string,
  onKey: (key: string) => void,
): Promise<number> {
  const advice = fetchAgain(fileId);
  let lines = 0;
  let wrong = 0;
  const tell = (number: number, what: string) => {
    if (++wrong <= MOST_TOLD) {
      problems.add(name, `line ${number} ${what}`, advice);
    }
  };
  const { torn } = await reader.lines(name, (line, number) => {
    lines++;
    const record = recordOf(line);
    if (record === null) {
      const isScripts = official && /\b(NaN|Infinity)\b/.test(line ?? "");
      tell(
        number,
        isScripts
          ? "is no JSON: the official script writes NaN and Infinity for numbers that it cannot hold"
          : "is no JSON record",
      );
      return;
    }
    const key = keyOf(record);
    if (key === null) tell(number, "has no id");
    else onKey(key);
    const reference = judge?.(record) ?? null;
    if (reference !== null) tell(number, reference);
  });
  if (torn) problems.add(name, "ends in the middle of a line", advice);
  if (wrong > MOST_TOLD) {
    problems.add(name, `has ${wrong - MOST_TOLD} more such lines`, advice);
  }
  return lines;
}

function recordOf(line: string | null): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(line ?? "");
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

/** Reads the list again for keys that may be there twice. */
async function tellTwins(
  reader: ExportReader,
  problems: Problems,
  { fileId, dir, chunks, keyOf }: CheckedList,
  suspects: ReadonlySet<string>,
): Promise<void> {
  const first = new Map<string, string>();
  let told = 0;
  for (const chunk of chunks.toSorted((a, b) => a - b)) {
    const name = `${dir}/${chunk}.jsonl`;
    await reader.lines(name, (line, number) => {
      const record = recordOf(line);
      const key = record === null ? null : keyOf(record);
      if (key === null || !suspects.has(key)) return;
      const before = first.get(key);
      if (before === undefined) {
        first.set(key, `chunk ${chunk}, line ${number}`);
      } else if (++told <= MOST_TOLD) {
        problems.add(
          name,
          `line ${number} holds ${
            JSON.stringify(key)
          } again, which ${before} holds`,
          fetchAgain(fileId),
        );
      }
    });
  }
  if (told > MOST_TOLD) {
    problems.add(
      dir,
      `holds ${told - MOST_TOLD} more records a second time`,
      fetchAgain(fileId),
    );
  }
}
