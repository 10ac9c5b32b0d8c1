/** Describes what can be wrong with an export, and what to do about it. */
import { type Counts, RECORD_KINDS } from "../core/observer.ts";
import { nameBeforeAside } from "../tree/write/removal.ts";

/** What `verify --repair` does about a problem. */
export type Repair =
  /** Sets the path and its File's `.done` aside; a resume fetches it again. */
  | "setAside"
  /** Sets aside only its File's `.done`, so that a resume checks the File. */
  | "fetch"
  /** Resumes. */
  | "resume"
  /** Does nothing: a person has to act. */
  | "byHand";

/** What to do about a problem. */
export interface Remedy {
  readonly repair: Repair;
  /** In words; the same for many problems. */
  readonly advice: string;
}

/** One thing that is wrong. */
export interface Problem extends Remedy {
  /** The export's directory. */
  readonly dir: string;
  /** Below it, with `/` between names. */
  readonly path: string;
  /** Printed behind the path: `is missing`. */
  readonly message: string;
}

const REPAIR = "verify --repair sets it aside and fetches it again";
/** For a file that is damaged or does not belong there. */
export const SET_ASIDE: Remedy = { repair: "setAside", advice: REPAIR };
/** For a file that is missing from a File. */
export const FETCH: Remedy = { repair: "fetch", advice: REPAIR };
/** For what a resume fixes. */
export const RESUME: Remedy = { repair: "resume", advice: "resume" };
/** For a comparison that the API did not answer. */
export const LATER = byHand("compare again later");

/** For what a run set aside, which only a person may discard. */
export const ASIDE = byHand(
  "compare what ends in .old with what is beside it, move it elsewhere, and resume",
);

/** Describes a path that a run set aside. */
export function asideMessage(path: string): string {
  const name = path.split("/").at(-1) ?? path;
  return `holds an earlier ${
    nameBeforeAside(name)
  }, of which the API no longer has everything`;
}

/** Makes the remedy for what a person has to do. */
export function byHand(advice: string): Remedy {
  return { repair: "byHand", advice };
}

/** Chooses what to do about a file beside `files/` that was changed. */
export function remedyFor(name: string): Remedy {
  if (/(^|\/)export\.json$/.test(name)) {
    return byHand(
      "restore export.json, or remove it and SHA256SUMS to check the files alone",
    );
  }
  // The log holds no fetched data; a resume sums it again.
  return name === "export.log" ? RESUME : SET_ASIDE;
}

/** Lists the kinds of record whose counts differ. */
export function countDifferences(said: Counts, there: Counts): string[] {
  return RECORD_KINDS.flatMap((kind) => {
    const [wanted, held] = [said[kind] ?? 0, there[kind] ?? 0];
    return wanted === held ? [] : [`${wanted} ${kind}, but ${held} are there`];
  });
}

/** Collects what is wrong with one export. */
export class Problems {
  readonly #all: Problem[] = [];

  constructor(readonly dir: string) {}

  add(path: string, message: string, remedy: Remedy): void {
    this.#all.push({ dir: this.dir, path, message, ...remedy });
  }

  /** Returns all of them, by path, then in the order in which they were added. */
  sorted(): readonly Problem[] {
    return this.#all.toSorted((a, b) =>
      a.path < b.path ? -1 : a.path > b.path ? 1 : 0
    );
  }
}

/** Lists what to do about problems: each advice once, in the order of the problems. */
export function advicesOf(problems: readonly Problem[]): readonly string[] {
  return [...new Set(problems.map(({ advice }) => advice))];
}
