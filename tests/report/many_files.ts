/** A large export, as its overview shows it. */
import type { OverviewData, OverviewFile } from "../../src/report/overview.ts";

/** Makes an export of many Files, in twenty Directories. */
export function manyFiles(count: number): OverviewData {
  const files = Array.from({ length: count }, (_, i): OverviewFile => ({
    id: `pr_${i}`,
    type: i % 3 === 0 ? "prompt" : "tool",
    path: `team ${i % 20}/project ${i % 7}/file ${i}`,
    state: "complete",
    versions: i % 9,
    deployed: ["production"],
    logs: i,
    evaluations: 0,
    datapoints: 0,
    hasPage: true,
  }));
  return {
    state: "complete",
    startedAt: "2025-06-06T12:00:00.000Z",
    filters: null,
    withLogs: true,
    files,
    directories: [],
    gaps: [],
  };
}
