/** `plan`: prints what an export would fetch. */
import { PLAN_KEYS, planExport } from "../../plan/plan.ts";
import { scopeText } from "../../core/scope.ts";
import type { Settings } from "../../tree/manifest.ts";
import { newSettings, readConfig } from "../options/config.ts";
import { connectToApi, keyOf } from "../connection.ts";
import { DEFAULT_CONCURRENCY } from "../options/defaults.ts";
import { exitCodeOf } from "../exit_codes.ts";
import { scopeOf } from "../json_output.ts";
import type { Flags } from "../options/options.ts";
import { printJson } from "../output.ts";
import { untilDone } from "../until_interrupted.ts";
import {
  aligned,
  bytes,
  count,
  duration,
  escapeControls,
} from "../../ui/text.ts";
import type { Runtime } from "../../core/runtime/runtime.ts";
import type { Plan, PlanRow } from "../../plan/plan.ts";

const TITLES: Readonly<Record<keyof PlanRow, string>> = {
  files: "Files",
  versions: "Versions",
  datapoints: "Datapoints",
  evaluations: "Evaluations",
  evaluationLogs: "Eval. Logs",
  logs: "Logs",
  requests: "Requests",
  bytes: "About",
};

/**
 * Runs the command.
 *
 * @returns The exit code: 3 where something could not be counted.
 * @throws {UsageError} When the settings cannot be used, or the Directory is unknown.
 * @throws {AuthError} When the API refuses the key.
 * @throws {ApiError | NetworkError | ProtocolError} When the Files cannot be listed.
 */
export async function plan(flags: Flags, runtime: Runtime): Promise<number> {
  const input = await readConfig(flags, runtime);
  const settings = newSettings(input);
  const apiKey = await keyOf(input, runtime);
  const { apiUrl } = settings;
  const plan = await untilDone(async (stop) => {
    const api = { apiUrl, apiKey, signal: stop.signal };
    return await planExport(settings, {
      reader: await connectToApi(flags, runtime, api),
      stop,
      concurrency: flags.concurrency ?? DEFAULT_CONCURRENCY,
      now: () => runtime.clock.monotonicMs(),
    });
  });
  if (flags.json) printJson(runtime, { ...plan, ...scopeOf(settings) });
  else runtime.terminal.out(planText(plan, settings));
  return exitCodeOf(plan.unknown.length === 0);
}

/**
 * Writes a plan as a table.
 *
 * @param settings The scope of the export.
 */
function planText(plan: Plan, settings: Settings): string {
  const types = Object.entries(plan.byType).sort(([a], [b]) => a < b ? -1 : 1);
  const rows = [
    ["", ...PLAN_KEYS.map((key) => TITLES[key])],
    ...[...types, ["all", plan.total] as const].map(([name, row]) => [
      name,
      ...PLAN_KEYS.map((key) => (key === "bytes" ? bytes : count)(row[key])),
    ]),
  ];
  const lines = aligned(rows);
  lines.push(`Scope: ${escapeControls(scopeText(settings))}`);
  if (!settings.logs) lines.push("Without Logs; --logs counts them too");
  lines.push(
    `About ${duration(Math.max(1_000, plan.tookMs))}, estimated from the ${
      count(plan.asked)
    } requests of this plan`,
    ...plan.unknown.map((one) => `not counted: ${escapeControls(one)}`),
  );
  return `${lines.join("\n")}\n`;
}
