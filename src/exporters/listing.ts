/**
 * Finds out what there is to export: the Directories, and the Files below the
 * chosen one (or all of them), each put in its place on disk as it is listed.
 */
import {
  type Client,
  type DirectoryInfo,
  type FileInfo,
  filesList,
} from "../api/client.ts";
import type { RawRecord } from "../api/records.ts";
import { forEachConcurrent, runAll } from "../core/concurrency.ts";
import { ApiError, isRecoverable, UsageError } from "../core/errors.ts";
import type { RunContext, Where } from "./context.ts";
import { type FilePlan, planFile, prepareFile } from "./file.ts";
import { readIndexList } from "./index_list.ts";
import { wantsFile } from "../core/filters.ts";
import type { Gap } from "../tree/manifest.ts";
import { writeFile } from "../tree/atomic_file.ts";

/** A File of the listing, and what there is to do for it. */
export interface ListedFile {
  readonly file: FileInfo;
  readonly plan: FilePlan;
}

/** What was found. */
export interface Listing {
  readonly files: readonly ListedFile[];
  readonly gaps: readonly Gap[];
  /** The root Directory's id; `null` where the API did not tell. */
  readonly rootDirectoryId: string | null;
}

/** Files to be put in their place at once. */
const AT_ONCE = 16;

/** What to list. */
export interface ListingOptions {
  /** `null` for the whole workspace. */
  readonly directoryId: string | null;
  /** Looks at the workspace's root (`null` where unknown) before anything is written. */
  readonly onRoot: (rootDirectoryId: string | null) => void;
}

/**
 * Lists Directories and Files.
 *
 * @throws {UsageError} When the Directory is unknown, or `onRoot` objects.
 * @throws {AuthError | StorageError} When the run cannot go on.
 */
export async function listWorkspace(
  context: RunContext,
  options: ListingOptions,
): Promise<Listing> {
  const { directoryId } = options;
  const gaps: Gap[] = [];
  const files: ListedFile[] = [];
  const addGap = (reason: string, where?: Where) =>
    void gaps.push({ fileId: null, part: "files", reason, ...where });
  const attempt = async (part: string, work: () => Promise<void>) => {
    try {
      await work();
    } catch (error) {
      if (!isRecoverable(error)) throw error;
      gaps.push({ fileId: null, part, reason: error.message });
    }
  };
  let directories: readonly DirectoryInfo[] = [];
  let rootDirectoryId: string | null = null;
  const directoriesKnown = attempt("directories.json", async () => {
    directories = await exportDirectories(context, (list) => {
      rootDirectoryId = rootOf(list);
      options.onRoot(rootDirectoryId);
    });
  });
  await runAll(context.stop, [
    () => directoriesKnown,
    () =>
      attempt("files", async () => {
        const path = await directoryPath(context.client, directoryId);
        await readIndexList(context, {
          spec: filesList(path),
          addGap,
          take: async (records) => {
            await directoriesKnown;
            const isBelow = belowIn(directories, directoryId);
            const wanted = records.filter(({ info: { id, type, ...file } }) => {
              if (!isBelow(file.directoryId)) return false;
              const known = /^[a-z_]{1,40}$/.test(type);
              const shown = JSON.stringify(type.slice(0, 40));
              if (!known) {
                addGap(`the File ${id} is of no known type: ${shown}`);
              }
              return known &&
                wantsFile(context.filters, { id, type, path: file.path });
            });
            files.push(...await planFiles(context, wanted));
          },
        });
      }),
  ]);
  return { files, gaps, rootDirectoryId };
}

/** Plans a page of Files and puts each in its place, several at once. */
async function planFiles(
  context: RunContext,
  records: readonly RawRecord<FileInfo>[],
): Promise<readonly ListedFile[]> {
  const planned = new Map<FileInfo, FilePlan>();
  await forEachConcurrent(context.stop, AT_ONCE, records, async (record) => {
    const { info: file, bytes } = record;
    const plan = await planFile(context, file);
    if (plan.kind === "export") await prepareFile(context, file, bytes);
    planned.set(file, plan);
  });
  return records.map(({ info: file }) => ({ file, plan: planned.get(file)! }));
}

async function exportDirectories(
  context: RunContext,
  check: (list: readonly DirectoryInfo[]) => void,
): Promise<readonly DirectoryInfo[]> {
  const { client, disk, layout, observer } = context;
  const { raw, list } = await client.directories();
  check(list);
  await writeFile(disk, layout.directories, raw);
  observer.written("document", 1, raw.length);
  return list;
}

/** The path below which Files are listed; `null` for all. */
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

function rootOf(directories: readonly DirectoryInfo[]): string | null {
  return directories.find(({ parentId }) => parentId === null)?.id ?? null;
}

/**
 * Tells whether a Directory is `top` or below it. Where the tree does not tell,
 * what the API listed is believed.
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
