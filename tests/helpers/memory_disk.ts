/** A disk in memory: as fast as a test wants, and the same for every seed. */
import type {
  Disk,
  DiskFile,
  DiskInfo,
} from "../../src/core/runtime/runtime.ts";

const { NotFound, AlreadyExists, IsADirectory } = Deno.errors;

/** What a path holds: bytes, or `null` for a directory. */
type Nodes = Map<string, Uint8Array | null>;

/** Does it at once; what it throws is a rejection. */
function later<T>(work: () => T): Promise<T> {
  return new Promise((resolve) => resolve(work()));
}

/** A disk in memory; what is written is there at once, as after a kill -9. */
export class MemoryDisk implements Disk {
  readonly #nodes: Nodes = new Map([["/", null]]);
  readonly #locked = new Set<string>();

  /** A disk with the same on it. */
  copy(): MemoryDisk {
    const copy = new MemoryDisk();
    for (const [path, bytes] of this.#nodes) {
      copy.#nodes.set(path, bytes?.slice() ?? null);
    }
    return copy;
  }

  /** What a file holds. */
  get(path: string): Uint8Array {
    return this.#nodes.get(path)!;
  }

  /** Puts a file there, or takes it away. */
  put(path: string, bytes: Uint8Array | string | null): void {
    if (bytes === null) return void this.#nodes.delete(path);
    const parts = path.split("/").slice(1, -1);
    parts.forEach((_, i) =>
      this.#nodes.set(`/${parts.slice(0, i + 1).join("/")}`, null)
    );
    const isText = typeof bytes === "string";
    this.#nodes.set(path, isText ? new TextEncoder().encode(bytes) : bytes);
  }

  /** The files below a directory, by their path below it. */
  files(dir: string): Map<string, string> {
    const decoder = new TextDecoder();
    const files = new Map<string, string>();
    for (const [path, bytes] of this.#nodes) {
      if (bytes === null || !path.startsWith(`${dir}/`)) continue;
      files.set(path.slice(dir.length + 1), decoder.decode(bytes));
    }
    return files;
  }

  /** Releases all locks, as when the machine is switched off. */
  restart(): void {
    this.#locked.clear();
  }

  open(path: string, options: Deno.OpenOptions): Promise<DiskFile> {
    return later(() => {
      const node = this.#nodes.get(path);
      if (node === null) throw new IsADirectory(path);
      if (node === undefined) {
        if (!options.create) throw new NotFound(path);
        this.#parentOf(path);
        this.#nodes.set(path, new Uint8Array());
      } else if (options.truncate) this.#nodes.set(path, new Uint8Array());
      return this.#fileAt(path);
    });
  }

  readFile(path: string): Promise<Uint8Array> {
    return later(() => {
      const node = this.#nodes.get(path);
      if (node === undefined || node === null) throw new NotFound(path);
      return node.slice();
    });
  }

  async *readDir(path: string): AsyncGenerator<Deno.DirEntry> {
    await later(() => {
      if (this.#nodes.get(path) !== null) throw new NotFound(path);
    });
    for (const [name, node] of this.#children(path)) {
      const isDirectory = node === null;
      yield { name, isDirectory, isFile: !isDirectory, isSymlink: false };
    }
  }

  lstat(path: string): Promise<DiskInfo> {
    return later(() => {
      const node = this.#nodes.get(path);
      if (node === undefined) throw new NotFound(path);
      const isDirectory = node === null;
      const size = node?.length ?? 0;
      return {
        ...{ isDirectory, isFile: !isDirectory, isSymlink: false },
        ...{ size, mode: null },
      };
    });
  }

  realPath(path: string): Promise<string> {
    return this.lstat(path).then(() => path);
  }

  rename(from: string, to: string): Promise<void> {
    return later(() => {
      if (!this.#nodes.has(from)) throw new NotFound(from);
      this.#parentOf(to);
      this.#drop(to);
      for (const [path, node] of [...this.#nodes]) {
        if (path !== from && !path.startsWith(`${from}/`)) continue;
        this.#nodes.delete(path);
        this.#nodes.set(to + path.slice(from.length), node);
      }
    });
  }

  remove(path: string): Promise<void> {
    return later(() => {
      if (!this.#nodes.has(path)) throw new NotFound(path);
      this.#drop(path);
    });
  }

  mkdir(path: string): Promise<void> {
    return later(() => {
      if (this.#nodes.has(path)) throw new AlreadyExists(path);
      this.#parentOf(path);
      this.#nodes.set(path, null);
    });
  }

  ensureDir(path: string): Promise<void> {
    return later(() => {
      for (let end = 1; end !== 0; end = path.indexOf("/", end + 1)) {
        if (end > 1) this.#nodes.set(path.slice(0, end), null);
        if (path.indexOf("/", end + 1) === -1) break;
      }
      this.#nodes.set(path, null);
    });
  }

  *#children(path: string): Generator<[string, Uint8Array | null]> {
    const prefix = path === "/" ? path : `${path}/`;
    for (const [other, node] of this.#nodes) {
      const name = other.slice(prefix.length);
      if (!other.startsWith(prefix) || name === "" || name.includes("/")) {
        continue;
      }
      yield [name, node];
    }
  }

  #parentOf(path: string): void {
    const parent = path.slice(0, path.lastIndexOf("/")) || "/";
    if (this.#nodes.get(parent) !== null) throw new NotFound(parent);
  }

  #drop(path: string): void {
    for (const other of [...this.#nodes.keys()]) {
      if (other === path || other.startsWith(`${path}/`)) {
        this.#nodes.delete(other);
      }
    }
  }

  #fileAt(opened: string): DiskFile {
    const nodes = this.#nodes;
    const locked = this.#locked;
    const append = (bytes: Uint8Array) => {
      const before = nodes.get(opened) ?? new Uint8Array();
      const after = new Uint8Array(before.length + bytes.length);
      after.set(before);
      after.set(bytes, before.length);
      nodes.set(opened, after);
      return bytes.length;
    };
    let position = 0;
    return {
      read: (bytes) => {
        const rest = nodes.get(opened)!.subarray(
          position,
          position + bytes.length,
        );
        bytes.set(rest);
        position += rest.length;
        return Promise.resolve(rest.length === 0 ? null : rest.length);
      },
      seek: (offset, whence) => {
        const { length } = nodes.get(opened)!;
        const from = { 0: 0, 1: position, 2: length }[whence];
        position = from + Number(offset);
        return Promise.resolve(position);
      },
      write: (bytes) => Promise.resolve(append(bytes)),
      writeSync: append,
      syncData: () => Promise.resolve(),
      close: () => void locked.delete(opened),
      tryLock: () => {
        const free = !locked.has(opened);
        locked.add(opened);
        return Promise.resolve(free);
      },
      get readable() {
        return ReadableStream.from([
          nodes.get(opened)!.slice(),
        ]) as ReadableStream<Uint8Array<ArrayBuffer>>;
      },
    };
  }
}
