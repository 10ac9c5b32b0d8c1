/** Puts the sample workspace together. */
import {
  type DemoDirectory,
  type DemoFile,
  sequence,
  type Workspace,
} from "../workspace.ts";
import { evaluationsOf, makeDatapoint } from "./evaluations.ts";
import {
  AGENT,
  directoryId,
  FILES,
  FLOW,
  type SampleFile,
  splitPath,
} from "./files.ts";
import { makeLog, withChildren } from "./logs.ts";
import { timeAt } from "./parts.ts";
import records from "./records.json" with { type: "json" };
import { template } from "./template.ts";
import workspace from "./workspace.json" with { type: "json" };

const fillDirectory = template(records.directory);

/** Makes the sample workspace; always the same one. */
export function sampleWorkspace(): Workspace {
  return {
    directories: workspace.directories.map(makeDirectory),
    files: FILES.map(makeDemoFile),
  };
}

function makeDirectory(path: string): DemoDirectory {
  const [parent, name] = splitPath(path);
  const id = directoryId(path);
  const parentId = path === "" ? null : directoryId(parent);
  const isSupport = path === "Support";
  const text = fillDirectory({
    id,
    parentId,
    name: path === "" ? "root" : name,
    path,
    readme: isSupport ? "# Support\nWhat answers our customers." : null,
    tags: isSupport ? ["production"] : [],
    created: timeAt(-100_000),
  });
  return { id, parentId, path, text };
}

function makeDemoFile(file: SampleFile): DemoFile {
  const bare = sequence(file.logs, (i) => makeLog(file, i));
  const hasChildren = file === FLOW || file === AGENT;
  return {
    id: file.id,
    type: file.type,
    directoryId: file.directoryId,
    text: file.versions[0]!.text,
    versions: file.unused ? [] : file.versions,
    logs: hasChildren
      ? sequence(file.logs, (i) => withChildren(file, i))
      : bare,
    bareLogs: bare,
    evaluations: evaluationsOf(file),
    datapoints: new Map(
      file.versions.flatMap(({ n, id }) => {
        const length = file.datapoints?.[n - 1];
        const make = (i: number) => makeDatapoint(file, i);
        return length === undefined ? [] : [[id, sequence(length, make)]];
      }),
    ),
  };
}
