/**
 * Checks an export without the network: every File that `.done` vouches for,
 * every sum, and what `export.json` says. It also reads exports by the official
 * script, which have neither sums nor `export.json`.
 */
import { join } from "@std/path";
import { UsageError } from "../errors.ts";
import { type Counts, RECORD_KINDS, sumCounts } from "../observer.ts";
import {
  filesBelow,
  isSummed,
  JOURNAL_NAME,
  parseSums,
  SUMS_NAME,
} from "../tree/checksums.ts";
import { readDone } from "../tree/file_state.ts";
import { isSafeId, Layout } from "../tree/layout.ts";
import { gapText, type Manifest, readManifest } from "../tree/manifest.ts";
import { readFile } from "../tree/storage.ts";
import type { Disk } from "../world.ts";
import { checkFile } from "./file_check.ts";
import { adviceFor, type Problem, Problems } from "./problems.ts";
import { ExportReader } from "./reader.ts";

/** What checking an export told. */
export interface Verdict {
  readonly problems: readonly Problem[];
  /** The complete Files. */
  readonly files: ReadonlyMap<string, VerifiedFile>;
  /** What they hold. */
  readonly counts: Counts;
  readonly complete: number;
  readonly incomplete: number;
  readonly bytes: number;
  /** Whether the official script wrote it. */
  readonly official: boolean;
  /** What `export.json` says; `null` where there is none. */
  readonly manifest: Manifest | null;
}

/** A File that `.done` vouches for. */
export interface VerifiedFile {
  /** Whether its Logs are part of it. */
  readonly logs: boolean;
  /** How many records each of its lists holds, by the list's name. */
  readonly lists: ReadonlyMap<string, number>;
}

/** What checking needs. */
export interface VerifyOptions {
  readonly disk: Disk;
  /** The export's directory. */
  readonly root: string;
  /** Hears how many bytes were read. */
  readonly onBytes?: (bytes: number) => void;
}

/** What may stand beside `files/`. */
const TOP = ["export.json", "export.log", "SHA256SUMS", "directories.json"];

/**
 * Checks an export.
 *
 * @throws {UsageError} When there is no export.
 * @throws {StorageError} When the disk refuses.
 */
export async function verifyExport(options: VerifyOptions): Promise<Verdict> {
  const { disk, root } = options;
  const layout = new Layout(root);
  const names = await filesBelow(disk, root);
  const official = isOfficial(root, names);
  const problems = new Problems();
  const manifest = official ? null : await readManifest(disk, layout.manifest);
  const sumsFile = await readFile(disk, join(root, SUMS_NAME));
  const sums = sumsFile === null ? null : parseSums(sumsFile);
  let bytes = 0;
  const reader = new ExportReader({
    disk,
    root,
    names,
    sums,
    problems,
    onBytes: (more) => {
      bytes += more;
      options.onBytes?.(more);
    },
  });
  const text = new TextDecoder().decode(sumsFile ?? new Uint8Array());
  const lines = text.split("\n").filter((line) => line !== "").length;
  checkTop(names, problems, { official, manifest, sums, lines });
  const files = new Map<string, VerifiedFile>();
  let counts: Counts = {};
  let complete = 0;
  let incomplete = 0;
  for (const [id, parts] of filesOf(names, manifest)) {
    const done = await readDone(disk, layout.file(id));
    if (done === null) {
      incomplete++;
      tellIncomplete(problems, id, manifest);
      continue;
    }
    complete++;
    const file = { id, names: parts, done, official };
    const { counts: there, lists } = await checkFile(reader, problems, file);
    if (!official) compareEntry(problems, id, there, manifest);
    counts = sumCounts([counts, there]);
    files.set(id, { logs: done.logs ?? lists.has("logs"), lists });
  }
  await reader.rest();
  return {
    problems: problems.sorted(),
    files,
    counts,
    complete,
    incomplete,
    bytes,
    official,
    manifest,
  };
}

