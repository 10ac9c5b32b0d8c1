/**
 * Describes a workspace as the demo server holds it: every record as the JSON
 * text that is sent, so that what an export must hold is known byte for byte.
 */

/** Records that are made on demand, so that a million take no memory. */
export interface Sequence {
  readonly length: number;
  /** The JSON text of a record, from 0. */
  at(index: number): string | undefined;
  /**
   * When the record at an index was created, if they are sorted newest first.
   */
  createdMs?(index: number): number;
}

/** One Directory. */
export interface DemoDirectory {
  readonly id: string;
  readonly parentId: string | null;
  /** `""` for the root. */
  readonly path: string;
  readonly text: string;
}

/** One Version. */
export interface DemoVersion {
  readonly id: string;
  readonly text: string;
}

/** One Evaluation. */
export interface DemoEvaluation {
  readonly id: string;
  readonly text: string;
  readonly stats: string;
  readonly runs: readonly { readonly id: string; readonly text: string }[];
  readonly logs: Sequence;
}

/** One File. */
export interface DemoFile {
  readonly id: string;
  readonly type: string;
  readonly directoryId: string;
  /** As the list of Files holds it. */
  readonly text: string;
  readonly versions: readonly DemoVersion[];
  /** With their trace children. */
  readonly logs: Sequence;
  /** As they are sent when no trace children are asked for. */
  readonly bareLogs?: Sequence;
  readonly evaluations: readonly DemoEvaluation[];
  /** By Version id; Datasets only. */
  readonly datapoints: ReadonlyMap<string, Sequence>;
}

/** Everything. */
export interface Workspace {
  readonly directories: readonly DemoDirectory[];
  readonly files: readonly DemoFile[];
}

/**
 * Makes a list of records from a function.
 *
 * @param length How many.
 * @param make Makes the one at an index.
 */
export function sequence(
  length: number,
  make: (index: number) => string,
): Sequence {
  return {
    length,
    at: (index) => index >= 0 && index < length ? make(index) : undefined,
  };
}
