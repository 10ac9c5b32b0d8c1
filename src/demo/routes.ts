/**
 * Implements the demo server's endpoints: from an address to the text of an
 * answer.
 */
import { between, type Bounds } from "./dates.ts";
import type { DemoFile, Sequence, Workspace } from "./workspace.ts";

/** How the server pages. */
export interface PagingOptions extends Bounds {
  /** The most records that it gives a page. */
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

const FILE_PARTS =
  /^(prompt|tool|dataset|evaluator|flow|agent)s\/([^/]+)\/(versions|environments|datapoints)$/;

/**
 * Answers one request.
 *
 * @returns The body of a success.
 * @throws {Refusal} On everything else.
 */
export function route(
  workspace: Workspace,
  options: PagingOptions,
  url: URL,
): string {
  const path = url.pathname.replace(/^\/v5\//, "");
  const { files } = workspace;
  const page = (records: Sequence, size = 10) =>
    pageOf(records, size, url, options);
  if (path === "directories") return listOf(workspace.directories);
  if (path.startsWith("directories/")) {
    return directoryDetail(workspace, decodeURIComponent(path.slice(12)));
  }
  if (path === "files") return page(filesBelow(workspace, url));
  if (path === "evaluations") {
    return page(textsOf(fileById(files, required(url, "file_id")).evaluations));
  }
  if (path === "logs") {
    const file = fileById(files, required(url, "file_id"));
    const traces = url.searchParams.get("include_trace_children") === "true";
    const logs = traces ? file.logs : file.bareLogs ?? file.logs;
    return page(between(logs, url, options));
  }
  const [, type, id, part] = FILE_PARTS.exec(path) ?? [];
  if (type !== undefined && id !== undefined) {
    const file = fileById(files.filter((one) => one.type === type), id);
    if (part === "versions") return `{"records":${listOf(file.versions)}}`;
    if (part === "environments") return environmentsOf(file);
    if (type === "dataset") return page(datapointsOf(file, url), 50);
  }
  const evaluationPart = /^evaluations\/([^/]+)(?:\/(stats|runs|logs))?$/
    .exec(path);
  if (evaluationPart !== null) {
    const evaluation = files.flatMap((file) => file.evaluations)
      .find((one) => one.id === evaluationPart[1]);
    if (evaluation === undefined) throw notFound("Evaluation");
    switch (evaluationPart[2]) {
      case "stats":
        return evaluation.stats;
      case "runs":
        return `{"runs":${listOf(evaluation.runs)}}`;
      case "logs":
        return page(evaluation.logs);
      default:
        return evaluation.text;
    }
  }
  throw new Refusal(404, "Not Found");
}

function pageOf(
  records: Sequence,
  defaultSize: number,
  url: URL,
  options: PagingOptions,
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

function filesBelow({ files, directories }: Workspace, url: URL): Sequence {
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
  return textsOf(
    files.filter((file) =>
      (path === "" || below.has(file.directoryId)) &&
      (types.length === 0 || types.includes(file.type))
    ),
  );
}

function directoryDetail(workspace: Workspace, id: string): string {
  const { directories, files } = workspace;
  const directory = directories.find((one) => one.id === id);
  if (directory === undefined) throw notFound("Directory");
  const parents = [];
  for (let at = directory.parentId; at !== null;) {
    const parent = directories.find((one) => one.id === at)!;
    parents.push(parent);
    at = parent.parentId;
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

function environmentsOf(file: DemoFile): string {
  const deployed = file.versions.flatMap(({ text }) => {
    const { environments } = JSON.parse(text);
    return environments.map((environment: object) =>
      `${JSON.stringify(environment).slice(0, -1)},"file":${text}}`
    );
  });
  return `[${deployed.join(",")}]`;
}

function datapointsOf(file: DemoFile, url: URL): Sequence {
  const versionId = url.searchParams.get("version_id") ?? file.versions[0]?.id;
  const datapoints = file.datapoints.get(versionId ?? "");
  if (datapoints === undefined) throw notFound("Version");
  return datapoints;
}

function fileById(files: readonly DemoFile[], id: string): DemoFile {
  const file = files.find((one) => one.id === id);
  if (file === undefined) throw notFound("File");
  return file;
}

function notFound(kind: string): Refusal {
  return new Refusal(404, `${kind} not found`);
}

function textsOf(records: ReadonlyArray<{ text: string }>): Sequence {
  return records.map(({ text }) => text);
}

function listOf(records: ReadonlyArray<{ text: string }>): string {
  return `[${records.map(({ text }) => text).join(",")}]`;
}
