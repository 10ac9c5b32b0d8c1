/** This program's version, as `deno.json` has it. */
import config from "../../deno.json" with { type: "json" };

export const VERSION: string = config.version;
