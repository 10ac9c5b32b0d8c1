/**
 * Gives types to `@std/path` (CONTRIBUTING, "Dependencies"): the functions
 * used, with their standard signatures.
 */
import { basename as basenameJs } from "deno-std/path/basename.js";
import { dirname as dirnameJs } from "deno-std/path/dirname.js";
import { fromFileUrl as fromFileUrlJs } from "deno-std/path/from_file_url.js";
import { join as joinJs } from "deno-std/path/join.js";
import { relative as relativeJs } from "deno-std/path/relative.js";
import { resolve as resolveJs } from "deno-std/path/resolve.js";
import { toFileUrl as toFileUrlJs } from "deno-std/path/to_file_url.js";

export const basename: (path: string, suffix?: string) => string = basenameJs;
export const dirname: (path: string) => string = dirnameJs;
export const fromFileUrl: (url: string | URL) => string = fromFileUrlJs;
export const join: (path: string, ...paths: string[]) => string = joinJs;
export const relative: (from: string, to: string) => string = relativeJs;
export const resolve: (...paths: string[]) => string = resolveJs;
export const toFileUrl: (path: string) => URL = toFileUrlJs;
