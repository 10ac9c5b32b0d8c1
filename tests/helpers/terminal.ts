/** A terminal for tests. */
import type { Terminal } from "../../src/core/runtime.ts";

/** Remembers what is printed; nobody can be asked. */
export interface Printed extends Terminal {
  readonly printed: { out: string; err: string };
}

/** A terminal that is none: 80 columns, no colours, nobody there. */
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
