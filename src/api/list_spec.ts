/** Describes a list of the API that comes in pages: its address, and what makes a record unique. */
import type { ReadInfo } from "./records.ts";

/** A list of the API that comes in pages. */
export interface ListSpec<T> {
  /** For people, the kind of record first: `Logs of Support/Triage`. */
  readonly label: string;
  readonly path: string;
  readonly query: ReadonlyArray<readonly [string, string]>;
  /** The most records to ask for a page; the server may give fewer. */
  readonly pageSize: number;
  /** Time for one attempt, in milliseconds. */
  readonly timeoutMs?: number;
  readonly read: ReadInfo<T>;
  /** What makes a record of this list unique. */
  readonly key: (info: T) => string;
}

/**
 * Names some records of a list: `Logs 2393–2484 of Support/Triage`.
 *
 * @param label The list's.
 * @param from The offset of the first record.
 * @param to The offset behind the last.
 */
export function labelOf(label: string, from: number, to: number): string {
  const range = to - from > 1 ? `${from + 1}–${to}` : `${from + 1}`;
  return label.replace(/^\S+/, (kind) => `${kind} ${range}`);
}
