/** The workspaces of the benchmark. */
import { sampleWorkspace } from "../../src/demo/sample/sample.ts";
import { sequence, type Workspace } from "../../src/demo/workspace.ts";

const NEWEST_MS = Date.UTC(2025, 5, 1);

/**
 * Makes a workload from its name: `<Files>x<Logs>x<bytes of a Log>`, such as
 * `1x20000x3000`.
 */
export function workload(name: string): Workspace {
  const [count = 1, length = 0, bytes = 0] = name.split("x").map(Number);
  const { directories, files } = sampleWorkspace();
  const model = files[0]!;
  // A Log every ten minutes, spread evenly.
  const createdMs = (i: number) => NEWEST_MS - i * 600_000;
  const log = (i: number) => {
    const time = new Date(createdMs(i)).toISOString().slice(0, -1);
    return `{"id":"log_${i}","created_at":"${time}","output":"`
      .padEnd(bytes - 2, "x") + `"}`;
  };
  const logs = { ...sequence(length, log), createdMs };
  return {
    directories,
    files: Array.from({ length: count }, (_, i) => ({
      ...model,
      id: `pr_${i}`,
      text: model.text.replaceAll(model.id, `pr_${i}`),
      versions: model.versions.slice(0, 2),
      evaluations: [],
      logs,
      bareLogs: logs,
    })),
  };
}
