/**
 * Holds what differs between systems, as pure functions of the system's name, so
 * that tests can check all of them on any.
 */
import type { Clock } from "./runtime.ts";

/** A system, by Deno's name for it. */
export type Os = typeof Deno.build.os;

/** What the signals of a system mean. */
export interface Signals {
  /** Ctrl-C, `kill`, and a terminal that is closed: they end a run cleanly. */
  readonly interrupt: readonly Deno.Signal[];
  /** Signals that are ignored. */
  readonly ignored: readonly Deno.Signal[];
}

/**
 * Decides what signals mean. Where no output goes to a terminal, as with
 * `nohup`, closing a terminal does not end the run. (Deno handles SIGHUP even
 * where it was ignored at the start; to find that out takes all permissions.)
 *
 * @param hasTerminal Whether stdout or stderr is a terminal.
 */
export function signalsOf(os: Os, hasTerminal: boolean): Signals {
  if (os === "windows") {
    return { interrupt: ["SIGINT", "SIGBREAK"], ignored: [] };
  }
  return hasTerminal
    ? { interrupt: ["SIGINT", "SIGTERM", "SIGHUP"], ignored: [] }
    : { interrupt: ["SIGINT", "SIGTERM"], ignored: ["SIGHUP"] };
}

/** Quotes a text as one word for that system's shell. */
export function shellWord(text: string, os: Os): string {
  const isPlain = os === "windows" ? /^[\w@%+=:,./\\-]+$/ : /^[\w@%+=:,./-]+$/;
  if (isPlain.test(text)) return text;
  // No file name of Windows holds a double quote.
  if (os === "windows") return `"${text}"`;
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** Waits between tries, in milliseconds; two seconds in all. */
const RENAME_WAITS = [10, 30, 60, 100, 200, 400, 600, 600];

/**
 * Renames a file. Tries several times on Windows, where a virus scanner or an
 * indexer may hold it for a moment.
 *
 * @param rename Renames once.
 * @throws The error of the last try.
 */
export async function renamePatiently(
  rename: () => Promise<void>,
  os: Os,
  clock: Clock,
): Promise<void> {
  for (const waitMs of os === "windows" ? RENAME_WAITS : []) {
    try {
      return await rename();
    } catch (error) {
      if (!isHeld(error)) throw error;
      await clock.sleep(waitMs);
    }
  }
  await rename();
}

/** Recognizes the errors by which Windows says that another program holds a file. */
function isHeld(error: unknown): boolean {
  return error instanceof Deno.errors.PermissionDenied ||
    error instanceof Deno.errors.Busy;
}

/** Something that texts are printed to. */
export interface SyncWriter {
  writeSync(bytes: Uint8Array): number;
}

/** Waits for the reader of a non-blocking pipe that is full, in milliseconds. */
const PIPE_WAITS = [1, 10, 100, 400];

/**
 * Writes all of a text, and waits a moment where a non-blocking pipe is full.
 *
 * @param sleepSync Blocks for so many milliseconds.
 * @throws When it cannot be written.
 */
export function writeText(
  to: SyncWriter,
  text: string,
  sleepSync: (ms: number) => void,
): void {
  const bytes = new TextEncoder().encode(text);
  let tries = 0;
  for (let at = 0; at < bytes.length;) {
    try {
      at += to.writeSync(bytes.subarray(at));
      tries = 0;
    } catch (error) {
      const waitMs = PIPE_WAITS[tries++];
      const isFull = error instanceof Deno.errors.WouldBlock;
      if (!isFull || waitMs === undefined) throw error;
      sleepSync(waitMs);
    }
  }
}
