/**
 * Writes the pages of an export: one for each File, and `index.html`. They are
 * made from what lies on disk, can be made anew at any time, and are no part of
 * what is summed.
 */
import { forEachConcurrent } from "../core/concurrency.ts";
import { StorageError } from "../core/errors.ts";
import { filtersText } from "../core/filters.ts";
import { isObject } from "../core/json.ts";
import { redact } from "../core/redact.ts";
import type { Disk } from "../core/runtime.ts";
import { PART_SUFFIX, writeFile } from "../tree/atomic_file.ts";
import { Layout, PAGE_NAME } from "../tree/layout.ts";
import type { Gap } from "../core/gap.ts";
import {
  type OnProblem,
  openExports,
  openFile,
  readDocument,
  type TreeExport,
  type TreeFile,
} from "../tree/tree_reader.ts";
import { countRecords } from "./count_records.ts";
import { filePage } from "./file_page.ts";
import { type OverviewFile, overviewPage } from "./overview.ts";
import { type KnownFile, readDeployments, readFileData } from "./read_file.ts";
import { textIn } from "./values.ts";

/** Which Files are to have their pages written. */
export type Which = "all" | "missing" | "none";

/** What writing pages needs. */
export interface PagesOptions {
  readonly which: Which;
  readonly onFailure: OnFailure;
  /** Is called with what cannot be read, and so is on no page. */
  readonly onProblem?: OnProblem;
  /** Texts that stand on no page. */
  readonly secrets?: readonly string[];
}

/** Is called with what has no page, a File or the export, and why. */
export type OnFailure = (name: string, error: unknown) => void;

/** Files to be looked at at once. */
const AT_ONCE = 8;

/**
 * Writes the pages of an export, `index.html` last.
 *
 * @param dir Its directory.
 * @returns How many pages of Files were written.
 * @throws {StorageError} When a page cannot be written.
 * @throws {UsageError} When there is no export.
 */
export async function writePages(
  disk: Disk,
  dir: string,
  { which, onFailure, onProblem = () => {}, secrets = [] }: PagesOptions,
): Promise<number> {
  const exports = await openExports(disk, [dir]);
  const layout = new Layout(exports[0]!.dir);
  const rows: OverviewFile[] = [];
  let written = 0;
  for (const { problems } of exports) problems.forEach(onProblem);
  const gaps = Map.groupBy(gapsOf(exports), ({ fileId }) => fileId);
  const files = exports.flatMap((from) =>
    from.fileIds.map((id) => ({ from, id }))
  );
  const stop = new AbortController();
  await forEachConcurrent(stop, AT_ONCE, files, async ({ from, id }) => {
    const file = await openFile(disk, from, id);
    const known = await knownFile(disk, file, gaps.get(id) ?? [], onProblem);
    let hasPage = file.names.has(PAGE_NAME) &&
      !file.names.has(PAGE_NAME + PART_SUFFIX);
    if (which === "all" || which === "missing" && !hasPage) {
      const make = async () => {
        const data = await readFileData(disk, file, known, onProblem);
        return redact(filePage(data), secrets);
      };
      const failed = (error: unknown) => onFailure(id, error);
      hasPage = await writePage(disk, layout.file(id).page, make, failed);
      if (hasPage) written++;
    }
    rows.push(rowOf(known, await deployedTo(disk, file), hasPage));
  });
  rows.sort((a, b) => a.id < b.id ? -1 : 1);
  await writePage(disk, layout.page, async () => {
    const directories = await directoryPaths(disk, exports);
    const page = { ...aboutOf(exports), files: rows, directories };
    return redact(overviewPage(page), secrets);
  }, (error) => onFailure("the export", error));
  return written;
}

/**
 * Writes the page of a File. One that cannot be made is reported, and costs
 * nothing but itself.
 *
 * @returns Whether it was written.
 * @throws {StorageError} When the page cannot be written.
 */
export async function writeFilePage(
  disk: Disk,
  layout: Layout,
  known: KnownFile,
  { onFailure, secrets = [] }: Pick<PagesOptions, "onFailure" | "secrets">,
): Promise<boolean> {
  const make = async () => {
    const from = { dir: layout.root, manifest: null };
    const file = await openFile(disk, from, known.id);
    const data = await readFileData(disk, file, known, () => {});
    return redact(filePage(data), secrets);
  };
  const { page } = layout.file(known.id);
  return await writePage(disk, page, make, (e) => onFailure(known.id, e));
}

/** Writes a page; where it cannot be made from what the export holds, reports that. */
async function writePage(
  disk: Disk,
  path: string,
  make: () => Promise<string>,
  onFailure: (error: unknown) => void,
): Promise<boolean> {
  let text: string;
  try {
    text = await make();
  } catch (error) {
    if (error instanceof StorageError) throw error;
    onFailure(error);
    return false;
  }
  await writeFile(disk, path, new TextEncoder().encode(text));
  return true;
}

/** Reads what `.done`, the manifest and `file.json` say of a File. */
async function knownFile(
  disk: Disk,
  file: TreeFile,
  gaps: readonly Gap[],
  onProblem: OnProblem,
): Promise<KnownFile> {
  const { id, dir, entry, done, names } = file;
  const isAsked = entry === null && names.has("file.json");
  const item = isAsked
    ? await readDocument(disk, dir, `files/${id}/file.json`)
    : null;
  const value = item?.kind === "document" ? item.value : null;
  const isOurs = done?.logs !== undefined;
  return {
    id,
    type: entry?.type ?? textIn(value, "type") ?? "unknown",
    path: entry === null ? textIn(value, "path") : entry.path,
    state: done !== null ? "complete" : "incomplete",
    counts: isOurs
      ? done.counts
      : entry?.counts ?? await countRecords(disk, file, onProblem),
    gaps: done === null ? gaps : [],
  };
}

async function deployedTo(
  disk: Disk,
  file: TreeFile,
): Promise<readonly string[]> {
  const deployments = await readDeployments(disk, file, () => {});
  const names = deployments.map((one) => textIn(one, "environment_name"));
  return [...new Set(names.filter((name) => name !== null))].sort();
}

function rowOf(
  { id, type, path, state, counts }: KnownFile,
  deployed: readonly string[],
  hasPage: boolean,
): OverviewFile {
  return {
    ...{ id, type, path, state, deployed, hasPage },
    versions: counts.versions ?? 0,
    logs: counts.logs ?? 0,
    evaluations: counts.evaluations ?? 0,
    datapoints: counts.datapoints ?? 0,
  };
}

/** Returns what the export says of itself. */
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
