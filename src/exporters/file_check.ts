/**
 * Checks whether a File with `.done` is complete: every file that its sums list
 * is there with its size. One of the official script, which keeps no sums, is
 * compared with the API.
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
import { isRecoverable } from "../core/errors.ts";
import { isObject } from "../core/text/json.ts";
import { KeySet } from "../core/key_set.ts";
import type { Counts } from "../core/observer.ts";
import { CHUNK_RECORDS, offsetOf } from "../core/ranges.ts";
import type { Disk } from "../core/runtime/runtime.ts";
import { probeList } from "../lists/time_windows.ts";
import { type FileSum, UNKNOWN_SUM } from "../tree/write/atomic_file.ts";
import { Checkpoints, readCheckpoints } from "../tree/checkpoint.ts";
import { sumFile, type Sums } from "../tree/checksums.ts";
import { listChunks, readChunk } from "../tree/read/chunk_reader.ts";
import { type FileShape, shapeOf } from "../tree/read/file_shape.ts";
import { listTree } from "../tree/read/plain_tree.ts";
import { readDocument } from "../tree/read/tree_reader.ts";
import type { Done } from "../tree/done.ts";
import { chunkPath, type ListName } from "../tree/layout.ts";
import { removeScratch, setAsideFiles } from "../tree/write/removal.ts";
import { FileReport, type RunContext } from "./context.ts";
import { readIndexList } from "./list/index_list.ts";
import { keyReader } from "./list/list_on_disk.ts";
import { deploymentsOf } from "./records/versions.ts";

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
  const sums = sumsOf(context, file.id);
  const areAll = isCovered(sums, done);
  const haveSizes = [...sums.values()].every(({ size }) => size !== null);
  if (damage === null && areAll && !haveSizes) {
    damage = await findLostRecords(context, file, done);
  } else if (damage === null && !areAll) {
    counts = await countOfficial(context, file, hasLogs).catch((error) => {
      if (!isRecoverable(error)) throw error;
      return null;
    });
    if (counts === null) damage = "it differs from what the API has";
  }
  if (damage === null) return counts;
  const name = file.path ?? file.id;
  context.observer.log("WARN", `${name} is exported again: ${damage}`);
  await reopen(context, file, done, areAll && haveSizes);
  return null;
}

/**
 * Checks whether sums list what `.done` counts: a journal that was cut, or sums of
 * which lines were lost, say nothing of the rest. Those of the official script get
 * theirs at the end of a run, which may not have come.
 */
function isCovered(sums: Sums, { logs, counts }: Done): boolean {
  const shape = shapeOf([...sums.keys()]);
  const evaluations = [...shape.evaluations];
  const runs = evaluations.flatMap(([, { runs }]) => runs);
  const documents = [
    ...[".done", "file.json", "deployments.json"],
    ...evaluations.flatMap(([id]) =>
      ["evaluation.json", "stats.json"].map((name) =>
        `evaluations/${id}/${name}`
      )
    ),
  ];
  const holds = (chunks: readonly number[], records = 0) =>
    chunks.length >= Math.ceil(records / CHUNK_RECORDS);
  return logs !== undefined && documents.every((name) => sums.has(name)) &&
    shape.versions.length >= (counts.versions ?? 0) &&
    evaluations.length >= (counts.evaluations ?? 0) &&
    runs.length >= (counts.runs ?? 0) &&
    holds(shape.logs, counts.logs) &&
    holds([...shape.datapoints.values()].flat(), counts.datapoints) &&
    holds(evaluations.flatMap(([, { logs }]) => logs), counts.evaluationLogs);
}

/**
 * Counts the records of a File whose sums have no sizes: version 0.1.0 kept none, or
 * a person made the sums of what was there.
 *
 * @returns What is wrong; `null` where nothing is.
 */
async function findLostRecords(
  context: RunContext,
  file: FileInfo,
  { counts, logs }: Done,
): Promise<string | null> {
  const report = new FileReport(file.id);
  const shape = shapeOf([...sumsOf(context, file.id).keys()]);
  for (const { spec, kind } of listsOf(file, shape)) {
    if (!isDoneList(spec.part, logs)) continue;
    const records = await countList(context, file, spec);
    if (records === null) return `${spec.part} holds damaged records`;
    report.count(kind, records);
  }
  for (const kind of ["logs", "datapoints", "evaluationLogs"] as const) {
    const [there, said] = [report.counts[kind] ?? 0, counts[kind] ?? 0];
    if (there !== said) {
      return `${kind} are ${there} on disk instead of ${said}`;
    }
  }
  return null;
}

