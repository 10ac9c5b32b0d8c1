/** `plan`: prints what an export would fetch. */
import { EXIT } from "../exit_codes.ts";
import { filtersText } from "../../core/filters.ts";
import type { Settings } from "../../tree/manifest.ts";
import {
  aligned,
  bytes,
  count,
  duration,
  escapeControls,
} from "../../ui/text.ts";
import type { Terminal } from "../../core/runtime.ts";
import type { Plan, PlanRow } from "../../plan/plan.ts";

const COLUMNS: ReadonlyArray<readonly [string, (row: PlanRow) => string]> = [
  ["Files", ({ files }) => count(files)],
  ["Versions", ({ versions }) => count(versions)],
  ["Datapoints", ({ datapoints }) => count(datapoints)],
  ["Evaluations", ({ evaluations }) => count(evaluations)],
  ["Eval. Logs", ({ evaluationLogs }) => count(evaluationLogs)],
  ["Logs", ({ logs }) => count(logs)],
  ["Requests", ({ requests }) => count(requests)],
  ["About", (row) => bytes(row.bytes)],
];

/**
 * Prints a plan.
 *
 * @param settings What the export would be of.
 * @param json Whether as one JSON document.
 * @returns The exit code: 3 where something could not be counted.
 */
export function printPlan(
  plan: Plan,
  settings: Settings,
  { terminal, json }: { readonly terminal: Terminal; readonly json: boolean },
): number {
  const filters = filtersText(settings.filters);
  const code = plan.unknown.length === 0 ? EXIT.complete : EXIT.incomplete;
  if (json) {
    const { logs } = settings;
    terminal.out(`${JSON.stringify({ ...plan, logs, filters })}\n`);
    return code;
  }
  const types = Object.entries(plan.byType).sort(([a], [b]) => a < b ? -1 : 1);
  const rows = [
    ["", ...COLUMNS.map(([title]) => title)],
    ...[...types, ["all", plan.total] as const].map(([name, row]) => [
      name,
      ...COLUMNS.map(([, text]) => text(row)),
    ]),
  ];
  const lines = aligned(rows);
  if (filters !== null) lines.push(`Only ${filters}`);
  if (!settings.logs) lines.push("Without Logs; --logs counts them too");
  lines.push(
    `About ${duration(Math.max(1_000, plan.tookMs))}, judging by the ${
      count(plan.asked)
    } requests of this plan`,
    ...plan.unknown.map((one) => `not counted: ${escapeControls(one)}`),
  );
  terminal.out(`${lines.join("\n")}\n`);
  return code;
}