/** Whether the official script made it: no export.json, nor any other trace of ours. */
function isOfficial(root: string, names: readonly string[]): boolean {
  const ours = ["export.json", "SHA256SUMS", "directories.json"];
  if (ours.some((name) => names.includes(name))) return false;
  if (names.some((name) => name.startsWith("files/"))) return true;
  throw new UsageError(
    `${root} is not an export: it holds neither export.json nor files/; give a directory such as exports/20250606-120000`,
  );
}

interface Top {
  readonly official: boolean;
  readonly manifest: Manifest | null;
  readonly sums: ReadonlyMap<string, string> | null;
  /** Lines of SHA256SUMS. */
  readonly lines: number;
}

/** What concerns the export as a whole. */
function checkTop(
  names: readonly string[],
  problems: Problems,
  { official, manifest, sums, lines }: Top,
): void {
  const there = new Set(names);
  for (const name of names) {
    const isOurs = name.startsWith("files/") && name.split("/").length > 2;
    if (isOurs || TOP.includes(name)) continue;
    if (name !== JOURNAL_NAME) {
      problems.add(name, "does not belong here", "remove it");
      continue;
    }
    const what = "is left of a run that did not come to its end";
    problems.add(name, what, "resume");
  }
  if (official) return;
  for (const name of TOP) {
    if (!there.has(name)) {
      problems.add(name, "is missing", "resume to write it again");
    }
  }
  if (there.has("export.json") && manifest === null) {
    problems.add(
      "export.json",
      "cannot be read as one of this program's",
      adviceFor("export.json"),
    );
  }
  for (const gap of manifest?.gaps ?? []) {
    problems.add("export.json", `lists as missing: ${gapText(gap)}`, "resume");
  }
  if (manifest !== null && manifest.state !== "complete") {
    problems.add("export.json", `says that it is ${manifest.state}`, "resume");
  }
  if (sums !== null && sums.size !== lines) {
    problems.add(
      "SHA256SUMS",
      `has ${lines} lines, of which ${sums.size} are sums`,
      "remove it and resume to sum the files again, if they are sound",
    );
  }
  for (const name of sums?.keys() ?? []) {
    if (there.has(name)) continue;
    problems.add(name, "is missing", adviceFor(name));
  }
  for (const name of sums === null ? [] : names) {
    if (sums!.has(name) || !isSummed(name)) continue;
    problems.add(name, "has no sum in SHA256SUMS", adviceFor(name));
  }
}

/** The Files that are there, or ought to be, with their files, sorted. */
function filesOf(
  names: readonly string[],
  manifest: Manifest | null,
): readonly (readonly [string, readonly string[]])[] {
  const files = new Map<string, string[]>();
  for (const id of Object.keys(manifest?.files ?? {})) {
    if (isSafeId(id)) files.set(id, []);
  }
  for (const name of names) {
    const [top, id = "", ...parts] = name.split("/");
    if (top !== "files" || parts.length === 0 || !isSafeId(id)) continue;
    if (!files.has(id)) files.set(id, []);
    files.get(id)!.push(parts.join("/"));
  }
  return [...files].sort(([a], [b]) => a < b ? -1 : 1);
}

function tellIncomplete(
  problems: Problems,
  id: string,
  manifest: Manifest | null,
): void {
  const path = manifest?.files[id]?.path;
  const name = path ? ` (${path})` : "";
  problems.add(`files/${id}`, `is not complete${name}`, "resume");
}

/** Compares what is there with what `export.json` says of a File. */
function compareEntry(
  problems: Problems,
  id: string,
  there: Counts,
  manifest: Manifest | null,
): void {
  if (manifest === null) return;
  const entry = manifest.files[id];
  const advice = "resume to bring it up to date";
  if (entry === undefined) {
    problems.add(`files/${id}`, "is not in export.json", advice);
    return;
  }
  if (entry.state !== "complete") {
    problems.add("export.json", `says that ${id} is ${entry.state}`, advice);
  }
  for (const kind of RECORD_KINDS) {
    const [wanted, found] = [entry.counts[kind] ?? 0, there[kind] ?? 0];
    if (wanted === found) continue;
    problems.add(
      "export.json",
      `says that ${id} has ${wanted} ${kind}, ${found} are there`,
      adviceFor(`files/${id}/`),
    );
  }
}
