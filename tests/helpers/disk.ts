/** Disks for tests. */
import { denoRuntime } from "../../src/core/runtime/deno_runtime.ts";
import type { Disk, DiskFile } from "../../src/core/runtime/runtime.ts";

/** Makes a disk that fails from its operation number `at` on. */
export function dyingDisk(at: number): Disk {
  const { disk } = denoRuntime();
  let n = 0;
  const alive = async <T>(work: () => Promise<T>): Promise<T> => {
    if (++n >= at) throw new Error("the machine is off");
    return await work();
  };
  return {
    ...disk,
    rename: (from, to) => alive(() => disk.rename(from, to)),
    remove: (path, options) => alive(() => disk.remove(path, options)),
    ensureDir: (path) => alive(() => disk.ensureDir(path)),
    open: async (path, options) => {
      if (!options.write) return await disk.open(path, options);
      const file = await alive(() => disk.open(path, options));
      return {
        read: (bytes) => file.read(bytes),
        seek: (offset, whence) => file.seek(offset, whence),
        write: (bytes) => alive(() => file.write(bytes)),
        writeSync: (bytes) => file.writeSync(bytes),
        syncData: () => alive(() => file.syncData()),
        close: () => file.close(),
        tryLock: (exclusive) => file.tryLock(exclusive),
        readable: file.readable,
      } satisfies DiskFile;
    },
  };
}

/**
 * Wraps a disk so that each operation is announced first, and may be made to
 * fail.
 *
 * @param before Called with the path and whether the operation changes anything;
 * what it throws is what the operation fails with.
 */
export function throughDisk<D extends Disk>(
  disk: D,
  before: (path: string, writes: boolean) => void | Promise<void>,
): D {
  const READS = ["readFile", "readDir", "lstat", "realPath"];
  const file = (opened: DiskFile, path: string): DiskFile => ({
    read: async (bytes) => {
      await before(path, false);
      return await opened.read(bytes);
    },
    seek: (offset, whence) => opened.seek(offset, whence),
    write: async (bytes) => {
      await before(path, true);
      return await opened.write(bytes);
    },
    writeSync: (bytes) => opened.writeSync(bytes),
    syncData: async () => {
      await before(path, true);
      await opened.syncData();
    },
    close: () => opened.close(),
    tryLock: (exclusive) => opened.tryLock(exclusive),
    get readable() {
      return opened.readable;
    },
  });
  return new Proxy(disk, {
    get: (target, name) => {
      const method: unknown = Reflect.get(target, name, target);
      if (typeof method !== "function") return method;
      if (name === "open") {
        return async (path: string, options: Deno.OpenOptions) => {
          await before(path, options.write ?? false);
          return file(await disk.open(path, options), path);
        };
      }
      if (name === "readDir") {
        return async function* (path: string) {
          await before(path, false);
          yield* disk.readDir(path);
        };
      }
      return async (path: string, ...rest: unknown[]) => {
        await before(path, !READS.includes(String(name)));
        return await method.call(target, path, ...rest);
      };
    },
  });
}
