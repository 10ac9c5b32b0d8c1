/** Sorts the files of a File by the part that they belong to. */
import { chunkNumber, PAGE_NAME } from "../layout.ts";
import { isAside } from "../write/removal.ts";

/** What is there of one Evaluation. */
export interface EvaluationShape {
  /** Their ids. */
  readonly runs: string[];
  /** The numbers of its Logs' chunks. */
  readonly logs: number[];
}

/** What a File's directory holds. */
export interface FileShape {
  /** Their ids. */
  readonly versions: string[];
  /** The numbers of the Logs' chunks. */
  readonly logs: number[];
  /** The numbers of the chunks, by Version. */
  readonly datapoints: Map<string, number[]>;
  readonly evaluations: Map<string, EvaluationShape>;
  /** What a run set aside: files, and directories with everything in them. */
  readonly aside: Set<string>;
  /** What does not belong to a File. */
  readonly extra: string[];
}

/**
 * Sorts the files of one File.
 *
 * @param names Below the File's directory, with `/` between names.
 */
export function shapeOf(names: readonly string[]): FileShape {
  const shape: FileShape = {
    versions: [],
    logs: [],
    datapoints: new Map(),
    evaluations: new Map(),
    aside: new Set(),
    extra: [],
  };
  for (const name of names) {
    const aside = asidePath(name);
    if (aside !== null) shape.aside.add(aside);
    else if (!sortInto(shape, name.split("/"))) shape.extra.push(name);
  }
  return shape;
}

/**
 * Finds the part of a path that was set aside.
 *
 * @param path With `/` between names.
 * @returns The path of the outermost such file or directory; `null` for none.
 */
export function asidePath(path: string): string | null {
  const names = path.split("/");
  const index = names.findIndex(isAside);
  return index === -1 ? null : names.slice(0, index + 1).join("/");
}

const DOCUMENTS = [".done", "file.json", "deployments.json", PAGE_NAME];
const EVALUATION_DOCUMENTS = ["evaluation.json", "stats.json"];

/** Adds a file to its part; returns whether it belongs to one. */
function sortInto(shape: FileShape, path: readonly string[]): boolean {
  const [top = "", id = "", part = ""] = path;
  const last = path.at(-1)!;
  const chunk = chunkNumber(last);
  const is = (name: string, depth: number) =>
    top === name && path.length === depth;
  if (path.length === 1) return DOCUMENTS.includes(top);
  if (is("versions", 2)) shape.versions.push(id);
  else if (is("logs", 2) && chunk !== null) shape.logs.push(chunk);
  else if (is("datapoints", 3) && chunk !== null) {
    if (!shape.datapoints.has(id)) shape.datapoints.set(id, []);
    shape.datapoints.get(id)!.push(chunk);
  } else if (top === "evaluations" && path.length > 2) {
    if (!shape.evaluations.has(id)) {
      shape.evaluations.set(id, { runs: [], logs: [] });
    }
    const evaluation = shape.evaluations.get(id)!;
    if (path.length === 3) return EVALUATION_DOCUMENTS.includes(part);
    if (path.length !== 4) return false;
    if (part === "runs") evaluation.runs.push(last);
    else if (part === "logs" && chunk !== null) evaluation.logs.push(chunk);
    else return false;
  } else return false;
  return true;
}

/**
 * Checks whether a directory of a File may be empty: it is, if the list has no
 * records, or lost those that it had.
 *
 * @param name Below the File's directory, with `/` between names.
 */
export function mayBeEmpty(shape: FileShape, name: string): boolean {
  const [top, id = "", part = "", ...rest] = name.split("/");
  if (rest.length > 0) return false;
  if (id === "") return /^(versions|logs|evaluations|datapoints)$/.test(top!);
  if (part === "") return top === "datapoints" && shape.versions.includes(id);
  return top === "evaluations" && /^(runs|logs)$/.test(part);
}
