/**
 * Describes and reads `export.json`: what was asked, when, by which version;
 * each File's state and counts; and what is missing. It is the only file that
 * keeps the settings of the first run, which every resume uses again.
 */
import { type Filters, NO_FILTERS } from "../core/filters.ts";
import type { Gap } from "../core/gap.ts";
import { isObject } from "../core/json.ts";
import type { Counts } from "../core/observer.ts";
import type { Disk } from "../core/runtime.ts";
import { parseJson } from "./json_file.ts";
import { readFile } from "./atomic_file.ts";

/** What an export is made of, fixed by its first run. */
export interface Settings {
  /** Without a slash at its end. */
  readonly apiUrl: string;
  /** `null` for the whole workspace. */
  readonly directoryId: string | null;
  readonly logs: boolean;
  /** Logs created after this instant (ISO 8601, UTC) are left out. */
  readonly cutoff: string | null;
  readonly filters: Filters;
  /** The workspace's root Directory; `null` while it is unknown. */
  readonly rootDirectoryId: string | null;
}

/** How far a File is. */
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
 * @returns It, or `null` when there is none that this tool wrote.
 * @throws {StorageError} When the disk fails.
 */
export async function readManifest(
  disk: Disk,
  path: string,
): Promise<Manifest | null> {
  const json = parseJson(await readFile(disk, path));
  if (!isManifest(json)) return null;
  // Exports of before there were filters, or all of them.
  const filters = { ...NO_FILTERS, ...json.settings.filters };
  return { ...json, settings: { ...json.settings, filters } };
}

/** Checks whether all is there that the program goes by. */
function isManifest(value: unknown): value is Manifest {
  if (!isObject(value) || !isSettings(value["settings"])) return false;
  const { files, gaps, state } = value;
  return typeof state === "string" &&
    isObject(files) && Object.values(files).every(isEntry) &&
    Array.isArray(gaps) && gaps.every(isGapRecord);
}

function isSettings(value: unknown): value is Settings {
  if (!isObject(value)) return false;
  const { apiUrl, logs, cutoff, filters = NO_FILTERS } = value;
  if (!isObject(filters)) return false;
  const { types = [], files = [] } = filters;
  return typeof apiUrl === "string" && typeof logs === "boolean" &&
    (cutoff === null || typeof cutoff === "string") && isTexts(types) &&
    isTexts(files);
}

function isTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every((one) => typeof one === "string");
}

function isEntry(value: unknown): boolean {
  return isObject(value) && typeof value["type"] === "string" &&
    typeof value["state"] === "string" && isObject(value["counts"]);
}

function isGapRecord(value: unknown): boolean {
  return isObject(value) && typeof value["part"] === "string" &&
    typeof value["reason"] === "string";
}
