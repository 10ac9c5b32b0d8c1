/**
 * Lists what there is to export: the Directories, and the Files below the
 * chosen one (or all), each written to disk as it is listed.
 */
import {
  Client,
  type DirectoryInfo,
  type DirectoryList,
  type FileInfo,
  filesList,
} from "../api/client.ts";
import type { RawRecord } from "../api/records.ts";
import { forEachConcurrent, runAll } from "../core/concurrency.ts";
import { ApiError, UsageError } from "../core/errors.ts";
import { expectMatches, fileFilter, type Filters } from "../core/filters.ts";
import type { Gap } from "../core/gap.ts";
import { logOnly } from "../core/observer.ts";
import { type ListReader, openList, wholeList } from "../lists/list_reader.ts";
import type { ReaderContext } from "../lists/reader_context.ts";
import {
  exportPart,
  FileReport,
  type RunContext,
  writeDocument,
} from "./context.ts";
import { type FilePlan, planFile } from "./file.ts";
import { readIndexList } from "./list/index_list.ts";

/** A File of the listing, and what the run has to do for it. */
export interface ListedFile {
  readonly file: FileInfo;
  readonly plan: FilePlan;
}

/** What was listed. */
export interface Listing {
  readonly files: readonly ListedFile[];
  readonly gaps: readonly Gap[];
}

/** Checks whether a File is wanted. */
export type WantsFile = (file: FileInfo) => boolean;

/** The first requests of a listing, in flight. */
export interface StartedListing {
  readonly directories: Promise<DirectoryList>;
  /** The path below which Files are listed; `null` for all. */
  readonly path: Promise<string | null>;
  readonly files: Promise<ListReader<FileInfo>>;
}

/** What to list. */
export interface ListingOptions {
  readonly started: StartedListing;
  /** `null` for the whole workspace. */
  readonly directoryId: string | null;
  readonly wantsFile: WantsFile;
  /**
   * Checks the workspace's root (`null` if unknown) before anything is written.
   */
  readonly onRoot: (rootDirectoryId: string | null) => void;
}

/** How many Files are written at once. */
const FILES_AT_ONCE = 16;

/**
 * Makes the first requests of a listing, all at once. Nothing is written; a
 * failure is thrown to who awaits it.
 *
 * @param directoryId `null` for the whole workspace.
 */
export function startListing(
  reader: ReaderContext,
  directoryId: string | null,
): StartedListing {
  const client = new Client(reader.session);
  const directories = client.directories();
  const path = directoryPath(client, directoryId);
  const files = path.then((path) =>
    openList(reader, wholeList(filesList(path)))
  );
  // They are awaited later; a rejection before that must not end the process.
  for (const one of [directories, path, files]) one.catch(() => {});
  return { directories, path, files };
}

/**
 * Finds out which Files the filters of an export choose, before anything is
 * written.
 *
 * @param path The path below which Files are listed; `null` for all.
 * @param options Whether each filter must match something, which a resume does
 * not ask.
 * @returns A function that checks whether a File is wanted.
 * @throws {UsageError} When a filter matches nothing.
 * @throws {ApiError | NetworkError | ProtocolError} When the Files cannot be listed.
 */
export async function chooseFiles(
  reader: ReaderContext,
  path: string | null,
  filters: Filters,
  { mustMatch = true }: { readonly mustMatch?: boolean } = {},
): Promise<WantsFile> {
  if (filters.types.length + filters.files.length === 0) {
    return fileFilter(filters, []);
  }
  const files: FileInfo[] = [];
  const context = { reader, observer: logOnly(() => {}) };
  const gaps = await readIndexList(context, filesList(path), (records) => {
    files.push(...records.map(({ info }) => info));
  });
  // A filter may be meant for a File that could not be listed.
  if (mustMatch && gaps.length === 0) expectMatches(filters, files);
  return fileFilter(filters, files.map((file) => file.path));
}

