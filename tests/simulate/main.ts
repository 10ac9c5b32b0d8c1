/**
 * `deno task simulate --seeds N [--first SEED] [--only NAME]… [--all] [--disk]`:
 * runs seeds and prints those that fail, each with the command that runs it
 * again. `--disk` also checks that no run loses what was on disk before,
 * `--list` prints the disturbances. Ends with exit 1 if any seed failed.
 */
import { parseArgs } from "@std/cli";
import { DISTURBANCES } from "./disturbances.ts";
import { type Choice, replayCommand, simulate } from "./simulate.ts";

const flags = parseArgs(Deno.args, {
  string: ["seeds", "first", "from", "only"],
  boolean: ["all", "disk", "list"],
  collect: ["only"],
});
const print = (text: string) =>
  void Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));

if (flags["list"]) {
  for (const { name, enabled } of DISTURBANCES) {
    print(`${enabled ? "enabled " : "disabled"}  ${name}`);
  }
  Deno.exit(0);
}
const only = [flags["only"] ?? []].flat().map(String);
for (const name of only) {
  if (DISTURBANCES.some((one) => one.name === name)) continue;
  print(`there is no disturbance ${JSON.stringify(name)}; --list names them`);
  Deno.exit(2);
}
const choice: Choice = {
  ...only.length > 0 && { only },
  all: flags["all"] === true,
  ...flags["disk"] === true && { disk: true },
};
const seeds = Number(flags["seeds"] ?? 200);
const first = Number(flags["first"] ?? flags["from"] ?? 1);
const ends = new Map<number, number>();
const failures = new Map<string, number>();
let failed = 0;
for (let seed = first; seed < first + seeds; seed++) {
  const { wrong, codes, met } = await simulate(seed, choice);
  for (const code of codes) ends.set(code, (ends.get(code) ?? 0) + 1);
  if (wrong.length === 0) continue;
  failed++;
  for (const name of met) failures.set(name, (failures.get(name) ?? 0) + 1);
  const command = replayCommand(seed, choice);
  print(`seed ${seed} fails: ${wrong.join("\n  ")}\n  ${command}`);
}
const runs = [...ends].sort(([a], [b]) => a - b)
  .map(([code, times]) => `${times} × ${code === -9 ? "killed" : code}`);
print(
  `${seeds} seeds, ${failed} failed; runs by exit code: ${runs.join(", ")}`,
);
if (failed > 0 && only.length === 0) {
  const names = [...failures].sort(([, a], [, b]) => b - a)
    .map(([name, times]) => `${times} × ${name}`);
  print(`met by those that failed: ${names.join(", ")}`);
}
Deno.exit(failed === 0 ? 0 : 1);
