/**
 * Checks an export without the network: every File that `.done` vouches for,
 * every sum, and what `export.json` says. It also reads exports by the official
 * script, which have neither sums nor `export.json`.
 */
import { type Counts, RECORD_KINDS, sumCounts } from "../core/observer.ts";
import { filesBelow } from "../tree/checksums.ts";
import { notAnExport } from "../tree/export_dir.ts";
import { readDone } from "../tree/checkpoint.ts";
import { isSafeId, Layout } from "../tree/layout.ts";
import type { Disk } from "../core/runtime.ts";
import { type ExportMetadata, readExportMetadata } from "./export_metadata.ts";
import { checkFile } from "./file_check.ts";
import { adviceFor, type Problem, Problems } from "./problems.ts";
import { ExportReader } from "./reader.ts";
import { checkTop } from "./top_check.ts";

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
  /** What it says of itself. */
  readonly claims: ExportMetadata;
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

/** What tells that a directory is, or was, an export. */
const TOP_OR_FILES =
  /^(export\.json|SHA256SUMS|directories\.json|files\/.*|shards\/.*)$/;

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
  if (!names.some((name) => TOP_OR_FILES.test(name))) throw notAnExport(root);
  const claims = await readExportMetadata(disk, root, names);
  const problems = new Problems();
  checkTop(names, problems, claims);
  let bytes = 0;
  const reader = new ExportReader({
    disk,
    root,
    names,
    sums: claims.sums,
    problems,
    onBytes: (more) => {
      bytes += more;
      options.onBytes?.(more);
    },
  });
  const files = new Map<string, VerifiedFile>();
  let counts: Counts = {};
  let complete = 0;
  let incomplete = 0;
  let ours = claims.all.length;
  for (const [id, parts] of filesOf(names, claims)) {
    const done = await readDone(disk, layout.file(id));
    if (done === null) {
      incomplete++;
      tellIncomplete(problems, id, claims);
      continue;
    }
    complete++;
    // The official script's says nothing of Logs.
    const official = claims.all.length === 0 && done.logs === undefined;
    if (!official) ours++;
    const file = { id, names: parts, done, official };
    const { counts: there, lists } = await checkFile(reader, problems, file);
    compareEntry(problems, id, there, claims);
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
    official: ours === 0,
    claims,
  };
}

/** The Files that are there, or ought to be, with their files, sorted. */
function filesOf(
  names: readonly string[],
  claims: ExportMetadata,
): readonly (readonly [string, readonly string[]])[] {
  const files = new Map<string, string[]>();
  for (const id of claims.fileIds) {
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
  claims: ExportMetadata,
): void {
  const path = claims.entry(id)?.path;
  const name = path ? ` (${path})` : "";
  problems.add(`files/${id}`, `is not complete${name}`, "resume");
}

/** Compares what is there with what `export.json` says of a File. */
function compareEntry(
  problems: Problems,
  id: string,
  there: Counts,
  claims: ExportMetadata,
): void {
  const claim = claims.of(id);
  if (claim === undefined || claim.manifest === null) return;
  const entry = claims.entry(id);
  const path = `${claim.prefix}export.json`;
  const advice = "resume to bring it up to date";
  if (entry === undefined) {
    problems.add(`files/${id}`, "is not in export.json", advice);
    return;
  }
  if (entry.state !== "complete") {
    problems.add(path, `says that ${id} is ${entry.state}`, advice);
  }
  for (const kind of RECORD_KINDS) {
    const [wanted, found] = [entry.counts[kind] ?? 0, there[kind] ?? 0];
    if (wanted === found) continue;
    problems.add(
      path,
      `says that ${id} has ${wanted} ${kind}, ${found} are there`,
      adviceFor(`files/${id}/`),
    );
  }
}
