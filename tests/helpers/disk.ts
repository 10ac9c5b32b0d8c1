/** Disks for tests. */
import { denoRuntime } from "../../src/core/deno_runtime.ts";
import type { Disk, DiskFile } from "../../src/core/runtime.ts";

/** A disk that is gone from its operation number `at` on. */
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
