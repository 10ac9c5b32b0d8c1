/** Prints the results of all commands in one way. */
import type { Runtime } from "../core/runtime/runtime.ts";
import { escapeControls } from "../ui/text.ts";
import { EXIT } from "./exit_codes.ts";
import type { Flags } from "./options/options.ts";

type Output = Pick<Runtime, "terminal">;

/** Prints the document of `--json`. */
export function printJson({ terminal }: Output, document: object): void {
  terminal.out(`${JSON.stringify(document)}\n`);
}

/**
 * Prints a line beside the result: an error, a warning or a note.
 *
 * @param kept Control characters that stay.
 */
export function printLine(
  { terminal }: Output,
  kind: "error" | "warn" | "info" | "note",
  text: string,
  kept = "",
): void {
  terminal.err(`${kind}: ${escapeControls(text, kept)}\n`);
}

/**
 * Prints a result: with `--json` as a document, else as text, which `--quiet`
 * leaves out if nothing is missing.
 *
 * @returns The exit code.
 */
export function printResult(
  { json, quiet }: Flags,
  runtime: Output,
  exitCode: number,
  result: { readonly document: object; readonly text: () => string },
): number {
  if (json) printJson(runtime, { exitCode, ...result.document });
  else if (!quiet || exitCode !== EXIT.complete) {
    runtime.terminal.out(escapeControls(result.text(), "\n"));
  }
  return exitCode;
}
