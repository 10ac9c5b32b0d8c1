/**
 * Reckons how long a run is going to take from the work that is known, in
 * requests and records, and not from Files, of which one may hold more than all
 * others. A File that is not begun is taken to hold what those hold that are.
 */
import type { FileWork } from "../core/observer.ts";
import type { Work } from "../core/work.ts";

/** Records that take as long as the request for them does. */
const RECORDS_A_REQUEST = 100;
/** Nothing is said before that time, in milliseconds. */
const FIRST_WORD_MS = 2_000;
/**
 * After this time what was done counts half in the pace, in milliseconds: a
 * third of the run, within these bounds, so that a slow start is forgotten.
 */
const HALF_LIFE_MS = [10_000, 30_000] as const;

/** A File that is being worked on. */
interface Begun {
  readonly name: string;
  readonly sinceMs: number;
  expected: number;
  done: number;
  /** Whether `expected` is nearly all that it takes. */
  isKnown: boolean;
}

/** Hears of the work of all Files. */
export class TimeLeft {
  readonly #begun = new Set<Begun>();
  /** Files that are finished, and the work that they were. */
  #files = 0;
  #finished = 0;
  readonly #pace = new Pace();

  fileBegun(name: string, nowMs: number): FileWork {
    const file = {
      ...{ name, sinceMs: nowMs },
      ...{ expected: 0, done: 0, isKnown: false },
    };
    this.#begun.add(file);
    return {
      expected: (work) => void (file.expected += unitsOf(work)),
      done: (work) => void (file.done += unitsOf(work)),
      known: () => void (file.isKnown = true),
      end: () => {
        this.#begun.delete(file);
        this.#files++;
        this.#finished += file.done;
      },
    };
  }

  /** The File that is being worked on for the longest time. */
  get oldest(): Pick<Begun, "name" | "sinceMs"> | null {
    // A set keeps the order in which Files were begun.
    return this.#begun.values().next().value ?? null;
  }

  /**
   * @param notDone Files that are not finished.
   * @returns Milliseconds; `null` while there is too little to go by.
   */
  left(notDone: number, nowMs: number): number | null {
    const begun = [...this.#begun];
    const known = begun.filter(({ isKnown }) => isKnown);
    const files = this.#files + known.length;
    const done = begun.reduce((sum, one) => sum + one.done, this.#finished);
    if (files === 0) return null;
    const unitMs = this.#pace.unitMs(done, nowMs);
    const all = known.reduce((sum, one) => sum + sizeOf(one), this.#finished);
    const each = all / files;
    const left = begun.reduce(
      (sum, one) =>
        sum +
        Math.max(0, sizeOf(one) - one.done, one.isKnown ? 0 : each - one.done),
      Math.max(0, notDone - begun.length) * each,
    );
    return unitMs === null ? null : Math.round(left * unitMs);
  }
}

function sizeOf({ expected, done }: Begun): number {
  return Math.max(expected, done);
}

/** How long a unit of work takes, of late, from the first that is done on. */
class Pace {
  #startMs = 0;
  #nowMs = 0;
  #done: number | null = null;
  #recentUnits = 0;
  #recentMs = 0;

  unitMs(done: number, nowMs: number): number | null {
    if (this.#done === null || done === this.#done && this.#recentUnits === 0) {
      this.#startMs = this.#nowMs = nowMs;
    }
    const [least, most] = HALF_LIFE_MS;
    const tookMs = Math.max(0, nowMs - this.#nowMs);
    const halfLifeMs = (nowMs - this.#startMs) / 3;
    const kept = 2 **
      (-tookMs / Math.min(most, Math.max(least, halfLifeMs)));
    this.#recentUnits = this.#recentUnits * kept + done -
      (this.#done ?? done);
    this.#recentMs = this.#recentMs * kept + tookMs;
    this.#done = done;
    this.#nowMs = Math.max(this.#nowMs, nowMs);
    const isEarly = nowMs - this.#startMs < FIRST_WORD_MS;
    return isEarly || this.#recentUnits <= 0
      ? null
      : this.#recentMs / this.#recentUnits;
  }
}

function unitsOf({ requests, records }: Work): number {
  return requests + records / RECORDS_A_REQUEST;
}
