/**
 * Describes and reads `export.json`: what was asked, when, by which version;
 * each File's state and counts; and what is missing. It is the only file that
 * keeps the settings of the first run, which every resume uses again.
 */
import { type Filters, NO_FILTERS } from "../core/filters.ts";
import type { Gap } from "../core/gap.ts";
import { isObject } from "../core/text/json.ts";
import type { Counts } from "../core/observer.ts";
import type { Disk } from "../core/runtime/runtime.ts";
import { arrayOf, isText, objectOf, optional, parseJson } from "./json_file.ts";
import { readFile } from "./write/atomic_file.ts";

/** The settings of an export, fixed by its first run. */
export interface Settings {
  /** Without a slash at its end. */
  readonly apiUrl: string;
  /** `null` for the whole workspace. */
  readonly directoryId: string | null;
  readonly logs: boolean;
  /** Where lists of Logs are frozen (ISO 8601, UTC). */
  readonly cutoff: string | null;
  readonly filters: Filters;
  /** The workspace's root Directory; `null` while it is unknown. */
  readonly rootDirectoryId: string | null;
}

/** The state of a File. */
export interface FileEntry {
  readonly type: string;
  readonly path: string | null;
  readonly state: "complete" | "incomplete" | "pending";
  readonly counts: Counts;
}

/** The whole of `export.json`. */
export interface Manifest {
  readonly tool: string;
  readonly version: string;
  readonly settings: Settings;
  readonly startedAt: string;
  readonly updatedAt: string;
  /** `running` also after a kill, until the next run. */
  readonly state: "running" | "complete" | "incomplete" | "interrupted";
  readonly files: Readonly<Record<string, FileEntry>>;
  readonly gaps: readonly Gap[];
}

/** The name that `export.json` gives this program. */
export const TOOL_NAME = "hl-export";

/**
 * Reads `export.json`.
 *
 * @returns The manifest, or `null` if there is none of this tool.
 * @throws {StorageError} When the disk fails.
 */
export async function readManifest(
  disk: Disk,
  path: string,
): Promise<Manifest | null> {
  const json = parseJson(await readFile(disk, path));
  if (!isManifest(json)) return null;
  const manifest = json as Manifest;
  const { settings } = manifest;
  // Earlier versions had fewer filters, or none.
  const filters = { ...NO_FILTERS, ...settings.filters };
  return { ...manifest, settings: { ...settings, filters } };
}

const texts = optional(arrayOf(isText), undefined);

/** Checks whether everything is there that the program depends on. */
const isManifest = objectOf({
  settings: objectOf({
    apiUrl: isText,
    logs: (value) => typeof value === "boolean",
    cutoff: optional(isText, null),
    filters: optional(objectOf({ types: texts, files: texts }), undefined),
  }),
  state: isText,
  files: (value) => isObject(value) && arrayOf(isEntry)(Object.values(value)),
  gaps: arrayOf(objectOf({ part: isText, reason: isText })),
});
const isEntry = objectOf({ type: isText, state: isText, counts: isObject });
