/** A terminal for tests. */
import type { Terminal } from "../../src/core/runtime/runtime.ts";

/** Remembers what is printed, and answers no question. */
export interface Printed extends Terminal {
  readonly printed: { out: string; err: string };
}

/** Makes a terminal of 80 columns that is not interactive. */
export function printedTerminal(): Printed {
  const printed = { out: "", err: "" };
  return {
    printed,
    out: (text) => void (printed.out += text),
    err: (text) => void (printed.err += text),
    errIsTerminal: false,
    color: false,
    columns: () => 80,
    ask: () => Promise.resolve(null),
    askSecret: () => Promise.resolve(null),
  };
}
