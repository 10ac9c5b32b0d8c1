/**
 * Gives types to `@std/fs` (CONTRIBUTING, "Dependencies"): the functions used,
 * with their standard signatures.
 */
import { walk as walkJs } from "deno-std-fs/walk.js";

/** One entry that `walk` gives. */
export interface WalkEntry extends Deno.DirEntry {
  readonly path: string;
}

/** The options of `walk` that are used. */
export interface WalkOptions {
  readonly includeDirs?: boolean;
  readonly includeFiles?: boolean;
}

export const walk: (
  root: string | URL,
  options?: WalkOptions,
) => AsyncIterableIterator<WalkEntry> = walkJs;
