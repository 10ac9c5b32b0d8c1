/** Holds this program's version, from `deno.json`, and the name of its bundle. */
import config from "../../../deno.json" with { type: "json" };

export const VERSION: string = config.version;

/** The name of the bundled program in the cache, by which it recognizes its build. */
export const PROGRAM_NAME = "hl-export.js";
