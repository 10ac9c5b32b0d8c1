/**
 * Finds out what there is to export: the Directories, and the Files below the
 * chosen one (or all of them), each written to disk as it is listed.
 */
import {
  Client,
  type DirectoryInfo,
  type FileInfo,
  filesList,
} from "../api/client.ts";
import type { RawRecord } from "../api/records.ts";
import { forEachConcurrent, runAll } from "../core/concurrency.ts";
import { ApiError, isRecoverable, UsageError } from "../core/errors.ts";
import { expectMatches, fileFilter, type Filters } from "../core/filters.ts";
import type { Gap } from "../core/gap.ts";
import { logOnly } from "../core/observer.ts";
import type { ReaderContext } from "../lists/list_types.ts";
import { type RunContext, writeDocument } from "./context.ts";
import { type FilePlan, planFile, prepareFile } from "./file.ts";
import { readIndexList } from "./index_list.ts";

/** A File of the listing, and what there is to do for it. */
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

/** What to list. */
export interface ListingOptions {
  /** `null` for the whole workspace. */
  readonly directoryId: string | null;
  readonly wantsFile: WantsFile;
  /** Looks at the workspace's root (`null` where unknown) before anything is written. */
  readonly onRoot: (rootDirectoryId: string | null) => void;
}

/** Files whose records are written at once. */
const FILES_AT_ONCE = 16;

/**
 * Finds out which Files the filters of an export choose, before anything is
 * written.
 *
 * @param options Whether each filter must match something: not on a resume.
 * @returns A function that checks whether a File is wanted.
 * @throws {UsageError} When the Directory is unknown, or a filter matches nothing.
 * @throws {ApiError | NetworkError | ProtocolError} When the Files cannot be listed.
 */
export async function chooseFiles(
  reader: ReaderContext,
  directoryId: string | null,
  filters: Filters,
  { mustMatch = true }: { readonly mustMatch?: boolean } = {},
): Promise<WantsFile> {
  const client = new Client(reader.session);
  const path = await directoryPath(client, directoryId);
  if (filters.types.length + filters.files.length === 0) {
    return fileFilter(filters, []);
  }
  const files: FileInfo[] = [];
  const context = { reader, observer: logOnly(() => {}) };
  const gaps = await readIndexList(context, filesList(path), (records) => {
    files.push(...records.map(({ info }) => info));
  });
  // What could not be listed may be what a filter is meant for.
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
  { directoryId, wantsFile, onRoot }: ListingOptions,
): Promise<Listing> {
  const gaps: Gap[] = [];
  const files: ListedFile[] = [];
  const attempt = async (part: string, work: () => Promise<void>) => {
    try {
      await work();
    } catch (error) {
      if (!isRecoverable(error)) throw error;
      gaps.push({ fileId: null, part, reason: error.message });
    }
  };
  let directories: readonly DirectoryInfo[] = [];
  const directoriesKnown = attempt("directories.json", async () => {
    directories = await exportDirectories(context, onRoot);
  });
  const listFiles = async () => {
    const path = await directoryPath(context.client, directoryId);
    const take = async (records: readonly RawRecord<FileInfo>[]) => {
      await directoriesKnown;
      const isBelow = belowIn(directories, directoryId);
      const below = records.filter(({ info }) => isBelow(info.directoryId));
      const known = below.filter(({ info }) => isKnownType(info.type));
      for (const { info } of below) {
        if (!isKnownType(info.type)) gaps.push(unknownType(info));
      }
      const wanted = known.filter(({ info }) => wantsFile(info));
      files.push(...await planFiles(context, wanted));
    };
    gaps.push(...await readIndexList(context, filesList(path), take));
  };
  await runAll(context.stop, [
    () => directoriesKnown,
    () => attempt("files", listFiles),
  ]);
  return { files, gaps };
}

/** Checks whether a type of File may be used in the path of a request. */
function isKnownType(type: string): boolean {
  return /^[a-z_]{1,40}$/.test(type);
}

function unknownType({ id, type }: FileInfo): Gap {
  const shown = JSON.stringify(type.slice(0, 40));
  const reason = `the File ${id} is of no known type: ${shown}`;
  return { fileId: null, part: "files", reason };
}

/** Plans a page of Files and writes their records, several at once. */
async function planFiles(
  context: RunContext,
  records: readonly RawRecord<FileInfo>[],
): Promise<readonly ListedFile[]> {
  const plans = new Map<FileInfo, FilePlan>();
  const { stop } = context;
  await forEachConcurrent(stop, FILES_AT_ONCE, records, async (record) => {
    const { info: file, bytes } = record;
    const plan = await planFile(context, file);
    if (plan.kind === "export") await prepareFile(context, file, bytes);
    plans.set(file, plan);
  });
  return records.map(({ info: file }) => ({ file, plan: plans.get(file)! }));
}

async function exportDirectories(
  context: RunContext,
  onRoot: ListingOptions["onRoot"],
): Promise<readonly DirectoryInfo[]> {
  const { raw, list } = await context.client.directories();
  onRoot(list.find(({ parentId }) => parentId === null)?.id ?? null);
  await writeDocument(context, context.layout.directories, raw);
  return list;
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
 * Checks whether a Directory is `top` or below it. Where the tree does not show
 * it, what the API listed is believed.
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
