/**
 * Lists what lies below a directory without opening any of it: an export holds
 * plain files and directories only, and whatever else is in it (a symbolic
 * link, a FIFO, a device) may lead outside or block the program when it is opened.
 */
import { join } from "@std/path";
import { UsageError } from "../../core/errors.ts";
import type { Disk } from "../../core/runtime/runtime.ts";
import { storageError } from "../write/atomic_file.ts";

/** The directory below an export in which a repair keeps what it sets aside. */
export const DAMAGED_NAME = "damaged";

/**
 * What is neither a plain file nor a directory, or a directory that cannot be
 * listed.
 */
export interface NotPlain {
  /** Below the directory that was listed, with `/` between names. */
  readonly path: string;
  /** What it is, printed behind the path: `is a symbolic link`. */
  readonly reason: string;
  /** Whether it is a directory that cannot be listed. */
  readonly isUnreadable: boolean;
}

/** What lies below a directory; paths have `/` between names and are sorted. */
export interface PlainTree {
  readonly files: readonly string[];
  readonly emptyDirs: readonly string[];
  readonly others: readonly NotPlain[];
}

/** How many directories are listed at once. */
const AT_ONCE = 32;
/** How many paths an error names. */
const MOST_NAMED = 5;

/**
 * Lists everything below a directory. A directory that is not there is empty.
 *
 * @param skip The name of a directory directly below `root` to leave out.
 */
export async function listTree(
  disk: Disk,
  root: string,
  { skip }: { readonly skip?: string } = {},
): Promise<PlainTree> {
  const files: string[] = [];
  const emptyDirs: string[] = [];
  const others: NotPlain[] = [];
  const waiting = [""];
  const list = async (dir: string): Promise<void> => {
    let entries = 0;
    try {
      for await (const entry of disk.readDir(join(root, dir))) {
        entries++;
        const path = dir === "" ? entry.name : `${dir}/${entry.name}`;
        if (entry.isDirectory) {
          if (path !== skip) waiting.push(path);
        } else if (entry.isFile) files.push(path);
        else others.push({ path, reason: kindOf(entry), isUnreadable: false });
      }
    } catch (error) {
      if (dir === "" && error instanceof Deno.errors.NotFound) return;
      const reason = unreadable(error);
      others.push({ path: dir, reason, isUnreadable: true });
      return;
    }
    if (entries === 0 && dir !== "") emptyDirs.push(dir);
  };
  while (waiting.length > 0) {
    await Promise.all(waiting.splice(-AT_ONCE).map(list));
  }
  return {
    files: files.sort(),
    emptyDirs: emptyDirs.sort(),
    others: others.sort((a, b) => a.path < b.path ? -1 : 1),
  };
}

/**
 * Makes sure that an export holds plain files and directories only, before
 * anything in it is opened or written.
 *
 * @throws {UsageError} When something else is in it.
 */
export async function expectPlainTree(disk: Disk, root: string): Promise<void> {
  const { others } = await listTree(disk, root, { skip: DAMAGED_NAME });
  const refused = others.filter(({ isUnreadable }) => !isUnreadable);
  if (refused.length === 0) return;
  const named = refused.slice(0, MOST_NAMED).map(({ path, reason }) =>
    `${path} ${reason}`
  );
  const more = refused.length - named.length;
  throw new UsageError(
    `cannot write to ${root}, which holds other things than plain files and directories: ${
      named.join(", ")
    }${more > 0 ? ` and ${more} more` : ""}; remove them and resume`,
  );
}

/** Describes an entry that is neither a file nor a directory. */
export function kindOf({ isSymlink }: { readonly isSymlink: boolean }): string {
  return isSymlink ? "is a symbolic link" : "is a FIFO, a socket or a device";
}

/** Describes why something cannot be read. */
export function unreadable(cause: unknown): string {
  return storageError("be read", cause).message;
}
