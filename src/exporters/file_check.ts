/**
 * Checks whether a File with `.done` is complete: every file that its sums list
 * is there with its size. One of the official script, which keeps no sums, is
 * compared with the API.
 */
import { basename, dirname, join } from "@std/path";
import {
  datapointsList,
  evaluationLogsList,
  evaluationsList,
  type FileInfo,
  type IdInfo,
  logsList,
} from "../api/client.ts";
import type { ListSpec } from "../api/list_spec.ts";
import { isRecoverable } from "../core/errors.ts";
import { KeySet } from "../core/key_set.ts";
import type { Counts } from "../core/observer.ts";
import { offsetOf } from "../core/ranges.ts";
import { probeList } from "../lists/time_windows.ts";
import { listDir, UNKNOWN_SUM } from "../tree/write/atomic_file.ts";
import { Checkpoints, readCheckpoints } from "../tree/checkpoint.ts";
import type { Sums } from "../tree/checksums.ts";
import { listChunks, readChunk } from "../tree/read/chunk_reader.ts";
import type { Done } from "../tree/done.ts";
import { chunkNumber, chunkPath, type ListName } from "../tree/layout.ts";
import { removeScratch, setAsideFiles } from "../tree/write/removal.ts";
import { FileReport, type RunContext } from "./context.ts";
import { readIndexList } from "./list/index_list.ts";
import { keyReader } from "./list/list_on_disk.ts";

/**
 * Counts what is in a File with `.done`. If it is not complete, removes its
 * `.done`, and keeps everything else.
 *
 * @param done What `.done` says.
 * @param hasLogs Whether its Logs are part of it.
 * @returns Its counts; `null` if it has to be exported again.
 * @throws {AuthError | StorageError} When the run cannot go on.
 */
export async function countComplete(
  context: RunContext,
  file: FileInfo,
  done: Done,
  hasLogs: boolean,
): Promise<Counts | null> {
  let counts: Counts | null = done.counts;
  let damage = await findDamagedFile(context, file.id);
  if (damage === null && isCovered(sumsOf(context, file.id), done)) {
    damage = await findLostLogs(context, file, done);
  } else if (damage === null) {
    counts = await countOfficial(context, file, hasLogs).catch((error) => {
      if (!isRecoverable(error)) throw error;
      return null;
    });
    if (counts === null) damage = "it differs from what the API has";
  }
  if (damage === null) return counts;
  const name = file.path ?? file.id;
  context.observer.log("WARN", `${name} is exported again: ${damage}`);
  await reopen(context, file, done);
  return null;
}

/**
 * Checks whether sums list every document that `.done` counts. Files of the
 * official script get theirs at the end of a run, which it may not have
 * reached.
 */
function isCovered(sums: Sums, { logs, counts }: Done): boolean {
  const names = [...sums.keys()];
  const count = (pattern: RegExp) =>
    names.filter((name) => pattern.test(name)).length;
  return logs !== undefined &&
    count(/^versions\/[^/]+$/) >= (counts.versions ?? 0) &&
    count(/^evaluations\/[^/]+\/runs\/[^/]+$/) >= (counts.runs ?? 0);
}

/**
 * Finds a file that the sums of a File list and that is missing or has another
 * size.
 *
 * @param fileId The File.
 * @returns What is wrong; `null` if nothing is.
 */
export async function findDamagedFile(
  context: RunContext,
  fileId: string,
): Promise<string | null> {
  const { root } = context.layout.file(fileId);
  for (const [name, { sum, size }] of sumsOf(context, fileId)) {
    // The run ended while this file was renamed, so its sum is not known.
    if (sum === UNKNOWN_SUM) continue;
    const path = join(root, ...name.split("/"));
    const info = await context.disk.lstat(path).catch(() => null);
    if (!info?.isFile) return `${name} is missing on disk, or cannot be read`;
    if (size !== null && info.size !== size) {
      return `${name} has ${info.size} bytes on disk instead of ${size}`;
    }
  }
  return null;
}

function sumsOf({ earlierSums }: RunContext, fileId: string): Sums {
  return earlierSums.get(fileId) ?? new Map();
}

/** Lists the chunks that have a sum. */
function chunksOf(context: RunContext, fileId: string) {
  return [...sumsOf(context, fileId)].flatMap(([path, { size }]) => {
    const number = chunkNumber(basename(path));
    const list = dirname(path) as ListName;
    return number === null ? [] : [{ list, number, size }];
  });
}

/**
 * Counts the Logs of a File whose sums have no sizes, as version 0.1.0 left it.
 *
 * @returns What is wrong; `null` where nothing is.
 */
async function findLostLogs(
  context: RunContext,
  file: FileInfo,
  { counts: { logs } }: Done,
): Promise<string | null> {
  const sums = [...sumsOf(context, file.id).values()];
  const hasSizes = sums.length > 0 && sums.every(({ size }) => size !== null);
  if (hasSizes) return null;
  const name = file.path ?? file.id;
  context.observer.log(
    "DEBUG",
    `the sums of ${name} hold no sizes, so its Logs are counted`,
  );
  if (logs === undefined) return null;
  const records = await countList(context, file, logsList(file, null, null));
  return records === logs
    ? null
    : `logs hold ${records ?? "damaged"} records instead of ${logs}`;
}

