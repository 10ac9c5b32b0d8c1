/** `completions`: prints the script that makes a shell complete `hl-export`. */
import type { Runtime } from "../../core/runtime/runtime.ts";
import { completionScript } from "../options/completions.ts";
import { EXIT } from "../exit_codes.ts";
import type { Flags } from "../options/options.ts";

/** Runs the command. */
export function completions(
  { operands: [shell = ""] }: Flags,
  { terminal }: Runtime,
): Promise<number> {
  terminal.out(completionScript(shell));
  return Promise.resolve(EXIT.complete);
}
