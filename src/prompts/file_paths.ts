/**
 * Chooses paths for Files of an export below a directory: their Humanloop paths
 * in safe names, no two the same on any system.
 */
import { createHash } from "node:crypto";
import { namesInDirectory } from "./names.ts";

/** Longer paths are cut, in bytes; Linux allows 4096 for the whole path. */
const MAX_PATH_BYTES = 1_000;

/** A File to write. */
export interface NamedFile {
  readonly id: string;
  /** Its Humanloop path: Directories, then its name. */
  readonly path: readonly string[];
  /** The file name's ending, without the dot. */
  readonly ending: string;
}

/**
 * Chooses the path of each File, without its ending.
 *
 * @param endings All endings of files, which no Directory's name gets.
 */
export function filePaths<T extends NamedFile>(
  files: readonly T[],
  endings: readonly string[],
): ReadonlyMap<T, string> {
  /** The names in each directory, by its Humanloop path. */
  const inside = new Map<string, Set<string>>();
  const keyOf = (path: readonly string[]) => JSON.stringify(path);
  const put = (dir: readonly string[], name: string) => {
    const names = inside.get(keyOf(dir)) ?? new Set();
    inside.set(keyOf(dir), names.add(name));
  };
  for (const { path } of files) {
    path.forEach((name, i) => put(path.slice(0, i), name));
  }
  const nameIn = new Map(
    [...inside].map(([dir, names]) => [dir, namesInDirectory(names)]),
  );
  const likeFile = new RegExp(`\\.(?=(${endings.join("|")})$)`, "i");
  const taken = new Set<string>();
  return new Map(files.map((one) => {
    const { id, path, ending } = one;
    const names = path.map((name, i) => {
      const safe = nameIn.get(keyOf(path.slice(0, i)))!.get(name)!;
      const isDir = i < path.length - 1;
      return isDir ? safe.replace(likeFile, "%2E") : safe;
    });
    const short = cutPath(names);
    // Names the second of two Files with the same path by its id.
    const unique = taken.has(`${short}.${ending}`) ? `${short}%~${id}` : short;
    taken.add(`${unique}.${ending}`);
    return [one, unique];
  }));
}

/** Replaces Directories of a path that is too long by a hash of it. */
function cutPath(names: readonly string[]): string {
  const lengthOf = (text: string) => new TextEncoder().encode(text).length;
  const whole = names.join("/");
  if (lengthOf(whole) <= MAX_PATH_BYTES) return whole;
  const kept: string[] = [];
  for (const name of names.slice(0, -1)) {
    if (lengthOf([...kept, name].join("/")) > MAX_PATH_BYTES / 2) break;
    kept.push(name);
  }
  const sum = createHash("sha256").update(whole).digest("hex").slice(0, 16);
  const last = names.at(-1)!.replace(/%~.*$/, "");
  return [...kept, `${last}%~${sum}`].join("/");
}
