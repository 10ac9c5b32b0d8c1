/** Reads what the page of a File shows, from this program's or the official script's tree. */
import { join } from "@std/path";
import type { Counts } from "../core/observer.ts";
import { parseJson } from "../tree/json_file.ts";
import { type FileLayout, isSafeId, type Layout } from "../tree/layout.ts";
import { countChunks } from "../tree/chunk_reader.ts";
import type { Gap } from "../tree/manifest.ts";
import { listDir, readFile } from "../tree/atomic_file.ts";
import type { Disk } from "../core/runtime.ts";
import type { EvaluationRecord } from "./evaluation_view.ts";
import type { FileData } from "./file_page.ts";
import { isObject } from "../core/json.ts";
import { newestLogs } from "./read_logs.ts";
import type { Fields } from "./values.ts";
import type { VersionRecord } from "./version_view.ts";

/** What is known of a File before its directory is looked into. */
export interface KnownFile {
  readonly id: string;
  readonly type: string;
  /** `null` where nothing tells it. */
  readonly path: string | null;
  readonly state: string;
  readonly counts: Counts;
  readonly gaps: readonly Gap[];
}

/** Logs that a page shows. */
const NEWEST = 200;

/**
 * Reads a File.
 *
 * @throws {StorageError} When the disk refuses.
 */
export async function readFileData(
  disk: Disk,
  layout: Layout,
  known: KnownFile,
): Promise<FileData> {
  const paths = layout.file(known.id);
  const { logs, chunks } = await newestLogs(disk, paths.list("logs"), NEWEST);
  return {
    ...known,
    file: await readJson(disk, paths.file),
    deployments: await readDeployments(disk, paths),
    versions: await readVersions(disk, paths),
    evaluations: await readEvaluations(disk, paths),
    datapoints: await readDatapoints(disk, paths),
    logs,
    chunks,
  };
}

/** The elements of `deployments.json`. */
export async function readDeployments(
  disk: Disk,
  paths: FileLayout,
): Promise<readonly Fields[]> {
  const value = await readJson(disk, paths.deployments);
  return Array.isArray(value) ? value.filter(isObject) : [];
}

async function readJson(disk: Disk, path: string): Promise<unknown> {
  return parseJson(await readFile(disk, path));
}

/** The names in a directory that are ids. */
async function idsIn(disk: Disk, dir: string): Promise<readonly string[]> {
  const entries = await listDir(disk, dir) ?? [];
  return entries.map(({ name }) => name).filter(isSafeId);
}

async function readVersions(
  disk: Disk,
  paths: FileLayout,
): Promise<readonly VersionRecord[]> {
  const records: VersionRecord[] = [];
  for (const id of await idsIn(disk, paths.versions)) {
    const bytes = await readFile(disk, join(paths.versions, id));
    records.push({ id, json: new TextDecoder().decode(bytes ?? undefined) });
  }
  return records;
}

async function readEvaluations(
  disk: Disk,
  paths: FileLayout,
): Promise<readonly EvaluationRecord[]> {
  const records: EvaluationRecord[] = [];
  for (const id of await idsIn(disk, paths.evaluations)) {
    const { evaluation, stats, runs: dir } = paths.evaluation(id);
    const runs: unknown[] = [];
    for (const run of await idsIn(disk, dir)) {
      runs.push(await readJson(disk, join(dir, run)));
    }
    records.push({
      id,
      evaluation: await readJson(disk, evaluation),
      stats: await readJson(disk, stats),
      runs,
      chunks: await countChunks(disk, paths.list(`evaluations/${id}/logs`)),
    });
  }
  return records;
}

async function readDatapoints(
  disk: Disk,
  paths: FileLayout,
): Promise<ReadonlyMap<string, number>> {
  const chunks = new Map<string, number>();
  for (const id of await idsIn(disk, paths.datapoints)) {
    chunks.set(id, await countChunks(disk, paths.list(`datapoints/${id}`)));
  }
  return chunks;
}
