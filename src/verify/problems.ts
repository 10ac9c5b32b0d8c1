/** What is wrong with an export, to be told in a stable order. */

/** One thing that is wrong. */
export interface Problem {
  /** Where, below the export's directory, with `/` between names. */
  readonly path: string;
  readonly what: string;
  /** What to do about it. */
  readonly advice: string;
}

/** Collects what is wrong. */
export class Problems {
  readonly #all: Problem[] = [];

  add(path: string, what: string, advice: string): void {
    this.#all.push({ path, what, advice });
  }

  /** All of them, by path, then in the order in which they were found. */
  sorted(): readonly Problem[] {
    return this.#all.toSorted((a, b) =>
      a.path < b.path ? -1 : a.path > b.path ? 1 : 0
    );
  }
}

/** What to do about a File whose data are not what they were. */
export function fetchAgain(fileId: string): string {
  return `remove files/${fileId}/.done and resume to export this File again`;
}

/** What to do about a file that is damaged, missing or extra. */
export function adviceFor(name: string): string {
  const [top, id] = name.split("/");
  if (top === "files" && id !== undefined) return fetchAgain(id);
  if (top === "export.json") {
    return "restore it, or remove it and SHA256SUMS to go by the files alone";
  }
  return "resume to write it again";
}

/** What to do where the API did not answer. */
export const LATER = "compare again later";
