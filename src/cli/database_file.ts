/** Where a database goes, and how far it is: for the commands that make one. */
import { UsageError } from "../core/errors.ts";
import type { Disk, Runtime } from "../core/runtime.ts";
import type { BuildProgress } from "../database/build.ts";
import { progressText } from "../database/result_text.ts";
import { APPLICATION_ID } from "../database/schema.ts";
import { onDisk, orNull } from "../tree/atomic_file.ts";
import { drawBar } from "../ui/progress.ts";
import { escapeControls } from "../ui/text.ts";
import type { Flags } from "./options.ts";

/** The beginning of an SQLite file, and where the id of its program stands. */
const SQLITE_HEAD = "SQLite format 3\0";
const APPLICATION_ID_AT = 68;

/**
 * Refuses a file that is not a database of this program: it would be replaced.
 *
 * @param path What the user named.
 * @throws {UsageError} When something else is there.
 * @throws {StorageError} When the disk fails.
 */
export async function expectReplaceable(
  disk: Disk,
  path: string,
): Promise<void> {
  const info = await orNull(`look at ${path}`, () => disk.lstat(path));
  if (info === null || info.isFile && await isOurs(disk, path)) return;
  throw new UsageError(
    `--to ${
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

/** Time between two updates of the bar, in milliseconds. */
const SHOW_EVERY_MS = 200;

/** Shows a bar while a database is made. */
export interface BuildBar {
  readonly onProgress: (progress: BuildProgress) => void;
  /** Takes the bar away. */
  readonly end: () => void;
}

/** Makes the bar; where there is no terminal, or none is wanted, it shows nothing. */
export function buildBar(
  { quiet }: Flags,
  { terminal, clock }: Runtime,
): BuildBar {
  if (!terminal.errIsTerminal || quiet) {
    return { onProgress() {}, end() {} };
  }
  const startMs = clock.monotonicMs();
  let shownMs = startMs;
  let step: BuildProgress["step"] = "read";
  let isShown = false;
  return {
    onProgress: (progress) => {
      const nowMs = clock.monotonicMs();
      if (progress.step === step && nowMs - shownMs < SHOW_EVERY_MS) return;
      ({ step } = progress);
      shownMs = nowMs;
      isShown = true;
      const { bytes, totalBytes } = progress;
      const text = progressText(progress, nowMs - startMs);
      const line = `${drawBar(bytes, totalBytes)} ${text}`;
      const shown = line.slice(0, Math.max(0, terminal.columns() - 1));
      terminal.err(`\r\x1b[2K${shown}`);
    },
    end: () => {
      if (isShown) terminal.err("\r\x1b[2K");
      isShown = false;
    },
  };
}
