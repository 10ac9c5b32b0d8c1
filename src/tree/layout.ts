/**
 * Makes every path of an export. Paths are made only of ids that are safe as
 * file names; names in records never become paths.
 */
import { join } from "@std/path";

/** Names that Windows reserves for devices. */
const DEVICES = /^(con|prn|aux|nul|com\d|lpt\d)$/i;

/** The file name of pages. */
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
  readonly log: string;
  readonly manifest: string;
  readonly directories: string;
  readonly files: string;
  /** Overview of all Files, for a person. */
  readonly page: string;

  constructor(readonly root: string) {
    this.log = join(root, "export.log");
    this.manifest = join(root, "export.json");
    this.directories = join(root, "directories.json");
    this.files = join(root, "files");
    this.page = join(root, PAGE_NAME);
  }

  file(id: string): FileLayout {
    return new FileLayout(join(this.files, id));
  }
}

/** The paths of one File. */
export class FileLayout {
  /** Says that the File is complete; written last. */
  readonly done: string;
  /** Checkpoints of a File that is not complete; removed when it is. */
  readonly state: string;
  readonly file: string;
  /** Page of the File, for a person. */
  readonly page: string;
  readonly deployments: string;
  readonly versions: string;
  readonly evaluations: string;
  readonly datapoints: string;

  constructor(readonly root: string) {
    this.done = join(root, ".done");
    this.state = join(root, ".state.json");
    this.file = join(root, "file.json");
    this.page = join(root, PAGE_NAME);
    this.deployments = join(root, "deployments.json");
    this.versions = join(root, "versions");
    this.evaluations = join(root, "evaluations");
    this.datapoints = join(root, "datapoints");
  }

  /** Returns the directory of a list, by its name in the checkpoint. */
  list(name: ListName): string {
    return join(this.root, name);
  }

  /** Returns the paths of one Evaluation. */
  evaluation(
    id: string,
  ): Readonly<Record<"evaluation" | "stats" | "runs", string>> {
    const root = join(this.evaluations, id);
    return {
      evaluation: join(root, "evaluation.json"),
      stats: join(root, "stats.json"),
      runs: join(root, "runs"),
    };
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
