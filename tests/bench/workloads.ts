/** The workspaces of the benchmark. */
import { sampleWorkspace } from "../../src/demo/sample/sample.ts";
import { sequence, type Workspace } from "../../src/demo/workspace.ts";

const LOG_BYTES = 3000;

/** A workload by its name: `one-file` or `small-files`. */
export function workload(name: string): Workspace {
  const { directories, files } = sampleWorkspace();
  const [model] = files;
  const log = (i: number) =>
    `{"id":"log_${i}","output":"`.padEnd(LOG_BYTES - 2, "x") + `"}`;
  const file = (id: string, logs: number) => ({
    ...model!,
    id,
    text: model!.text.replaceAll(model!.id, id),
    versions: model!.versions.slice(0, 2),
    evaluations: [],
    logs: sequence(logs, log),
    bareLogs: sequence(logs, log),
  });
  if (name === "one-file") {
    return { directories, files: [file("pr_big", 20_000)] };
  }
  const small = Array.from({ length: 200 }, (_, i) => file(`pr_${i}`, 20));
  return { directories, files: small };
}