/**
 * Lists Directories and Files.
 *
 * @throws {UsageError} When the Directory is unknown, or `onRoot` objects.
 * @throws {AuthError | StorageError} When the run cannot go on.
 */
export async function listWorkspace(
  context: RunContext,
  { started, directoryId, wantsFile, onRoot }: ListingOptions,
): Promise<Listing> {
  const report = new FileReport(null);
  const files: ListedFile[] = [];
  let isBelow: (id: string | null) => boolean = () => true;
  const listDirectories = async () => {
    const { raw, list } = await started.directories;
    onRoot(list.find(({ parentId }) => parentId === null)?.id ?? null);
    await writeDocument(context, context.layout.directories, raw);
    isBelow = belowIn(list, directoryId);
  };
  const directoriesKnown = exportPart(
    { report },
    "directories.json",
    listDirectories,
  );
  const take = async (records: readonly RawRecord<FileInfo>[]) => {
    await directoriesKnown;
    const below = records.filter(({ info }) => isBelow(info.directoryId));
    for (const { info: { id, type } } of below) {
      if (isKnownType(type)) continue;
      const shown = JSON.stringify(type.slice(0, 40));
      report.addGap("files", `the File ${id} has an unknown type: ${shown}`);
    }
    const wanted = below.filter(({ info }) =>
      isKnownType(info.type) && wantsFile(info)
    );
    files.push(...await planFiles(context, wanted));
  };
  const listFiles = async () => {
    const spec = filesList(await started.path);
    report.gaps.push(
      ...await readIndexList(context, spec, take, started.files),
    );
  };
  await runAll(context.stop, [
    () => directoriesKnown,
    () => exportPart({ report }, "files", listFiles),
  ]);
  return { files, gaps: report.gaps };
}

/** Checks whether a type of File may be used in the path of a request. */
function isKnownType(type: string): boolean {
  return /^[a-z_]{1,40}$/.test(type);
}

/** Plans a page of Files and writes their records, several at once. */
async function planFiles(
  context: RunContext,
  records: readonly RawRecord<FileInfo>[],
): Promise<readonly ListedFile[]> {
  const listed: ListedFile[] = [];
  await forEachConcurrent(
    context.stop,
    FILES_AT_ONCE,
    records.entries(),
    async ([i, { info: file, bytes }]) => {
      const plan = await planFile(context, file);
      const path = context.layout.file(file.id).file;
      if (plan.kind === "export") await writeDocument(context, path, bytes);
      listed[i] = { file, plan };
    },
  );
  return listed;
}

/** Finds the path below which Files are listed; `null` for all. */
export async function directoryPath(
  client: Client,
  id: string | null,
): Promise<string | null> {
  if (id === null) return null;
  try {
    const { path, parentId } = await client.directory(id);
    const bare = path?.replace(/^\/+|\/+$/g, "") ?? "";
    return parentId === null || bare === "" ? null : bare;
  } catch (cause) {
    if (
      !(cause instanceof ApiError) || ![400, 404, 422].includes(cause.status)
    ) {
      throw cause;
    }
    throw new UsageError(
      `the workspace has no Directory ${id}; check --directory or HUMANLOOP_DIRECTORY_ID, or leave it out to export everything`,
      { cause },
    );
  }
}

/**
 * Checks whether a Directory is `top` or below it. If the tree does not show
 * that, the API's own list decides.
 */
function belowIn(
  directories: readonly DirectoryInfo[],
  top: string | null,
): (id: string | null) => boolean {
  if (top === null || directories.length === 0) return () => true;
  const parents = new Map(directories.map((one) => [one.id, one.parentId]));
  return (id) => {
    const seen = new Set<string>();
    let at: string | null | undefined = id ?? undefined;
    while (at !== undefined && at !== null && at !== top && !seen.has(at)) {
      seen.add(at);
      at = parents.get(at);
    }
    return at === top || at === undefined;
  };
}
