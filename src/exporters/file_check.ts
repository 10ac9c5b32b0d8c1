/**
 * Checks whether a File that is called complete is so: every file that its sums
 * list is there with its size. One of the official script, which keeps no sums,
 * is compared with the API.
 */
import { basename, join } from "@std/path";
import {
  datapointsList,
  evaluationLogsList,
  evaluationsList,
  type FileInfo,
  type IdInfo,
  logsList,
} from "../api/client.ts";
import type { ListSpec } from "../api/list_spec.ts";
import type { Counts } from "../core/observer.ts";
import { offsetOf } from "../core/ranges.ts";
import type { Disk } from "../core/runtime.ts";
import { probeList } from "../lists/time_windows.ts";
import { listDir, UNKNOWN_SUM } from "../tree/atomic_file.ts";
import {
  type Checkpoints,
  type ListCheckpoint,
  readCheckpoints,
} from "../tree/checkpoint.ts";
import { countRecords, readChunk } from "../tree/chunk_reader.ts";
import { setAsideFiles } from "../tree/removal.ts";
import type { Sums } from "../tree/checksums.ts";
import type { Done } from "../tree/done.ts";
import { chunkPath, type FileLayout, type ListName } from "../tree/layout.ts";
import { type FileContext, FileReport, type RunContext } from "./context.ts";
import { readIndexList } from "./index_list.ts";
import { keyReader } from "./list_on_disk.ts";

/** Matches the path of a chunk below its File's directory: the list, the number. */
const CHUNK_PATH = /^(.+)\/(\d+)\.jsonl$/;

/** What a run needs to look at a File on disk. */
export type FileOnDisk = Pick<FileContext, "file" | "paths">;

/**
 * Finds out why a File with a `.done` of this program is not complete after all.
 *
 * @param sums The sums of its files, by their paths below its directory.
 * @returns What is wrong, for the log; `null` where nothing is.
 * @throws {StorageError} When the disk fails.
 */
export async function findDamage(
  context: RunContext,
  { file, paths }: FileOnDisk,
  sums: Sums,
  { counts }: Done,
): Promise<string | null> {
  const { disk, observer } = context;
  const missing = await findMissingFile(disk, paths, sums);
  if (missing !== null) return missing;
  if ([...sums.values()].every(({ size }) => size !== null) && sums.size > 0) {
    return null;
  }
  observer.log(
    "DEBUG",
    `${
      file.path ?? file.id
    }: no sizes are kept with its sums, so its Logs are counted`,
  );
  const { logs } = counts;
  if (logs === undefined) return null;
  const lines = await linesOf(
    context,
    { file, paths },
    logsList(file, null, null),
  );
  return lines === logs
    ? null
    : `logs hold ${lines} records instead of ${logs}`;
}

/**
 * Finds a file of a File that its sums list and that is missing or of another
 * size.
 *
 * @returns What is wrong; `null` where nothing is.
 * @throws {StorageError} When the disk fails.
 */
export async function findMissingFile(
  disk: Disk,
  paths: FileLayout,
  sums: Sums,
): Promise<string | null> {
  for (const [name, { sum, size }] of sums) {
    // A run died just when this file was to get its name.
    if (sum === UNKNOWN_SUM) continue;
    const path = join(paths.root, ...name.split("/"));
    const info = await disk.lstat(path).catch(() => null);
    if (!info?.isFile) return `${name} is missing on disk, or cannot be read`;
    if (size !== null && info.size !== size) {
      return `${name} has ${info.size} bytes on disk instead of ${size}`;
    }
  }
  return null;
}

/**
 * Sets aside the chunks of a File that are of another size than their sums say.
 *
 * @throws {StorageError} When the disk fails.
 */
export async function setAsideDamaged(
  { disk }: RunContext,
  { paths }: FileOnDisk,
  sums: Sums,
): Promise<void> {
  for (const [name, { size }] of sums) {
    const [, list, number] = CHUNK_PATH.exec(name) ?? [];
    if (list === undefined || size === null) continue;
    const dir = paths.list(list as ListName);
    const path = chunkPath(dir, Number(number));
    const info = await disk.lstat(path).catch(() => null);
    if (info === null || info.size === size) continue;
    // Its sum stays until it is there again.
    await setAsideFiles(disk, dir, [basename(path)], null);
  }
}

/**
 * Makes the checkpoints that a complete File had, from its sums: so that only
 * what is missing of its lists is read again.
 *
 * @throws {StorageError} When the disk fails.
 */
