/** Describes a list of the API that comes in pages: its address, and what makes a record unique. */
import type { ReadInfo } from "./records.ts";

/** A list of the API that comes in pages. */
export interface ListSpec<T> {
  /** For people: `Logs of pr_1`. */
  readonly label: string;
  readonly path: string;
  readonly query: ReadonlyArray<readonly [string, string]>;
  /** The most records to ask for a page; the server may give fewer. */
  readonly pageSize: number;
  /** Time for one try, in milliseconds. */
  readonly timeoutMs?: number;
  readonly read: ReadInfo<T>;
  /** What makes a record of this list unique. */
  readonly key: (info: T) => string;
}
