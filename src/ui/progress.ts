/**
 * What a run has done so far, and one line that says so. Counting and drawing
 * only: who shows the line, and when, is `reporter.ts`.
 */
import { count, counted, duration } from "./text.ts";

/** Time over which records per second are averaged, in milliseconds. */
const WINDOW_MS = 5_000;
/** Requests that a File is reckoned to need before any is finished. */
const REQUESTS_A_FILE = 4;
const BAR_COLUMNS = 20;

/** Counts, at one moment. */
export interface Snapshot {
  readonly filesDone: number;
  /** `null` while the Files are being listed. */
  readonly filesTotal: number | null;
  readonly records: number;
  readonly recordsPerSecond: number;
  /** `null` while there is too little to go by. */
  readonly leftMs: number | null;
  /** What the run waits for; `null` when it works. */
  readonly waiting: { readonly reason: string; readonly leftMs: number } | null;
}

/** Counts what happens. */
export class Progress {
  filesTotal: number | null = null;
  filesDone = 0;
  records = 0;
  bytes = 0;
  requestsDone = 0;
  requestsExpected = 0;
  #waiting = { reason: "", untilMs: 0 };
  readonly #startMs: number;
  readonly #samples: Array<{ readonly ms: number; readonly records: number }>;

  constructor(nowMs: number) {
    this.#startMs = nowMs;
    this.#samples = [{ ms: nowMs, records: 0 }];
  }

  waitUntil(reason: string, untilMs: number): void {
    if (untilMs > this.#waiting.untilMs) this.#waiting = { reason, untilMs };
  }

  snapshot(nowMs: number): Snapshot {
    const { reason, untilMs } = this.#waiting;
    return {
      filesDone: this.filesDone,
      filesTotal: this.filesTotal,
      records: this.records,
      recordsPerSecond: this.#recordsPerSecond(nowMs),
      leftMs: this.#leftMs(nowMs),
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

  /** By requests: those known to be needed, and a guess for the Files to come. */
  #leftMs(nowMs: number): number | null {
    const elapsedMs = nowMs - this.#startMs;
    if (this.filesTotal === null || elapsedMs < 2_000) return null;
    if (this.requestsDone === 0) return null;
    const aFile = this.filesDone === 0
      ? REQUESTS_A_FILE
      : this.requestsDone / this.filesDone;
    const byFiles = (this.filesTotal - this.filesDone) * aFile;
    const known = this.requestsExpected - this.requestsDone;
    return Math.max(known, byFiles, 0) * elapsedMs / this.requestsDone;
  }
}

/**
 * The line to show.
 *
 * @param columns The most columns that it may take; 0 for no limit and no bar.
 */
export function progressLine(snapshot: Snapshot, columns: number): string {
  const { filesDone, filesTotal, records, recordsPerSecond } = snapshot;
  const parts = [
    filesTotal === null
      ? "listing Files"
      : `${count(filesDone)}/${counted(filesTotal, "File")}`,
    counted(records, "record"),
    `${count(recordsPerSecond)}/s`,
  ];
  if (snapshot.waiting !== null) {
    const { reason, leftMs } = snapshot.waiting;
    parts.push(`${reason} in ${duration(leftMs)}`);
  } else if (snapshot.leftMs !== null) {
    parts.push(`${duration(snapshot.leftMs)} left`);
  }
  const text = parts.join(" · ");
  if (columns === 0) return text;
  const bar = filesTotal === null ? "" : `${drawBar(filesDone, filesTotal)} `;
  const line = bar.length + text.length < columns ? bar + text : text;
  return line.length < columns ? line : line.slice(0, Math.max(0, columns - 1));
}

function drawBar(done: number, total: number): string {
  const share = total === 0 ? 1 : Math.min(1, done / total);
  const full = Math.floor(share * BAR_COLUMNS);
  return "█".repeat(full) + "░".repeat(BAR_COLUMNS - full);
}