export async function rebuildCheckpoints(
  context: RunContext,
  { file, paths }: FileOnDisk,
  sums: Sums,
  { counts, logs = false }: Done,
): Promise<Checkpoints> {
  const { disk, times } = context;
  const lastChunks = new Map<ListName, number>();
  for (const name of sums.keys()) {
    const [, list, number] = CHUNK_PATH.exec(name) ?? [];
    if (list === undefined) continue;
    // `.done` does not cover Logs that were being added.
    if (!logs && !list.startsWith("datapoints/")) continue;
    const last = Math.max(
      Number(number),
      lastChunks.get(list as ListName) ?? 0,
    );
    lastChunks.set(list as ListName, last);
  }
  const lists = new Map<ListName, ListCheckpoint>();
  for (const [name, last] of lastChunks) {
    const spec = specOf(file, name);
    const path = chunkPath(paths.list(name), last);
    const content = spec && await readChunk(disk, path, keyReader(spec));
    const total = name === "logs" && counts.logs !== undefined
      ? counts.logs
      : content?.isWhole && offsetOf(last) + content.lines;
    if (!total) continue;
    const { cutoff } = times;
    const isFrozen = name === "logs" && total > spec!.pageSize &&
      cutoff !== null;
    lists.set(name, {
      ...{ total, finished: true, gaps: [] },
      ...isFrozen && { until: times.wanted.until ?? cutoff },
    });
  }
  const checkpoints = await readCheckpoints(disk, paths, file.id);
  for (const [name, checkpoint] of lists) {
    if (!checkpoints.get(name)) await checkpoints.set(name, checkpoint);
  }
  return checkpoints;
}

/**
 * Compares a File of the official script with the API, by one small request a
 * list.
 *
 * @param logs Whether its Logs count.
 * @returns What is on disk; `null` where the API has something else.
 * @throws {ApiError | NetworkError | ProtocolError} When the API cannot be asked.
 */
export async function countOfficial(
  context: RunContext,
  { file, paths }: FileOnDisk,
  logs: boolean,
): Promise<Counts | null> {
  const { client, disk, reader: { session } } = context;
  const report = new FileReport(file.id);
  const isSame = async (spec: ListSpec<IdInfo>, kind: keyof Counts) => {
    const lines = await linesOf(context, { file, paths }, spec);
    report.count(kind, lines);
    return lines === (await probeList(session, spec)).total;
  };
  const countDir = async (dir: string) =>
    (await listDir(disk, dir) ?? []).length;
  const versions = await client.versions(file);
  report.count("versions", versions.length);
  if (await countDir(paths.versions) !== versions.length) return null;
  const deployments = versions.flatMap(({ info }) => info.environments ?? []);
  report.count("deployments", deployments.length);
  if (file.type === "dataset") {
    for (const { info } of versions) {
      const spec = datapointsList(file, info.id);
      if (!await isSame(spec, "datapoints")) return null;
    }
    return report.counts;
  }
  const evaluations: IdInfo[] = [];
  const gaps = await readIndexList(
    context,
    evaluationsList(file),
    (records) => {
      evaluations.push(...records.map(({ info }) => info));
    },
  );
  report.count("evaluations", evaluations.length);
  const there = await countDir(paths.evaluations);
  if (gaps.length > 0 || there !== evaluations.length) return null;
  for (const { id } of evaluations) {
    const runs = (await client.runs(id)).length;
    report.count("runs", runs);
    if (await countDir(paths.evaluation(id).runs) !== runs) return null;
    const spec = evaluationLogsList(file, id);
    if (logs && !await isSame(spec, "evaluationLogs")) return null;
  }
  const isWhole = !logs || await isSame(logsList(file, null, null), "logs");
  return isWhole ? report.counts : null;
}

async function linesOf<T>(
  { disk }: RunContext,
  { paths }: FileOnDisk,
  spec: ListSpec<T>,
): Promise<number> {
  const dir = paths.list(spec.part as ListName);
  return await countRecords(disk, dir, keyReader(spec));
}

/** Returns the list that a directory of chunks is of; `null` for none that is known. */
function specOf(file: FileInfo, name: ListName): ListSpec<IdInfo> | null {
  const [top, id = "", part] = name.split("/");
  if (name === "logs") return logsList(file, null, null);
  if (top === "datapoints") return datapointsList(file, id);
  if (top === "evaluations" && part === "logs") {
    return evaluationLogsList(file, id);
  }
  return null;
}
