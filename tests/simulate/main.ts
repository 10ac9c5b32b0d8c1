/**
 * `deno task simulate --seeds N [--from SEED]`: runs seeds and prints those that
 * fail, each with the command that runs it again. Ends with exit 1 if any did.
 */
import { parseArgs } from "@std/cli";
import { replayCommand, simulate } from "./simulate.ts";

const flags = parseArgs(Deno.args, { string: ["seeds", "from"] });
const seeds = Number(flags["seeds"] ?? 200);
const from = Number(flags["from"] ?? 1);
const print = (text: string) =>
  Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));

const ends = new Map<number, number>();
let failed = 0;
for (let seed = from; seed < from + seeds; seed++) {
  const { wrong, codes } = await simulate(seed);
  for (const code of codes) ends.set(code, (ends.get(code) ?? 0) + 1);
  if (wrong.length === 0) continue;
  failed++;
  print(`seed ${seed} fails: ${wrong.join("\n  ")}\n  ${replayCommand(seed)}`);
}
const runs = [...ends].sort(([a], [b]) => a - b)
  .map(([code, times]) => `${times} × ${code === -9 ? "killed" : code}`);
print(
  `${seeds} seeds, ${failed} failed; runs by exit code: ${runs.join(", ")}`,
);
Deno.exit(failed === 0 ? 0 : 1);