/**
 * Finds a file of a File that its sums list and that is missing or another.
 *
 * @param fileId The File.
 * @returns What is wrong; `null` if nothing is.
 */
export async function findDamagedFile(
  context: RunContext,
  fileId: string,
): Promise<string | null> {
  const { root } = context.layout.file(fileId);
  for (const [name, sum] of sumsOf(context, fileId)) {
    const path = join(root, ...name.split("/"));
    const difference = await differenceOf(context.disk, path, sum);
    if (difference !== null) return `${name} ${difference}`;
  }
  return null;
}

/**
 * Compares a file with what its sum says, by its size alone where that is kept.
 *
 * @returns How it differs; `null` where it does not.
 */
async function differenceOf(
  disk: Disk,
  path: string,
  { sum, size }: FileSum,
): Promise<string | null> {
  // A run died just when this file was to get its name.
  if (sum === UNKNOWN_SUM) return null;
  const info = await disk.lstat(path).catch(() => null);
  if (!info?.isFile) return "is missing on disk, or cannot be read";
  if (size !== null && info.size !== size) {
    return `has ${info.size} bytes on disk instead of ${size}`;
  }
  // Version 0.1.0 kept no sizes.
  const isSame = size !== null ||
    (await sumFile(disk, path).catch(() => null))?.sum === sum;
  return isSame ? null : "is not what was written";
}

function sumsOf({ earlierSums }: RunContext, fileId: string): Sums {
  return earlierSums.get(fileId) ?? new Map();
}

/**
 * Takes back that a File is complete; what is there of it stays. Its checkpoints
 * are made again from its sums, so that only what is missing of its lists is read.
 *
 * @param isKnown Whether its sums tell what it held.
 */
async function reopen(
  context: RunContext,
  file: FileInfo,
  { counts, logs }: Done,
  isKnown: boolean,
): Promise<void> {
  const { disk, layout, times: { cutoff, wanted } } = context;
  const paths = layout.file(file.id);
  const sums = sumsOf(context, file.id);
  // First of all: a kill must not leave it behind with less than it says.
  await context.sums.drop(paths.done);
  await removeScratch(disk, paths.done);
  const checkpoints = isKnown
    ? await readCheckpoints(disk, paths, file.id)
    : new Checkpoints(disk, paths);
  for (const { spec, chunks } of listsOf(file, shapeOf([...sums.keys()]))) {
    const name = spec.part as ListName;
    const dir = paths.list(name);
    for (const chunk of await listChunks(disk, dir)) {
      const path = chunkPath(dir, chunk);
      const sum = sums.get(`${name}/${basename(path)}`);
      if (sum === undefined || await differenceOf(disk, path, sum) === null) {
        continue;
      }
      // Its sum stays until it is there again.
      await setAsideFiles(disk, dir, [basename(path)], null);
    }
    const last = chunks.toSorted((a, b) => a - b).at(-1);
    const isToRebuild = isKnown && isDoneList(name, logs);
    if (last === undefined || !isToRebuild || checkpoints.get(name)) continue;
    const path = chunkPath(dir, last);
    const { lines, isWhole } = await readChunk(disk, path, keyReader(spec));
    const total = (name === "logs" ? counts.logs : undefined) ??
      (isWhole ? offsetOf(last) + lines : 0);
    // The list had more when its last chunk was written than `.done` says.
    if (total <= offsetOf(last)) continue;
    const isFrozen = name === "logs" && total > spec.pageSize &&
      cutoff !== null;
    await checkpoints.set(name, {
      ...{ total, finished: true, gaps: [] },
      ...isFrozen && { until: wanted.until ?? cutoff },
    });
  }
  await checkpoints.save();
}

/** Gives the lists of a File, each with the numbers of its chunks. */
function* listsOf(file: FileInfo, shape: FileShape) {
  const logs = logsList(file, null, null);
  yield { kind: "logs", spec: logs, chunks: shape.logs } as const;
  for (const [id, chunks] of shape.datapoints) {
    const spec = datapointsList(file, id);
    yield { kind: "datapoints", spec, chunks } as const;
  }
  for (const [id, { logs: chunks }] of shape.evaluations) {
    const spec = evaluationLogsList(file, id);
    yield { kind: "evaluationLogs", spec, chunks } as const;
  }
}

/** Checks whether `.done` covers a list, and not Logs that were being added. */
function isDoneList(part: string, logs: boolean | undefined): boolean {
  return logs || logs !== undefined && part.startsWith("datapoints/");
}

