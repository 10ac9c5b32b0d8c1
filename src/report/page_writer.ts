/**
 * Writes the pages of an export: one for each File, and `index.html`. They are
 * made from what is on disk, can be made again at any time, and have no sums.
 */
import { forEachConcurrent } from "../core/concurrency.ts";
import { StorageError } from "../core/errors.ts";
import { filtersText } from "../core/filters.ts";
import type { Gap } from "../core/gap.ts";
import { isObject } from "../core/text/json.ts";
import { redactor } from "../core/text/redact.ts";
import type { Disk } from "../core/runtime/runtime.ts";
import { AtomicFile, onDisk, PART_SUFFIX } from "../tree/write/atomic_file.ts";
import { Layout, PAGE_NAME } from "../tree/layout.ts";
import { listTree } from "../tree/read/plain_tree.ts";
import {
  type OnProblem,
  openExports,
  openFile,
  readDocument,
  type TreeExport,
  type TreeFile,
  treeFile,
} from "../tree/read/tree_reader.ts";
import { filePage } from "./file_page.ts";
import type { PageText } from "./components/html.ts";
import { type OverviewFile, overviewPage } from "./overview.ts";
import {
  type KnownFile,
  readDeployments,
  readFileData,
  readKnown,
} from "./read_file.ts";
import { type Fields, textIn } from "./components/values.ts";

/** The Files whose pages are written. */
export type Which = "all" | "missing" | "none";

/** What writing pages needs. */
export interface PagesOptions {
  /** Called with a File, or the export, whose page cannot be made, and why. */
  readonly onFailure: (name: string, error: unknown) => void;
  /** Called with what cannot be read, and so is on no page. */
  readonly onProblem?: OnProblem;
  /** Texts that no page shows. */
  readonly secrets?: readonly string[];
}

/** How many pages are made at once, if no Files are exported meanwhile. */
const AT_ONCE = 4;

/**
 * Writes the pages of one export. Few are made at a time, so that memory is
 * bounded, and one while Files are exported. None is flushed, since a page that
 * is lost in a crash can be made again. One that cannot be made is reported;
 * the others are still made.
 */
export class PageWriter {
  readonly #disk: Disk;
  #layout: Layout;
  readonly #options: PagesOptions;
  readonly #redact: (text: string) => string;
  readonly #shared = new Map<string, Uint8Array>();
  /** The rows of the overview that are known. */
  readonly #rows = new Map<string, OverviewFile>();
  #previous: Promise<unknown> = Promise.resolve();
  #written = 0;

  /** @param dir The export's directory. */
  constructor(disk: Disk, dir: string, options: PagesOptions) {
    this.#disk = disk;
    this.#layout = new Layout(dir);
    this.#options = options;
    this.#redact = redactor(options.secrets ?? []);
  }

