/** Describes the scope of an export, in the same words everywhere. */
import { type Filters, filtersText } from "./filters.ts";

/** What was asked for. */
export interface Scope {
  readonly logs: boolean;
  /** `null` for the whole workspace. */
  readonly directoryId: string | null;
  readonly filters: Filters;
}

/**
 * Describes a scope: `everything`, `all but Logs`, `all but Logs, only
 * --directory dir_1 --type prompt`.
 */
export function scopeText({ logs, directoryId, filters }: Scope): string {
  const only = [
    ...directoryId === null ? [] : [`--directory ${directoryId}`],
    filtersText(filters) ?? [],
  ].flat().join(" ");
  const all = only === "" ? "everything" : "all";
  const kinds = logs ? all : "all but Logs";
  return only === "" ? kinds : `${kinds}, only ${only}`;
}
