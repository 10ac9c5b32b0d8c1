/** Where a database goes, and how far it is: for the commands that make one. */
import { join, resolve } from "@std/path";
import { UsageError } from "../core/errors.ts";
import type { Disk, Runtime } from "../core/runtime.ts";
import { type BuildProgress, DATABASE_NAME } from "../database/build.ts";
import { ensureDatabase } from "../database/ensure.ts";
import { progressText } from "../database/result_text.ts";
import { APPLICATION_ID } from "../database/schema.ts";
import { expectOutside } from "../prompts/output_dir.ts";
import { onDisk, orNull } from "../tree/atomic_file.ts";
import { drawBar } from "../ui/progress.ts";
import { escapeControls } from "../ui/text.ts";
import type { Flags } from "./options.ts";

/** The beginning of an SQLite file, and where the id of its program stands. */
const SQLITE_HEAD = "SQLite format 3\0";
const APPLICATION_ID_AT = 68;

/**
 * Refuses a file that is not a database of this program, since it would be replaced,
 * and one within an export that is not where its database is.
 *
 * @param dirs The exports.
 * @param path What the user named.
 * @throws {UsageError} When something else is there.
 * @throws {StorageError} When the disk fails.
 */
export async function expectReplaceable(
  disk: Disk,
  dirs: readonly string[],
  path: string,
): Promise<void> {
  const info = await orNull(`look at ${path}`, () => disk.lstat(path));
  if (info === null || info.isFile && await isOurs(disk, path)) {
    const own = dirs.map((dir) => resolve(join(dir, DATABASE_NAME)));
    return own.includes(resolve(path)) ? undefined : expectOutside(dirs, path);
  }
  throw new UsageError(
    `${
      escapeControls(path)
    } is there and is no database that hl-export made; name another file`,
  );
}

async function isOurs(disk: Disk, path: string): Promise<boolean> {
  const head = new Uint8Array(APPLICATION_ID_AT + 4);
  const size = await onDisk(`read ${path}`, async () => {
    const file = await disk.open(path, { read: true });
    try {
      return await file.read(head);
    } finally {
      file.close();
    }
  });
  const text = new TextDecoder("latin1").decode(head);
  const id = new DataView(head.buffer).getUint32(APPLICATION_ID_AT);
  return size === head.length && text.startsWith(SQLITE_HEAD) &&
    id === APPLICATION_ID;
}

/**
 * Sees to it that there is a database of exports, for a command that reads it.
 *
 * @returns Its path.
 * @throws {UsageError} When `--database` names something else.
 * @throws {StorageError} When the disk refuses.
 * @throws The signal's reason when it aborts.
 */
export async function databaseOf(
  dirs: readonly string[],
  flags: Flags,
  runtime: Runtime,
  signal: AbortSignal,
): Promise<string> {
  const { disk } = runtime;
  const to = flags.database;
  if (to !== undefined) await expectReplaceable(disk, dirs, to);
  const { onProgress, end } = buildBar(flags, runtime);
  const where = to === undefined ? {} : { to };
  return await ensureDatabase({ disk, dirs, ...where, onProgress, signal })
    .finally(end);
}

/** Time between two updates of the bar, in milliseconds. */
const SHOW_EVERY_MS = 200;

/** Shows how far something is, in one line of a terminal. */
export interface LineBar {
  /**
   * Shows it, unless it was shown a moment ago.
   *
   * @param isNew Shows it at once.
   */
  readonly show: (
    done: number,
    total: number,
    text: (tookMs: number) => string,
    isNew?: boolean,
  ) => void;
  /** Takes the line away. */
  readonly end: () => void;
}

/** Makes the line; where there is no terminal, or none is wanted, it shows nothing. */
export function lineBar(
  { quiet }: Flags,
  { terminal, clock }: Runtime,
): LineBar {
  if (!terminal.errIsTerminal || quiet) return { show() {}, end() {} };
  const startMs = clock.monotonicMs();
  let shownMs = startMs;
  let isShown = false;
  return {
    show: (done, total, text, isNew = false) => {
      const nowMs = clock.monotonicMs();
      if (!isNew && nowMs - shownMs < SHOW_EVERY_MS) return;
      shownMs = nowMs;
      isShown = true;
      const line = `${drawBar(done, total)} ${text(nowMs - startMs)}`;
      const shown = line.slice(0, Math.max(0, terminal.columns() - 1));
      terminal.err(`\r\x1b[2K${shown}`);
    },
    end: () => {
      if (isShown) terminal.err("\r\x1b[2K");
      isShown = false;
    },
  };
}

/** Shows a bar while a database is made. */
export interface BuildBar {
  readonly onProgress: (progress: BuildProgress) => void;
  /** Takes the bar away. */
  readonly end: () => void;
}

/** Makes the bar. */
export function buildBar(flags: Flags, runtime: Runtime): BuildBar {
  const { show, end } = lineBar(flags, runtime);
  let step: BuildProgress["step"] = "read";
  return {
    onProgress: (progress) => {
      const { bytes, totalBytes } = progress;
      const isNew = progress.step !== step;
      ({ step } = progress);
      show(bytes, totalBytes, (ms) => progressText(progress, ms), isNew);
    },
    end,
  };
}
