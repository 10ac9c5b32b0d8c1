/**
 * Writes the pages of an export: one for each File, and `index.html`. They are
 * made from what lies on disk, can be made again at any time, and are no part of
 * what is summed.
 */
import { join } from "@std/path";
import { forEachConcurrent } from "../core/concurrency.ts";
import { StorageError } from "../core/errors.ts";
import { filtersText } from "../core/filters.ts";
import { isObject } from "../core/json.ts";
import { readDone } from "../tree/checkpoint.ts";
import { parseJson } from "../tree/json_file.ts";
import { isSafeId, Layout, PAGE_NAME } from "../tree/layout.ts";
import type { Gap } from "../tree/manifest.ts";
import {
  listDir,
  PART_SUFFIX,
  readFile,
  writeFile,
} from "../tree/atomic_file.ts";
import {
  type ExportMetadata,
  readExportMetadata,
} from "../verify/export_metadata.ts";
import type { Disk } from "../core/runtime.ts";
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
}

/** Hears of what has no page, a File or the export, and why. */
export type OnFailure = (what: string, error: unknown) => void;

/** Files to be looked at at once. */
const AT_ONCE = 8;

/**
 * Writes the pages of an export, `index.html` last.
 *
 * @returns How many pages of Files were written.
 * @throws {StorageError} When the disk refuses.
 */
export async function writePages(
  disk: Disk,
  root: string,
  { which, onFailure }: PagesOptions,
): Promise<number> {
  const layout = new Layout(root);
  const claims = await readExportMetadata(
    disk,
    root,
    await topNames(disk, root),
  );
  const rows: OverviewFile[] = [];
  let written = 0;
  const ids = await fileIds(disk, layout, claims);
  const gaps = Map.groupBy(gapsOf(claims), ({ fileId }) => fileId);
  await forEachConcurrent(new AbortController(), AT_ONCE, ids, async (id) => {
    const paths = layout.file(id);
    const file = await knownFile(disk, layout, claims, id, gaps.get(id) ?? []);
    let hasPage = await isPageThere(disk, paths.root);
    if (which === "all" || which === "missing" && !hasPage) {
      hasPage = await writeFilePage(disk, layout, file, onFailure);
      if (hasPage) written++;
    }
    rows.push(rowOf(file, await deployedTo(disk, layout, id), hasPage));
  });
  const files = rows.sort((a, b) => a.id < b.id ? -1 : 1);
  await writePage(disk, layout.page, async () => {
    const directories = await directoryPaths(disk, layout);
    return overviewPage({ ...aboutOf(claims), files, directories });
  }, (error) => onFailure("the export", error));
  return written;
}

/**
 * Writes the page of a File. One that cannot be made is told, and costs nothing
 * but itself.
 *
 * @returns Whether it was written.
 * @throws {StorageError} When the disk refuses.
 */
export async function writeFilePage(
  disk: Disk,
  layout: Layout,
  file: KnownFile,
  onFailure: OnFailure,
): Promise<boolean> {
  const { page } = layout.file(file.id);
  const make = async () => filePage(await readFileData(disk, layout, file));
  return await writePage(
    disk,
    page,
    make,
    (error) => onFailure(file.id, error),
  );
}

/** What is in an export may be anything, and no page is worth a run. */
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

/** Whether a File has its page, and no kill came while it was made anew. */
async function isPageThere(disk: Disk, dir: string): Promise<boolean> {
  const entries = await listDir(disk, dir) ?? [];
  const names = new Set(entries.map(({ name }) => name));
  return names.has(PAGE_NAME) && !names.has(PAGE_NAME + PART_SUFFIX);
}

/** What stands at the top of an export, as far as its records need it. */
async function topNames(disk: Disk, root: string): Promise<readonly string[]> {
  const names = (await listDir(disk, root) ?? []).map(({ name }) => name);
  const shards = await listDir(disk, join(root, "shards")) ?? [];
  return [...names, ...shards.map(({ name }) => `shards/${name}/export.json`)];
}

async function fileIds(
  disk: Disk,
  layout: Layout,
  claims: ExportMetadata,
): Promise<readonly string[]> {
  const entries = await listDir(disk, layout.files) ?? [];
  const onDisk = entries.filter(({ isDirectory }) => isDirectory)
    .map(({ name }) => name);
  return [...new Set([...onDisk, ...claims.fileIds])].filter(isSafeId);
}

/** What `.done`, the export's records and `file.json` tell of a File. */
async function knownFile(
  disk: Disk,
  layout: Layout,
  claims: ExportMetadata,
  id: string,
  gaps: readonly Gap[],
): Promise<KnownFile> {
  const paths = layout.file(id);
  const entry = claims.entry(id);
  const done = await readDone(disk, paths);
  const file = entry === undefined
    ? parseJson(await readFile(disk, paths.file))
    : null;
  const isOurs = done?.logs !== undefined;
  return {
    id,
    type: entry?.type ?? textIn(file, "type") ?? "unknown",
    path: entry === undefined ? textIn(file, "path") : entry.path,
    state: done !== null ? "complete" : "incomplete",
    counts: isOurs
      ? done.counts
      : entry?.counts ?? await countRecords(disk, paths),
    gaps: done === null ? gaps : [],
  };
}

async function deployedTo(
  disk: Disk,
  layout: Layout,
  id: string,
): Promise<readonly string[]> {
  const deployments = await readDeployments(disk, layout.file(id));
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

/** What the export says of itself. */
function aboutOf(claims: ExportMetadata) {
  const manifests = claims.all.flatMap(({ manifest }) => manifest ?? []);
  const [first] = manifests;
  const unfinished = manifests.find(({ state }) => state !== "complete");
  const filters = first && {
    ...first.settings.filters,
    ...claims.isMerged && { shard: null },
  };
  return {
    state: (unfinished ?? first)?.state ?? null,
    startedAt: first?.startedAt ?? null,
    filters: filters ? filtersText(filters) : null,
    withLogs: first?.settings.logs ?? null,
    gaps: gapsOf(claims),
  };
}

function gapsOf({ all }: ExportMetadata): readonly Gap[] {
  return all.flatMap(({ manifest }) => manifest?.gaps ?? []);
}

/** The paths in `directories.json`, as far as it can be read. */
async function directoryPaths(
  disk: Disk,
  layout: Layout,
): Promise<readonly string[]> {
  const value = parseJson(await readFile(disk, layout.directories));
  const directories = Array.isArray(value) ? value.filter(isObject) : [];
  return directories.map((one) => textIn(one, "path"))
    .filter((path) => path !== null)
    .map((path) => path.replace(/^\/+|\/+$/g, ""));
}
