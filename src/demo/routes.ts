/** Implements the demo server's endpoints, from address to answer. */
import { between, type Bounds } from "./dates.ts";
import type {
  DemoEvaluation,
  DemoFile,
  Sequence,
  Workspace,
} from "./workspace.ts";

/** How the server pages. */
export interface PagingOptions extends Bounds {
  /** The most records in a page. */
  readonly sizeCap?: number;
  /** Changes what `total` says. */
  readonly total?: (url: URL, total: number) => number;
}

/** A failure that the API answers with. */
export class Refusal extends Error {
  constructor(readonly status: number, readonly detail: unknown) {
    super();
  }
}

/** A request: its address and the workspace. */
interface Query extends Workspace {
  readonly url: URL;
  readonly options: PagingOptions;
  /** The path's first name: a type of Files in the plural, or another list. */
  readonly list: string;
  /** The id that follows it; `""` if there is none. */
  readonly id: string;
}

/** Answers by path; `*` stands for a type of Files in the plural, `ID` for any id. */
const ENDPOINTS = new Map<string, (query: Query) => string>([
  ["directories", ({ directories }) => listOf(directories)],
  ["directories/ID", directoryDetail],
  ["files", (query) => pageOf(query, textsOf(filesBelow(query)))],
  ["logs", (query) => pageOf(query, logsOf(query))],
  ["evaluations", (query) => pageOf(query, textsOf(file(query).evaluations))],
  ["evaluations/ID", (query) => evaluation(query).text],
  ["evaluations/ID/stats", (query) => evaluation(query).stats],
  [
    "evaluations/ID/runs",
    (query) => `{"runs":${listOf(evaluation(query).runs)}}`,
  ],
  ["evaluations/ID/logs", (query) => pageOf(query, evaluation(query).logs)],
  ["*/ID/versions", (query) => `{"records":${listOf(file(query).versions)}}`],
  ["*/ID/environments", (query) => environmentsOf(file(query))],
  ["*/ID/datapoints", (query) => pageOf(query, datapointsOf(query), 50)],
]);

/**
 * Answers one request.
 *
 * @returns The body of a success.
 * @throws {Refusal} On any failure.
 */
export function route(
  workspace: Workspace,
  options: PagingOptions,
  url: URL,
): string {
  const path = url.pathname.replace(/^\/v5\//, "");
  const [list = "", id = "", ...part] = path.split("/").map(decodeURIComponent);
  const isType = /^(prompt|tool|dataset|evaluator|flow|agent)s$/.test(list);
  const names = [isType ? "*" : list, ...id && ["ID"], ...part];
  const answer = ENDPOINTS.get(names.join("/"));
  if (answer === undefined) throw new Refusal(404, "Not Found");
  return answer({ ...workspace, options, url, list, id });
}

function pageOf(
  { url, options }: Query,
  records: Sequence,
  defaultSize = 10,
): string {
  const page = numberParam(url, "page", 1, 1);
  const asked = numberParam(url, "size", defaultSize, 0);
  const size = Math.min(asked, options.sizeCap ?? Infinity);
  const texts: string[] = [];
  for (let i = (page - 1) * size; i < page * size && i < records.length; i++) {
    texts.push(records.at(i)!);
  }
  const total = options.total?.(url, records.length) ?? records.length;
  return `{"records":[${
    texts.join(",")
  }],"page":${page},"size":${size},"total":${total}}`;
}

function numberParam(
  url: URL,
  name: string,
  fallback: number,
  least: number,
): number {
  const text = url.searchParams.get(name);
  if (text === null) return fallback;
  const value = Number(text);
  if (Number.isInteger(value) && value >= least) return value;
  throw new Refusal(422, [{
    loc: ["query", name],
    msg: `ensure this value is greater than or equal to ${least}`,
    type: "value_error.number.not_ge",
  }]);
}

function required(url: URL, name: string): string {
  const value = url.searchParams.get(name);
  if (value !== null) return value;
  throw new Refusal(422, [{
    loc: ["query", name],
    msg: "field required",
    type: "value_error.missing",
  }]);
}

function filesBelow({ files, directories, url }: Query): readonly DemoFile[] {
  const types = url.searchParams.getAll("type");
  const path = url.searchParams.get("path") ?? "";
  const below = new Set(
    directories
      .filter((one) => one.path === path || one.path.startsWith(`${path}/`))
      .map(({ id }) => id),
  );
  if (path !== "" && below.size === 0) {
    throw new Refusal(404, `Directory \`${path}\` does not exist`);
  }
  return files.filter((file) =>
    (path === "" || below.has(file.directoryId)) &&
    (types.length === 0 || types.includes(file.type))
  );
}

function directoryDetail({ directories, files, id }: Query): string {
  const directory = byId(directories, id, "Directory");
  const parents = [];
  for (let { parentId } = directory; parentId !== null;) {
    const parent = byId(directories, parentId, "Directory");
    parents.push(parent);
    parentId = parent.parentId;
  }
  const inside = {
    subdirectories: directories.filter((one) => one.parentId === id),
    files: files.filter((file) => file.directoryId === id),
    parents,
  };
  const members = Object.entries(inside)
    .map(([name, records]) => `"${name}":${listOf(records)}`);
  return `${directory.text.slice(0, -1)},${members.join(",")}}`;
}

/** Returns the File of the path, or else of the parameter `file_id`. */
function file({ files, list, id, url }: Query): DemoFile {
  if (id === "") return byId(files, required(url, "file_id"), "File");
  return byId(files.filter(({ type }) => `${type}s` === list), id, "File");
}

function evaluation({ files, id }: Query): DemoEvaluation {
  return byId(files.flatMap((file) => file.evaluations), id, "Evaluation");
}

function logsOf(query: Query): Sequence {
  const { url, options } = query;
  const { logs, bareLogs = logs } = file(query);
  const traces = url.searchParams.get("include_trace_children") === "true";
  return between(traces ? logs : bareLogs, url, options);
}

function environmentsOf(file: DemoFile): string {
  const deployed = file.versions.flatMap(({ text }) => {
    const { environments } = JSON.parse(text);
    return environments.map((environment: object) =>
      `${JSON.stringify(environment).slice(0, -1)},"file":${text}}`
    );
  });
  return `[${deployed.join(",")}]`;
}

function datapointsOf(query: Query): Sequence {
  const { versions, datapoints } = file(query);
  const asked = query.url.searchParams.get("version_id");
  const records = datapoints.get(asked ?? versions[0]?.id ?? "");
  if (records === undefined) throw new Refusal(404, "Version not found");
  return records;
}

function byId<T extends { readonly id: string }>(
  records: readonly T[],
  id: string,
  kind: string,
): T {
  const record = records.find((one) => one.id === id);
  if (record === undefined) throw new Refusal(404, `${kind} not found`);
  return record;
}

function textsOf(records: ReadonlyArray<{ text: string }>): Sequence {
  return records.map(({ text }) => text);
}

function listOf(records: ReadonlyArray<{ text: string }>): string {
  return `[${records.map(({ text }) => text).join(",")}]`;
}
