/** Sorts a File's files into the parts that they are of. */

import { PAGE_NAME } from "./layout.ts";

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
  /** What is no part of a File. */
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
    extra: [],
  };
  for (const name of names) {
    if (!place(shape, name.split("/"))) shape.extra.push(name);
  }
  return shape;
}

const DOCUMENTS = [".done", "file.json", "deployments.json", PAGE_NAME];
const EVALUATION_DOCUMENTS = ["evaluation.json", "stats.json"];

/** Whether a name is of a part; the part learns of it. */
function place(shape: FileShape, path: readonly string[]): boolean {
  const [top = "", id = "", part = ""] = path;
  const last = path.at(-1)!;
  const chunk = /^[1-9]\d*\.jsonl$/.test(last) ? parseInt(last) : null;
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
