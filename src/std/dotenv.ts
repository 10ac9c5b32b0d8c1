/**
 * Gives types to `@std/dotenv` (CONTRIBUTING, "Dependencies"): `parse` has the
 * same signature there.
 */
import { parse as parseJs } from "dotenv";

export const parse: (text: string) => Record<string, string> = parseJs;
