/** A disk with symbolic links on it, over one that knows none. */
import type { Disk } from "../../src/core/runtime/runtime.ts";

/** Where links are, and what each leads to. */
export type Links = Map<string, string>;

/** Follows links as a system does: in every operation but those on a link itself. */
export function linkedDisk<D extends Disk>(disk: D, links: Links): D {
  const resolve = (path: string): string => {
    for (const [link, target] of links) {
      if (path === link || path.startsWith(`${link}/`)) {
        return resolve(target + path.slice(link.length));
      }
    }
    return path;
  };
  /** Follows the links above a path, which itself may be one. */
  const parentOf = (path: string): string => {
    const slash = path.lastIndexOf("/");
    return resolve(path.slice(0, slash)) + path.slice(slash);
  };
  const own: Partial<Disk> = {
    async *readDir(path) {
      const dir = resolve(path);
      for await (const entry of disk.readDir(dir)) {
        if (!links.has(`${dir}/${entry.name}`)) yield entry;
      }
      for (const link of links.keys()) {
        if (link.slice(0, link.lastIndexOf("/")) !== dir) continue;
        const name = link.slice(link.lastIndexOf("/") + 1);
        yield { name, isDirectory: false, isFile: false, isSymlink: true };
      }
    },
    lstat: async (path) => {
      const at = parentOf(path);
      if (!links.has(at)) return await disk.lstat(at);
      const kind = { isFile: false, isDirectory: false, isSymlink: true };
      return { ...kind, size: 0, mode: null };
    },
    rename: async (from, to) => {
      links.delete(parentOf(to));
      await disk.rename(resolve(from), parentOf(to));
    },
    remove: async (path, options) => {
      const at = parentOf(path);
      if (!links.delete(at)) await disk.remove(at, options);
    },
  };
  return new Proxy(disk, {
    get: (target, name) => {
      const mine = Reflect.get(own, name);
      if (mine !== undefined) return mine;
      const method: unknown = Reflect.get(target, name, target);
      if (typeof method !== "function") return method;
      return (path: string, ...rest: unknown[]) =>
        method.call(target, resolve(path), ...rest);
    },
  });
}
