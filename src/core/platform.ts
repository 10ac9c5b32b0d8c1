/**
 * Holds what differs between systems, as pure functions of the system's name, so
 * that tests can check all of them on any.
 */
import type { Clock } from "./runtime.ts";

/** A system, by Deno's name for it. */
export type Os = typeof Deno.build.os;

/**
 * Lists the signals that end a run in order: Ctrl-C, `kill`, and a terminal that
 * is closed. The last is left alone where no output goes to a terminal: with
 * `nohup` it is to be ignored, and a handler of ours would undo that (whether it
 * is ignored cannot be asked without all permissions).
 *
 * @param hasTerminal Whether stdout or stderr is a terminal.
 */
export function interruptSignals(
  os: Os,
  hasTerminal: boolean,
): readonly Deno.Signal[] {
  if (os === "windows") return ["SIGINT", "SIGBREAK"];
  return ["SIGINT", "SIGTERM", ...hasTerminal ? ["SIGHUP" as const] : []];
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
