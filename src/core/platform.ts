/**
 * What differs between systems, as pure functions of the system's name, so that
 * tests can look at all of them on any.
 */
import type { Clock } from "./runtime.ts";

/** A system, by Deno's name for it. */
export type Os = typeof Deno.build.os;

/** Ctrl-C, the polite kill, and a terminal that is closed. */
export function interruptSignals(os: Os): readonly Deno.Signal[] {
  return os === "windows"
    ? ["SIGINT", "SIGBREAK"]
    : ["SIGINT", "SIGTERM", "SIGHUP"];
}

/** A text as one word of a command line of that system's shell. */
export function shellWord(text: string, os: Os): string {
  const isPlain = os === "windows" ? /^[\w@%+=:,./\\-]+$/ : /^[\w@%+=:,./-]+$/;
  if (isPlain.test(text)) return text;
  // No file name of Windows holds a double quote.
  if (os === "windows") return `"${text}"`;
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** Waits before renaming again, in milliseconds; two seconds in all. */
const RENAME_WAITS = [10, 30, 60, 100, 200, 400, 600, 600];

/**
 * Renames a file. On Windows a virus scanner or an indexer may hold it for a
 * moment, and then it is tried again.
 *
 * @param rename Renames once.
 * @throws What the last try met.
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

/** Whether another program holds a file: how Windows says so. */
function isHeld(error: unknown): boolean {
  return error instanceof Deno.errors.PermissionDenied ||
    error instanceof Deno.errors.Busy;
}
