/**
 * Makes every path of an export. Paths are made of ids, and only of ids
 * that are safe as file names; a record's own names never become paths.
 */
import { join } from "@std/path";

/** Names that Windows keeps for devices. */
const DEVICES = /^(con|prn|aux|nul|com\d|lpt\d)$/i;

/** What pages are called. */
export const PAGE_NAME = "index.html";

/**
 * Checks whether an id may become part of a path, on every system: an export
 * may be copied to another.
 */
export function isSafeId(id: string): boolean {
  return /^[A-Za-z0-9_-]{1,128}$/.test(id) && !DEVICES.test(id);
}

/** The paths directly below an export's directory. */
export class Layout {
  constructor(readonly root: string) {}

  get log(): string {
    return join(this.root, "export.log");
  }
  get manifest(): string {
    return join(this.root, "export.json");
  }
  get directories(): string {
    return join(this.root, "directories.json");
  }
  get files(): string {
    return join(this.root, "files");
  }
  /** Overview of all Files, for a person. */
  get page(): string {
    return join(this.root, PAGE_NAME);
  }
  file(id: string): FileLayout {
    return new FileLayout(join(this.files, id));
  }
}

/** The paths of one File. */
export class FileLayout {
  constructor(readonly root: string) {}

  /** Says that the File is complete; written last. */
  get done(): string {
    return join(this.root, ".done");
  }
  /** Checkpoints of a File that is not complete; removed when it is. */
  get state(): string {
    return join(this.root, ".state.json");
  }
  get file(): string {
    return join(this.root, "file.json");
  }
  /** For a person: the File, to be looked at. */
  get page(): string {
    return join(this.root, PAGE_NAME);
  }
  get deployments(): string {
    return join(this.root, "deployments.json");
  }
  get versions(): string {
    return join(this.root, "versions");
  }
  get evaluations(): string {
    return join(this.root, "evaluations");
  }
  get datapoints(): string {
    return join(this.root, "datapoints");
  }
  /** The directory of a list of records, by the name that the state uses. */
  list(name: ListName): string {
    return join(this.root, name);
  }
  evaluation(id: string): EvaluationLayout {
    return new EvaluationLayout(join(this.evaluations, id));
  }
}

/** The paths of one Evaluation. */
export class EvaluationLayout {
  constructor(readonly root: string) {}

  get evaluation(): string {
    return join(this.root, "evaluation.json");
  }
  get stats(): string {
    return join(this.root, "stats.json");
  }
  get runs(): string {
    return join(this.root, "runs");
  }
}

/** A list of records of one File: its directory below the File's. */
export type ListName =
  | "logs"
  | `evaluations/${string}/logs`
  | `datapoints/${string}`;

/** Returns the path of a chunk in a list's directory. */
export function chunkPath(dir: string, number: number): string {
  return join(dir, `${number}.jsonl`);
}

/** Returns the number of a chunk from its file's name; `null` for other files. */
export function chunkNumber(name: string): number | null {
  const [, number] = /^([1-9]\d{0,9})\.jsonl$/.exec(name) ?? [];
  return number === undefined ? null : Number(number);
}