/**
 * Compares a File of the official script with the API: documents by their ids,
 * lists by one small request each.
 *
 * @returns The counts on disk; `null` if the API has others.
 */
async function countOfficial(
  context: RunContext,
  file: FileInfo,
  hasLogs: boolean,
): Promise<Counts | null> {
  const { client, disk, layout, reader: { session } } = context;
  const { root } = layout.file(file.id);
  const shape = shapeOf((await listTree(disk, root)).files);
  const report = new FileReport(file.id);
  const read = async (path: string) => {
    const item = await readDocument(disk, root, path);
    return item.kind === "document" ? item.value : null;
  };
  const isOf = async (path: string, field: string, id: string) => {
    const value = await read(path);
    return isObject(value) && value[field] === id;
  };
  const areOf = async (dir: string, field: string, ids: readonly string[]) => {
    for (const id of ids) {
      if (!await isOf(`${dir}/${id}`, field, id)) return false;
    }
    return true;
  };
  const isSame = async (spec: ListSpec<IdInfo>, kind: keyof Counts) => {
    const { total, firstKey } = await probeList(session, spec);
    const records = await countList(context, file, spec, firstKey);
    report.count(kind, records ?? 0);
    return records === total;
  };
  if (!await isOf("file.json", "id", file.id)) return null;
  const versions = (await client.versions(file)).map(({ info }) => info);
  const versionIds = versions.map(({ id }) => id);
  report.count("versions", versions.length);
  const areVersions = areSame(shape.versions, versionIds) &&
    await areOf("versions", "version_id", versionIds);
  if (!areVersions) return null;
  const deployments = deploymentsOf(versions);
  report.count("deployments", deployments.length);
  // The script writes no deployments.json for a File without Versions.
  if (versions.length > 0) {
    const there = await read("deployments.json");
    if (!Array.isArray(there) || !areSame(there, deployments)) return null;
  }
  if (file.type === "dataset") {
    for (const id of versionIds) {
      const spec = datapointsList(file, id);
      if (!await isSame(spec, "datapoints")) return null;
    }
    return report.counts;
  }
  const evaluations: string[] = [];
  const gaps = await readIndexList(
    context,
    evaluationsList(file),
    (records) => {
      evaluations.push(...records.map(({ info }) => info.id));
    },
  );
  report.count("evaluations", evaluations.length);
  const there = [...shape.evaluations.keys()];
  if (gaps.length > 0 || !areSame(there, evaluations)) return null;
  for (const id of evaluations) {
    const dir = `evaluations/${id}`;
    const runs = (await client.runs(id)).map(({ info }) => info.id);
    report.count("runs", runs.length);
    const isWhole = await isOf(`${dir}/evaluation.json`, "id", id) &&
      isObject(await read(`${dir}/stats.json`)) &&
      areSame(shape.evaluations.get(id)!.runs, runs) &&
      await areOf(`${dir}/runs`, "id", runs);
    const spec = evaluationLogsList(file, id);
    const hasAll = isWhole &&
      (!hasLogs || await isSame(spec, "evaluationLogs"));
    if (!hasAll) return null;
  }
  const isWhole = !hasLogs || await isSame(logsList(file, null, null), "logs");
  return isWhole ? report.counts : null;
}

/** Checks whether two lists hold the same JSON values, in any order. */
function areSame(left: readonly unknown[], right: readonly unknown[]): boolean {
  const [a, b] = [left, right].map((values) =>
    values.map((value) => JSON.stringify(value)).sort().join("\n")
  );
  return a === b;
}

/**
 * Counts the records of a list on disk.
 *
 * @param wanted The key of one that has to be among them.
 * @returns How many; `null` if a line is not a record, has no end, or is there
 * twice, if a chunk is missing or not full, or if the wanted record is missing.
 */
async function countList<T>(
  { disk, layout }: RunContext,
  { id }: FileInfo,
  spec: ListSpec<T>,
  wanted: string | null = null,
): Promise<number | null> {
  const dir = layout.file(id).list(spec.part as ListName);
  const known = new KeySet();
  let isFull = true;
  for (const [i, chunk] of (await listChunks(disk, dir)).entries()) {
    const path = chunkPath(dir, chunk);
    const { keys, isWhole } = await readChunk(disk, path, keyReader(spec));
    const isNext = chunk === i + 1 && isFull;
    if (!isNext || !isWhole || known.addAll(keys).length > 0) return null;
    isFull = keys.length >= CHUNK_RECORDS;
  }
  return wanted === null || known.has(wanted) ? known.size : null;
}
