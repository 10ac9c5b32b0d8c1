/**
 * Counts what a run has done so far, and writes it as one line, which
 * `reporter.ts` shows.
 */
import type { FileProgress } from "../core/observer.ts";
import { TimeLeft } from "./time_left.ts";
import {
  count,
  duration,
  escapeControls,
  mostColumns,
  pluralize,
} from "./text.ts";

/** Time over which records per second are averaged, in milliseconds. */
const WINDOW_MS = 5_000;
const BAR_COLUMNS = 20;
/** A File is named once it has taken this long, in milliseconds. */
const LONG_MS = 5_000;
/** A name that would be cut shorter than this is left out, in columns. */
const LEAST_NAME = 8;

/** The state of a run, at one moment. */
export interface Snapshot {
  readonly filesDone: number;
  /** `null` while the Files are being listed. */
  readonly filesTotal: number | null;
  readonly records: number;
  readonly recordsPerSecond: number;
  /** `null` while too little is known. */
  readonly leftMs: number | null;
  /** The path of the File that has been in work for the longest time. */
  readonly oldest: { readonly file: string; readonly tookMs: number } | null;
  /** What the run waits for; `null` when it works. */
  readonly waiting: { readonly reason: string; readonly leftMs: number } | null;
}

/** Counts what happens. */
export class Progress {
  #filesTotal: number | null = null;
  #filesDone = 0;
  records = 0;
  bytes = 0;
  #waiting = { reason: "", untilMs: 0 };
  readonly #timeLeft = new TimeLeft();
  readonly #samples: Array<{ readonly ms: number; readonly records: number }>;

  constructor(nowMs: number) {
    this.#samples = [{ ms: nowMs, records: 0 }];
  }

  filesListed(files: number): void {
    this.#filesTotal = files;
  }

  fileStarted(name: string, nowMs: number): FileProgress {
    const progress = this.#timeLeft.fileStarted(name, nowMs);
    return {
      ...progress,
      end: () => {
        progress.end();
        this.#filesDone++;
      },
    };
  }

  waitUntil(reason: string, untilMs: number): void {
    if (untilMs > this.#waiting.untilMs) this.#waiting = { reason, untilMs };
  }

  snapshot(nowMs: number): Snapshot {
    const { reason, untilMs } = this.#waiting;
    const filesDone = this.#filesDone;
    const filesTotal = this.#filesTotal;
    const { oldest } = this.#timeLeft;
    return {
      filesDone,
      filesTotal,
      records: this.records,
      recordsPerSecond: this.#recordsPerSecond(nowMs),
      leftMs: filesTotal === null
        ? null
        : this.#timeLeft.left(filesTotal - filesDone, nowMs),
      oldest: oldest === null
        ? null
        : { file: oldest.name, tookMs: Math.max(0, nowMs - oldest.sinceMs) },
      waiting: untilMs > nowMs ? { reason, leftMs: untilMs - nowMs } : null,
    };
  }

  #recordsPerSecond(nowMs: number): number {
    const samples = this.#samples;
    samples.push({ ms: nowMs, records: this.records });
    while (samples.length > 2 && samples[1]!.ms < nowMs - WINDOW_MS) {
      samples.shift();
    }
    const { ms, records } = samples[0]!;
    return nowMs > ms ? (this.records - records) / (nowMs - ms) * 1000 : 0;
  }
}

/**
 * Writes the line to show. If it is too long, the beginning of the File's name
 * is cut, then the name left out, then the bar, the rate, the records.
 *
 * @param columns The most columns that it may take; 0 for no limit and no bar.
 */
export function progressLine(snapshot: Snapshot, columns: number): string {
  const { filesDone, filesTotal, oldest } = snapshot;
  const files = filesTotal === null
    ? "listing Files"
    : `${count(filesDone)}/${pluralize(filesTotal, "File")}`;
  const records = pluralize(snapshot.records, "record");
  const rate = `${count(snapshot.recordsPerSecond)}/s`;
  const end = endOf(snapshot);
  const texts = [[files, records, rate], [files, records], [files]]
    .map((parts) => [...parts, ...end].join(" · "));
  const name = oldest !== null && oldest.tookMs >= LONG_MS
    ? escapeControls(oldest.file)
    : null;
  if (columns === 0) {
    return [texts[0]!, ...name === null ? [] : [name]].join(" · ");
  }
  const room = columns - 1;
  const bar = filesTotal === null ? "" : `${drawBar(filesDone, filesTotal)} `;
  const line = [bar + texts[0]!, ...texts].find((one) => one.length <= room);
  if (line === undefined) return files.slice(0, Math.max(0, room));
  const left = room - line.length - " · ".length;
  const shown = name === null ? "" : cutToWidth(name, left);
  return shown === "" ? line : `${line} · ${shown}`;
}

/** Writes what the run waits for, or how long it will take. */
function endOf({ waiting, leftMs }: Snapshot): readonly string[] {
  if (waiting !== null) {
    return [`${waiting.reason} in ${duration(waiting.leftMs)}`];
  }
  return leftMs === null ? [] : [`${duration(leftMs)} left`];
}

/**
 * Returns the end of a name, or nothing if too few characters would be left.
 */
function cutToWidth(name: string, columns: number): string {
  if (mostColumns(name) <= columns) return name;
  if (columns < LEAST_NAME) return "";
  const characters = [...name];
  while (mostColumns(characters.join("")) > columns - 1) characters.shift();
  return `…${characters.join("")}`;
}

/** Draws a bar. */
export function drawBar(done: number, total: number): string {
  const share = total === 0 ? 1 : Math.min(1, done / total);
  const full = Math.floor(share * BAR_COLUMNS);
  return "█".repeat(full) + "░".repeat(BAR_COLUMNS - full);
}
