/** The sample workspace, put together. */
import { jsonText } from "../raw_json.ts";
import {
  type DemoDirectory,
  type DemoFile,
  sequence,
  type Workspace,
} from "../workspace.ts";
import { evaluationsOf, makeDatapoint } from "./evaluations.ts";
import {
  AGENT,
  CLASSIFIER,
  DRAFT,
  EXACT,
  FLOW,
  GOLDEN,
  LENGTH,
  LOOKUP,
  REPLY,
  SMOKE,
  TONE,
  TRANSLATOR,
} from "./files.ts";
import { DIRECTORY_PATHS, directoryId, type SampleFile } from "./make_file.ts";
import { makeLog, withChildren } from "./logs.ts";
import { timeAt } from "./parts.ts";

/** Every File, in the order of the list. */
const FILES = [
  CLASSIFIER,
  REPLY,
  TRANSLATOR,
  LOOKUP,
  GOLDEN,
  SMOKE,
  EXACT,
  LENGTH,
  TONE,
  FLOW,
  AGENT,
  DRAFT,
];

/** Makes the sample workspace; always the same one. */
export function sampleWorkspace(): Workspace {
  return {
    directories: DIRECTORY_PATHS.map(makeDirectory),
    files: FILES.map(makeDemoFile),
  };
}

function makeDirectory(path: string): DemoDirectory {
  const slash = path.lastIndexOf("/");
  const parentId = path === ""
    ? null
    : directoryId(slash === -1 ? "" : path.slice(0, slash));
  const id = directoryId(path);
  const text = jsonText({
    id,
    parent_id: parentId,
    name: path === "" ? "root" : path.slice(slash + 1),
    description: null,
    path,
    readme: path === "Support"
      ? "# Support\nWhat answers our customers."
      : null,
    tags: path === "Support" ? ["production"] : [],
    created_at: timeAt(-100_000),
    updated_at: timeAt(-100_000),
  });
  return { id, parentId, path, text };
}

function makeDemoFile(file: SampleFile): DemoFile {
  const hasVersions = file !== DRAFT;
  const datapoints = file === GOLDEN || file === SMOKE ? file.versions : [];
  const traced = file === FLOW || file === AGENT;
  const bare = sequence(file.logs, (i) => jsonText(makeLog(file, i)));
  return {
    id: file.id,
    type: file.type,
    directoryId: file.directoryId,
    text: jsonText(file.versions[0]),
    versions: (hasVersions ? file.versions : []).map((version) => ({
      id: String(version["version_id"]),
      text: jsonText(version),
    })),
    logs: traced
      ? sequence(file.logs, (i) => jsonText(withChildren(file, i)))
      : bare,
    bareLogs: bare,
    evaluations: evaluationsOf(file),
    datapoints: new Map(datapoints.map((version) => [
      String(version["version_id"]),
      sequence(
        Number(version["datapoints_count"]),
        (i) => jsonText(makeDatapoint(file, i)),
      ),
    ])),
  };
}
