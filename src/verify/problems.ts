/** Describes what can be wrong with an export, and what to do about it. */
import { type Counts, RECORD_KINDS } from "../core/observer.ts";
import { nameBeforeAside } from "../tree/write/removal.ts";

/** How `verify --repair` goes about a problem. */
export type Repair =
  /** Sets the path aside, and what `.done` says of its File; it is fetched again. */
  | "setAside"
  /** Sets aside only what `.done` says of its File, so that a resume looks at it. */
  | "fetch"
  /** Resumes. */
  | "resume"
  /** Leaves it: a person has to do something. */
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
/** For what is damaged, or does not belong there. */
export const SET_ASIDE: Remedy = { repair: "setAside", advice: REPAIR };
/** For what is missing from a File. */
export const FETCH: Remedy = { repair: "fetch", advice: REPAIR };
/** For what a resume fixes. */
export const RESUME: Remedy = { repair: "resume", advice: "resume" };
/** Where the API did not answer. */
export const LATER = byHand("compare once more later");

/** For what a run set aside, which only a person may discard. */
export const ASIDE = byHand(
  "compare what ends in .old with what stands beside it, move it elsewhere, and resume",
);

/** Says what a path is that a run set aside. */
export function asideMessage(path: string): string {
  const name = path.split("/").at(-1) ?? path;
  return `holds what was exported before as ${
    nameBeforeAside(name)
  } and is no longer all at the API`;
}

/** Makes the remedy for what a person has to do. */
export function byHand(advice: string): Remedy {
  return { repair: "byHand", advice };
}

/** Chooses what to do about a file at the top of an export that is not what was written. */
export function remedyFor(name: string): Remedy {
  if (/(^|\/)export\.json$/.test(name)) {
    return byHand(
      "restore export.json, or remove it and SHA256SUMS to check the files alone",
    );
  }
  // A log holds nothing that is fetched; a resume sums it again.
  return name === "export.log" ? RESUME : SET_ASIDE;
}

/** Lists the kinds of record of which not as many are there as something says. */
export function countDifferences(said: Counts, there: Counts): string[] {
  return RECORD_KINDS.flatMap((kind) => {
    const [wanted, held] = [said[kind] ?? 0, there[kind] ?? 0];
    return wanted === held ? [] : [`${wanted} ${kind}, ${held} are there`];
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
