/** Describes a list of the API that comes in pages: its address, and what makes a record unique. */
import type { ReadInfo } from "./records.ts";

/** A list of the API that comes in pages. */
export interface ListSpec<T> {
  /** The File that it belongs to; `null` for the list of Files. */
  readonly fileId: string | null;
  /** Which part of the export it is, as gaps and directories name it: `logs`. */
  readonly part: string;
  /** What messages call its records: `Logs`. */
  readonly records: string;
  /**
   * Whose they are, in messages: `Support/Triage`; `null` for the workspace.
   */
  readonly owner: string | null;
  readonly path: string;
  readonly query: ReadonlyArray<readonly [string, string]>;
  /** The most records to ask for in a page; the server may send fewer. */
  readonly pageSize: number;
  /** Time limit of one attempt, in milliseconds. */
  readonly timeoutMs?: number;
  readonly read: ReadInfo<T>;
  /** What makes a record of this list unique. */
  key(info: T): string;
}

/**
 * Names a list, or a range of it, in messages: `Logs 1–100 of Support/Triage`.
 *
 * @param range The range, such as `1–100`.
 */
export function listLabel(
  { records, owner }: Pick<ListSpec<unknown>, "records" | "owner">,
  range?: string,
): string {
  const name = range === undefined ? records : `${records} ${range}`;
  return owner === null ? name : `${name} of ${owner}`;
}
