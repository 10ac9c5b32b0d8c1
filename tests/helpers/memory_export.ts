/** One export in memory through several runs, and what is in it. */
import type {
  DemoFile,
  Sequence,
  Workspace,
} from "../../src/demo/workspace.ts";
import { sampleWorkspace } from "../../src/demo/sample/sample.ts";
import { MemoryDisk } from "./memory_disk.ts";
import {
  EXPORT_ARGS,
  MEMORY_OUTPUT,
  type MemoryOptions,
  runInMemory,
} from "./memory_run.ts";
import type { Ended } from "./program.ts";
import { isBookkeeping, type Tree } from "./tree.ts";

/** What of a run is another than usual. */
export type Disturbed = Partial<Omit<MemoryOptions, "disk">>;

/** An export of a workspace, on a disk in memory. */
export class MemoryExport {
  readonly disk = new MemoryDisk();

  constructor(public workspace: Workspace) {}

  /** Makes the export, with Logs unless `--no-logs` is among the arguments. */
  async begin(
    disturbed: Disturbed = {},
    more: readonly string[] = [],
  ): Promise<Ended> {
    const args = more.includes("--no-logs")
      ? EXPORT_ARGS.filter((one) => one !== "--logs")
      : EXPORT_ARGS;
    return await this.#run([...args, ...more], disturbed);
  }

  /** Resumes it. */
  async resume(
    disturbed: Disturbed = {},
    more: readonly string[] = [],
  ): Promise<Ended> {
    const args = ["--resume", this.root, "--quiet", ...API_ARGS];
    return await this.#run([...args, ...more], disturbed);
  }

  /** Runs another command on it: `verify`, with its options. */
  async command(
    name: string,
    more: readonly string[] = [],
    disturbed: Disturbed = {},
  ): Promise<Ended> {
    return await this.#run([name, ...more, this.root], disturbed);
  }

  /** The directory of the export. */
  get root(): string {
    const [path = ""] = this.disk.files(MEMORY_OUTPUT).keys();
    return `${MEMORY_OUTPUT}/${path.split("/")[0]}`;
  }

  /** The files, without the bookkeeping of a run. */
  get tree(): Tree {
    const files = [...this.disk.files(this.root)];
    return new Map(files.filter(([name]) => !isBookkeeping(name)));
  }

  /** What a file of the export holds. */
  text(path: string): string | undefined {
    return this.disk.files(this.root).get(path);
  }

  /** Replaces a file of the export, or removes it with `null`. */
  put(path: string, text: string | Uint8Array | null): void {
    this.disk.put(`${this.root}/${path}`, text);
  }

  /** Removes all files below a path. */
  remove(dir: string): void {
    for (const path of this.disk.files(this.root).keys()) {
      if (path.startsWith(`${dir}/`)) this.put(path, null);
    }
    this.put(dir, null);
  }

  /**
   * The lines of a list, as it stands.
   *
   * @param dir The directory of the list below the export's.
   */
  lines(dir: string): string[] {
    return linesOf(this.tree, (path) => path.startsWith(`${dir}/`));
  }

  /** The lines of a list and of everything that was set aside beside it. */
  keptLines(dir: string): ReadonlySet<string> {
    return new Set(linesOf(this.tree, (path) => path.startsWith(dir)));
  }

  async #run(args: readonly string[], disturbed: Disturbed): Promise<Ended> {
    const { disk, workspace } = this;
    const ended = await runInMemory(args, { workspace, ...disturbed, disk });
    disk.restart();
    return ended;
  }
}

const API_ARGS = ["--api-url", "http://127.0.0.1/v5"];

function linesOf(tree: Tree, isWanted: (path: string) => boolean): string[] {
  return [...tree]
    .filter(([path]) => isWanted(path) && /\.jsonl(\.part)?$/.test(path))
    .sort(([a], [b]) => chunkOf(a) - chunkOf(b))
    .flatMap(([, text]) => text.split("\n").filter((line) => line !== ""));
}

function chunkOf(path: string): number {
  return Number(/(\d+)\.jsonl/.exec(path)?.[1]);
}

/**
 * Makes Logs with ids and times, newest first.
 *
 * @param length How many.
 * @param newestMs When the first was created.
 * @param stepMs How much earlier each next one was.
 */
export function datedLogs(
  length: number,
  newestMs = Date.UTC(2025, 4, 30),
  stepMs = 60_000,
): string[] {
  return Array.from({ length }, (_, i) => {
    const time = new Date(newestMs - i * stepMs).toISOString().slice(0, -1);
    return `{"id":"log_${i}","created_at":"${time}"}`;
  });
}

/**
 * Makes a workspace of one File with these Logs and of two small ones, one of
 * them a Dataset.
 */
export function workspaceOf(logs: readonly string[]): Workspace {
  const { directories, files } = sampleWorkspace();
  const [first] = files;
  const dataset = files.find(({ type }) => type === "dataset")!;
  const datapoints = [...dataset.datapoints].slice(0, 1)
    .map(([id]) => [id, [`{"id":"dp_1"}`, `{"id":"dp_2"}`]] as const);
  const draft = withLogs(files.at(-1)!, [`{"id":"log_of_draft"}`]);
  return {
    directories,
    files: [
      { ...withLogs(first!, logs), evaluations: [] },
      {
        ...dataset,
        versions: dataset.versions.slice(0, 1),
        datapoints: new Map(datapoints),
      },
      draft,
    ],
  };
}

/** Makes a File with other Logs, which a test may change while they are read. */
export function withLogs(file: DemoFile, texts: readonly string[]): DemoFile {
  const logs = byTime(texts);
  return { ...file, logs, bareLogs: logs };
}

/** Lets the server find a time quickly, where records have one. */
function byTime(texts: readonly string[]): Sequence {
  if (!texts[0]?.includes("created_at")) return texts;
  return {
    get length() {
      return texts.length;
    },
    at: (i) => texts[i],
    createdMs: (i) => Date.parse(`${JSON.parse(texts[i]!).created_at}Z`),
  };
}

/** Checks whether a request is for the Logs of a File. */
export function asksForLogs(url: URL, fileId: string): boolean {
  return url.pathname === "/v5/logs" &&
    url.searchParams.get("file_id") === fileId;
}