/** Removes the `.done` of a File, and sets chunks of a wrong size aside. */
async function reopen(
  context: RunContext,
  file: FileInfo,
  done: Done,
): Promise<void> {
  const { disk, layout } = context;
  const paths = layout.file(file.id);
  // Removes `.done` first: a kill must not leave it in a File that is not
  // complete.
  await context.sums.drop(paths.done);
  await removeScratch(disk, paths.done);
  for (const { list, number, size } of chunksOf(context, file.id)) {
    const dir = paths.list(list);
    const path = chunkPath(dir, number);
    const info = await disk.lstat(path).catch(() => null);
    if (info === null || size === null || info.size === size) continue;
    // Keeps the sum until the chunk is there again.
    await setAsideFiles(disk, dir, [basename(path)], null);
  }
  const checkpoints = done.logs === undefined
    ? new Checkpoints(disk, paths)
    : await rebuildCheckpoints(context, file, done);
  await checkpoints.save();
}

/**
 * Makes the checkpoints that a complete File had, from its sums, so that only
 * the missing chunks of its lists are read again.
 */
async function rebuildCheckpoints(
  context: RunContext,
  file: FileInfo,
  { counts, logs = false }: Done,
): Promise<Checkpoints> {
  const { disk, layout, times: { cutoff, wanted } } = context;
  const paths = layout.file(file.id);
  const checkpoints = await readCheckpoints(disk, paths, file.id);
  const lastChunks = new Map<ListName, number>();
  for (const { list, number } of chunksOf(context, file.id)) {
    lastChunks.set(list, Math.max(number, lastChunks.get(list) ?? 0));
  }
  for (const [name, last] of lastChunks) {
    const spec = specOf(file, name);
    // `.done` does not cover Logs that were being added.
    const isCovered = logs || name.startsWith("datapoints/");
    if (!isCovered || spec === null || checkpoints.get(name)) continue;
    const path = chunkPath(paths.list(name), last);
    const { lines, isWhole } = await readChunk(disk, path, keyReader(spec));
    const total = (name === "logs" ? counts.logs : undefined) ??
      (isWhole ? offsetOf(last) + lines : 0);
    if (total === 0) continue;
    const isFrozen = name === "logs" && total > spec.pageSize &&
      cutoff !== null;
    await checkpoints.set(name, {
      ...{ total, finished: true, gaps: [] },
      ...isFrozen && { until: wanted.until ?? cutoff },
    });
  }
  return checkpoints;
}

/**
 * Compares a File of the official script with the API, by one small request a
 * list.
 *
 * @returns The counts on disk; `null` if the API has more.
 */
async function countOfficial(
  context: RunContext,
  file: FileInfo,
  hasLogs: boolean,
): Promise<Counts | null> {
  const { client, disk, layout, reader: { session } } = context;
  const paths = layout.file(file.id);
  const report = new FileReport(file.id);
  const isSame = async (spec: ListSpec<IdInfo>, kind: keyof Counts) => {
    const records = await countList(context, file, spec);
    report.count(kind, records ?? 0);
    return records === (await probeList(session, spec)).total;
  };
  const countDir = async (dir: string) =>
    (await listDir(disk, dir) ?? []).length;
  const lacks = async (path: string) =>
    !(await disk.lstat(path).catch(() => null))?.isFile;
  const versions = await client.versions(file);
  report.count("versions", versions.length);
  if (await countDir(paths.versions) !== versions.length) return null;
  // The script writes no deployments.json for a File without Versions.
  const hasDocuments = !await lacks(paths.file) &&
    (versions.length === 0 || !await lacks(paths.deployments));
  if (!hasDocuments) return null;
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
    const { evaluation, stats, runs: runsDir } = paths.evaluation(id);
    if (await lacks(evaluation) || await lacks(stats)) return null;
    const runs = (await client.runs(id)).length;
    report.count("runs", runs);
    if (await countDir(runsDir) !== runs) return null;
    const spec = evaluationLogsList(file, id);
    if (hasLogs && !await isSame(spec, "evaluationLogs")) return null;
  }
  const isWhole = !hasLogs || await isSame(logsList(file, null, null), "logs");
  return isWhole ? report.counts : null;
}

/**
 * Counts the records of a list on disk.
 *
 * @returns How many; `null` if a line is not a record, has no end, or is there
 * twice.
 */
async function countList<T>(
  { disk, layout }: RunContext,
  { id }: FileInfo,
  spec: ListSpec<T>,
): Promise<number | null> {
  const dir = layout.file(id).list(spec.part as ListName);
  const known = new KeySet();
  let records = 0;
  for (const chunk of await listChunks(disk, dir)) {
    const path = chunkPath(dir, chunk);
    const { keys, isWhole } = await readChunk(disk, path, keyReader(spec));
    if (!isWhole || known.addAll(keys).length > 0) return null;
    records += keys.length;
  }
  return records;
}

/**
 * Returns the list whose chunks a directory holds; `null` if it is not known.
 */
function specOf(file: FileInfo, name: ListName): ListSpec<IdInfo> | null {
  const [top, id = "", part] = name.split("/");
  if (name === "logs") return logsList(file, null, null);
  if (top === "datapoints") return datapointsList(file, id);
  if (top === "evaluations" && part === "logs") {
    return evaluationLogsList(file, id);
  }
  return null;
}
