/**
 * Gives types to `@std/cli` (CONTRIBUTING, "Dependencies"): the functions used,
 * with their standard signatures.
 */
import { parseArgs as parseArgsJs } from "deno-std/cli/parse_args.js";

/** The options of `parseArgs` that are used. */
export interface ParseOptions {
  readonly boolean?: readonly string[];
  readonly string?: readonly string[];
  readonly collect?: readonly string[];
  readonly alias?: Readonly<Record<string, string>>;
  /**
   * Called with what is not a known option; `false` leaves it out of the
   * result.
   */
  readonly unknown?: (arg: string, key?: string, value?: unknown) => unknown;
}

/** What `parseArgs` returns: `_` holds what is not an option. */
export type Args = Record<string, unknown> & { _: Array<string | number> };

export const parseArgs: (
  args: string[],
  options?: ParseOptions,
) => Args = parseArgsJs;