  /**
   * Writes the page of a File that a run has finished.
   *
   * @throws {StorageError} When it cannot be written.
   */
  async write(known: KnownFile): Promise<void> {
    const { root } = this.#layout;
    await this.#inTurn(async () => {
      const tree = await listTree(this.#disk, this.#layout.file(known.id).root);
      // Leaves out `.done`, whose content is known.
      const files = tree.files.filter((name) => name !== ".done");
      const file = await treeFile(
        this.#disk,
        { dir: root, manifest: null },
        known.id,
        { ...tree, files },
      );
      await this.#writeFile(file, known, () => {});
    });
  }

  /**
   * Writes the pages of Files that have not been written, and `index.html` last.
   *
   * @returns How many pages of Files were written in all.
   * @throws {StorageError} When a page cannot be written.
   * @throws {UsageError} When there is no export.
   */
  async finish(which: Which): Promise<number> {
    const { onProblem = () => {} } = this.#options;
    const exports = await openExports(this.#disk, [this.#layout.root]);
    // This may be the directory above the given one.
    this.#layout = new Layout(exports[0]!.dir);
    for (const { problems } of exports) problems.forEach(onProblem);
    const gaps = Map.groupBy(gapsOf(exports), ({ fileId }) => fileId);
    const files = exports.flatMap((from) =>
      from.fileIds.filter((id) => !this.#rows.has(id))
        .map((id) => ({ from, id }))
    );
    const stop = new AbortController();
    await forEachConcurrent(stop, AT_ONCE, files, async ({ from, id }) => {
      const file = await openFile(this.#disk, from, id);
      const gapsHere = gaps.get(id) ?? [];
      const known = await readKnown(this.#disk, file, gapsHere, onProblem);
      const hasPage = await this.#hasPage(file);
      if (which === "all" || which === "missing" && !hasPage) {
        await this.#writeFile(file, known, onProblem);
      }
      if (this.#rows.has(id)) return;
      const deployments = await readDeployments(this.#disk, file, () => {});
      this.#rows.set(id, rowOf(known, deployments, hasPage && which !== "all"));
    });
    await this.#writePage("the export", this.#layout.page, async () => {
      const directories = await directoryPaths(this.#disk, exports);
      const rows = [...this.#rows.values()].sort((a, b) =>
        a.id < b.id ? -1 : 1
      );
      return overviewPage({ ...aboutOf(exports), files: rows, directories });
    });
    return this.#written;
  }

  /** Checks whether there is a page; a crash may leave an empty one. */
  async #hasPage({ id, names }: TreeFile): Promise<boolean> {
    if (!names.has(PAGE_NAME) || names.has(PAGE_NAME + PART_SUFFIX)) {
      return false;
    }
    const { page } = this.#layout.file(id);
    return await onDisk(
      `look at ${page}`,
      async () => (await this.#disk.lstat(page)).size > 0,
    );
  }

  /** Waits for work that was started before. */
  async #inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.#previous.then(work);
    this.#previous = done.catch(() => {});
    await done;
  }

  async #writeFile(
    file: TreeFile,
    known: KnownFile,
    onProblem: OnProblem,
  ): Promise<void> {
    const { page } = this.#layout.file(known.id);
    let row: OverviewFile | null = null;
    const isWritten = await this.#writePage(known.id, page, async () => {
      const data = await readFileData(this.#disk, file, known, onProblem);
      row = rowOf(known, data.deployments, true);
      return filePage(data);
    });
    if (!isWritten || row === null) return;
    this.#rows.set(known.id, row);
    this.#written++;
  }

  /**
   * Writes a page, or reports that it cannot be made from what the export
   * holds.
   */
  async #writePage(
    name: string,
    path: string,
    make: () => Promise<PageText>,
  ): Promise<boolean> {
    let parts: readonly Uint8Array[];
    try {
      const [head, own, tail] = await make();
      parts = [
        this.#sharedBytes(head),
        new TextEncoder().encode(this.#redact(own)),
        this.#sharedBytes(tail),
      ];
    } catch (error) {
      if (error instanceof StorageError) throw error;
      this.#options.onFailure(name, error);
      return false;
    }
    using file = await AtomicFile.open(this.#disk, path);
    for (const part of parts) await file.write(part);
    await file.commit({ flush: false });
    return true;
  }

  /** Encodes the parts that many pages share only once. */
  #sharedBytes(text: string): Uint8Array {
    const bytes = this.#shared.get(text) ?? new TextEncoder().encode(text);
    this.#shared.set(text, bytes);
    return bytes;
  }
}

function rowOf(
  { id, type, path, state, counts }: KnownFile,
  deployments: readonly Fields[],
  hasPage: boolean,
): OverviewFile {
  const names = deployments.map((one) => textIn(one, "environment_name"));
  const deployed = [...new Set(names.filter((name) => name !== null))].sort();
  return {
    ...{ id, type, path, state, deployed, hasPage },
    versions: counts.versions ?? 0,
    logs: counts.logs ?? 0,
    evaluations: counts.evaluations ?? 0,
    datapoints: counts.datapoints ?? 0,
  };
}

/** Returns the facts about the export from its manifests. */
function aboutOf(exports: readonly TreeExport[]) {
  const manifests = exports.flatMap(({ manifest }) => manifest ?? []);
  const isMerged = exports.some(({ prefix }) => prefix !== "");
  const [first] = manifests;
  const unfinished = manifests.find(({ state }) => state !== "complete");
  const filters = first && {
    ...first.settings.filters,
    ...isMerged && { shard: null },
  };
  return {
    state: (unfinished ?? first)?.state ?? null,
    startedAt: first?.startedAt ?? null,
    filters: filters ? filtersText(filters) : null,
    withLogs: first?.settings.logs ?? null,
    gaps: gapsOf(exports),
  };
}

function gapsOf(exports: readonly TreeExport[]): readonly Gap[] {
  return exports.flatMap(({ manifest }) => manifest?.gaps ?? []);
}

/** Reads the paths in `directories.json`, as far as it can be read. */
async function directoryPaths(
  disk: Disk,
  [first]: readonly TreeExport[],
): Promise<readonly string[]> {
  const { dir, prefix, topNames } = first!;
  if (!topNames.has("directories.json")) return [];
  const item = await readDocument(disk, dir, `${prefix}directories.json`);
  const value = item.kind === "document" ? item.value : null;
  const directories = Array.isArray(value) ? value.filter(isObject) : [];
  return directories.map((one) => textIn(one, "path"))
    .filter((path) => path !== null)
    .map((path) => path.replace(/^\/+|\/+$/g, ""));
}
