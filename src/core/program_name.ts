/**
 * Holds the name of the bundled program in the cache, by which it knows its
 * build.
 */
export const PROGRAM_NAME = "hl-export.js";
