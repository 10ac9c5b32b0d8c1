/**
 * Describes, as types, what the program needs of the real world. Everything
 * that a test wants to replace (network, clock, random numbers, disk, terminal,
 * signals) comes in through these; `deno_runtime.ts` holds the only real ones.
 */

/** Time, in milliseconds. */
export interface Clock {
  /** Milliseconds since 1970, UTC, as this machine's clock has them: it may be wrong, and may jump. */
  now(): number;
  /** Milliseconds since some fixed instant, by a monotonic clock: for durations. */
  monotonicMs(): number;
  /** Resolves after `ms`; rejects with the signal's reason when it aborts. */
  sleep(ms: number, options?: { readonly signal?: AbortSignal }): Promise<void>;
}

/** An open file, as far as this program uses one. */
export type DiskFile = Pick<
  Deno.FsFile,
  | "read"
  | "seek"
  | "write"
  | "writeSync"
  | "syncData"
  | "close"
  | "tryLock"
  | "readable"
>;

/** What is known of a path without opening it. */
export type DiskInfo = Pick<
  Deno.FileInfo,
  "isFile" | "isDirectory" | "isSymlink" | "size" | "mode"
>;

/** The part of `Deno` that touches the disk, replaceable by a failing one. */
export interface Disk {
  open(path: string, options: Deno.OpenOptions): Promise<DiskFile>;
  readFile(path: string): Promise<Uint8Array>;
  readDir(path: string): AsyncIterable<Deno.DirEntry>;
  /** Follows no symbolic link. */
  lstat(path: string): Promise<DiskInfo>;
  /** Gives the absolute path without symbolic links of something that is there. */
  realPath(path: string): Promise<string>;
  rename(from: string, to: string): Promise<void>;
  remove(path: string, options?: Deno.RemoveOptions): Promise<void>;
  mkdir(path: string, options?: Deno.MkdirOptions): Promise<void>;
  /** Makes a directory and those above it, for its owner only. */
  ensureDir(path: string): Promise<void>;
}

/** The terminal, or whatever output and input are connected to. */
export interface Terminal {
  /**
   * Prints what the user asked for.
   *
   * @throws When it cannot be written, for another reason than a closed pipe.
   */
  out(text: string): void;
  /** Prints everything else: progress, log lines, errors. Never fails. */
  err(text: string): void;
  readonly errIsTerminal: boolean;
  readonly color: boolean;
  /** Width of the terminal in columns. */
  columns(): number;
  /** Shows the progress, where it is not a line of text. */
  progress?(snapshot: object): void;
  /** Asks for a line; `null` where there is no terminal. */
  ask(question: string): Promise<string | null>;
  /**
   * Hides a text in everything shown from then on; absent if nothing is hidden.
   */
  readonly hide?: (secret: string) => void;
  /** Asks for a secret without echo; `null` where there is no terminal. */
  askSecret(question: string): Promise<string | null>;
}

/** How the program was built. */
export type BuildKind = "source" | "compiled" | "self-extracting";

/** What `--version` says of the build. */
export interface Build {
  readonly kind: BuildKind;
  /** Deno's version. */
  readonly deno: string;
  /** The system: `x86_64-unknown-linux-gnu`. */
  readonly target: string;
  readonly os: typeof Deno.build.os;
}

/** The real world, gathered once and passed down. */
export interface Runtime {
  readonly fetch: typeof fetch;
  readonly clock: Clock;
  /** A number from 0 (included) to 1 (excluded). */
  random(): number;
  readonly disk: Disk;
  readonly terminal: Terminal;
  /** A variable of the environment; `undefined` when unset. */
  env(name: string): string | undefined;
  /**
   * Calls `handler` on Ctrl-C and the like; returns a function that stops that.
   */
  onInterrupt(handler: () => void): () => void;
  /** How this program is started, without arguments: `hl-export`. */
  readonly program: string;
  readonly build: Build;
  /** Ends the process at once. */
  exit(code: number): never;
}
