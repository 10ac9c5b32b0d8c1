/**
 * Estimates how long a run will take: the records that remain, at the recent
 * rate. A File that is not started is assumed to hold as many as the others.
 */
import type { FileProgress } from "../core/observer.ts";

/** Makes no estimate before this time, in milliseconds. */
const FIRST_ESTIMATE_MS = 2_000;
/**
 * Bounds of the half-life of records in the rate, in milliseconds: it is a third of
 * the run, so that a slow start is forgotten.
 */
const HALF_LIFE_MS = [10_000, 30_000] as const;

/**
 * Counts a File as at least so many records, since even empty lists take
 * requests.
 */
const LEAST_RECORDS = 20;
/** The rate is measured after this part of all records was read. */
const FIRST_PART = 1 / 100;

/** A File that is being exported. */
interface StartedFile {
  readonly name: string;
  readonly sinceMs: number;
  expected: number;
  done: number;
  /** Whether `expected` is nearly all of its records. */
  isKnown: boolean;
}

/** Watches all Files. */
export class TimeLeft {
  readonly #started = new Set<StartedFile>();
  /** Files that are finished, and the records that they held. */
  #files = 0;
  #finished = 0;
  readonly #rate = new Rate();

  fileStarted(name: string, nowMs: number): FileProgress {
    const file = {
      ...{ name, sinceMs: nowMs },
      ...{ expected: 0, done: 0, isKnown: false },
    };
    this.#started.add(file);
    return {
      expect: (records) => void (file.expected += records),
      done: (records) => void (file.done += records),
      allKnown: () => void (file.isKnown = true),
      end: () => {
        this.#started.delete(file);
        this.#files++;
        this.#finished += Math.max(file.done, LEAST_RECORDS);
      },
    };
  }

  /** The File that has been in work for the longest time. */
  get oldest(): Pick<StartedFile, "name" | "sinceMs"> | null {
    // A set keeps the order in which Files were started.
    return this.#started.values().next().value ?? null;
  }

  /**
   * @param notDone Files that are not finished.
   * @returns Milliseconds; `null` while too little is known.
   */
  left(notDone: number, nowMs: number): number | null {
    const started = [...this.#started];
    const known = started.filter(({ isKnown }) => isKnown);
    const files = this.#files + known.length;
    const done = started.reduce((sum, one) => sum + one.done, this.#finished);
    if (files === 0) return null;
    const all = known.reduce((sum, one) => sum + sizeOf(one), this.#finished);
    const each = all / files;
    const left = started.reduce(
      (sum, one) =>
        sum +
        Math.max(0, sizeOf(one) - one.done, one.isKnown ? 0 : each - one.done),
      Math.max(0, notDone - started.length) * each,
    );
    const recordMs = this.#rate.recordMs(done, left, nowMs);
    return recordMs === null ? null : Math.round(left * recordMs);
  }
}

function sizeOf({ expected, done }: StartedFile): number {
  return Math.max(expected, done, LEAST_RECORDS);
}

/** How long a record took recently, measured from the first one. */
class Rate {
  #startMs = 0;
  #nowMs = 0;
  #done: number | null = null;
  #recentRecords = 0;
  #recentMs = 0;

  recordMs(done: number, left: number, nowMs: number): number | null {
    const isFirst = done <= (done + left) * FIRST_PART;
    if (this.#done === null || isFirst) {
      this.#startMs = this.#nowMs = nowMs;
      this.#done = done;
    }
    const [least, most] = HALF_LIFE_MS;
    const tookMs = Math.max(0, nowMs - this.#nowMs);
    const halfLifeMs = (nowMs - this.#startMs) / 3;
    const kept = 2 **
      (-tookMs / Math.min(most, Math.max(least, halfLifeMs)));
    this.#recentRecords = this.#recentRecords * kept + done -
      (this.#done ?? done);
    this.#recentMs = this.#recentMs * kept + tookMs;
    this.#done = done;
    this.#nowMs = Math.max(this.#nowMs, nowMs);
    const isEarly = nowMs - this.#startMs < FIRST_ESTIMATE_MS;
    return isEarly || this.#recentRecords <= 0
      ? null
      : this.#recentMs / this.#recentRecords;
  }
}
