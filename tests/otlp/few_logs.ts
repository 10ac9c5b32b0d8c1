/** The sample workspace, cut to what a test can wait for. */
import { sampleWorkspace } from "../../src/demo/sample/sample.ts";
import type { Sequence, Workspace } from "../../src/demo/workspace.ts";

function first(logs: Sequence): Sequence {
  const length = Math.min(20, logs.length);
  return { length, at: (i) => i < length ? logs.at(i) : undefined };
}

/** The sample workspace with the first Logs of each File, and no Evaluations. */
export function fewLogs(): Workspace {
  const { directories, files } = sampleWorkspace();
  const some = files.map((file) => ({
    ...file,
    logs: first(file.logs),
    ...file.bareLogs && { bareLogs: first(file.bareLogs) },
    evaluations: [],
  }));
  return { directories, files: some };
}
