/** Reads what the page of a File shows, from this program's or the official script's export. */
import { isObject } from "../core/text/json.ts";
import { type Counts, sumCounts } from "../core/observer.ts";
import type { Disk } from "../core/runtime/runtime.ts";
import type { Gap } from "../core/gap.ts";
import {
  chunkNames,
  countLines,
  missingDocuments,
  type OnProblem,
  readDocument,
  type TreeDocument,
  type TreeFile,
} from "../tree/read/tree_reader.ts";
import type { EvaluationRecord } from "./components/evaluation_view.ts";
import type { FileData } from "./file_page.ts";
import { newestLogs } from "./read_logs.ts";
import { type Fields, textIn } from "./components/values.ts";
import { NewestVersions, type VersionView } from "./components/version_view.ts";

/** What is known of a File before its directory is read. */
export interface KnownFile {
  readonly id: string;
  readonly type: string;
  /** `null` where it is not known. */
  readonly path: string | null;
  readonly state: string;
  readonly counts: Counts;
  readonly gaps: readonly Gap[];
}

/** The most Logs that a page shows. */
const NEWEST = 20;

/**
 * Reads what `.done`, the manifest and `file.json` say of a File.
 *
 * @param gaps Its gaps in the manifest.
 * @param onProblem Called with what cannot be read, and so is not counted.
 */
export async function readKnown(
  disk: Disk,
  file: TreeFile,
  gaps: readonly Gap[],
  onProblem: OnProblem,
): Promise<KnownFile> {
  const { id, entry, done } = file;
  const document = entry === null
    ? await readDocumentOf(disk, file, "file.json", () => {})
    : null;
  const isOurs = done?.logs !== undefined;
  return {
    id,
    type: entry?.type ?? textIn(document?.value, "type") ?? "unknown",
    path: entry === null ? textIn(document?.value, "path") : entry.path,
    state: done !== null ? "complete" : "incomplete",
    counts: isOurs
      ? done.counts
      : entry?.counts ?? await countRecords(disk, file, onProblem),
    gaps: done === null ? gaps : [],
  };
}

/** Counts the records on disk of a File whose counts are unknown. */
async function countRecords(
  disk: Disk,
  file: TreeFile,
  onProblem: OnProblem,
): Promise<Counts> {
  const { versions, logs, datapoints, evaluations } = file.shape;
  const linesIn = async (list: string, chunks: readonly number[]) => {
    let lines = 0;
    for (const path of chunkNames(file, list, chunks)) {
      const counted = await countLines(disk, file.dir, path);
      if (typeof counted === "number") lines += counted;
      else onProblem(counted);
    }
    return lines;
  };
  let counts: Counts = {
    versions: versions.length,
    deployments: (await readDeployments(disk, file, () => {})).length,
    evaluations: evaluations.size,
    logs: await linesIn("logs", logs),
  };
  for (const [id, { runs, logs }] of evaluations) {
    const evaluationLogs = await linesIn(`evaluations/${id}/logs`, logs);
    const more = { runs: runs.length, evaluationLogs };
    counts = sumCounts([counts, more]);
  }
  for (const [id, chunks] of datapoints) {
    const more = { datapoints: await linesIn(`datapoints/${id}`, chunks) };
    counts = sumCounts([counts, more]);
  }
  return sumCounts([counts]);
}

/**
 * Reads a File.
 *
 * @param onProblem Called with what cannot be read; a part that is missing from
 * an incomplete File is not reported.
 */
export async function readFileData(
  disk: Disk,
  file: TreeFile,
  known: KnownFile,
  onProblem: OnProblem,
): Promise<FileData> {
  const { shape } = file;
  const names = chunkNames(file, "logs", shape.logs);
  for (const one of [...file.problems, ...missingDocuments(file)]) {
    onProblem(one);
  }
  const [document, deployments, versions, logs] = await Promise.all([
    readDocumentOf(disk, file, "file.json", onProblem),
    readDeployments(disk, file, onProblem),
    readVersionsOf(disk, file, onProblem),
    newestLogs(disk, file.dir, names, NEWEST, onProblem),
  ]);
  return {
    ...{ ...known, file: document?.value, deployments, versions, logs },
    evaluations: await readEvaluations(disk, file, onProblem),
    datapoints: new Map(
      [...shape.datapoints].map(([id, chunks]) => [id, chunks.length]),
    ),
    chunks: names.length,
  };
}

/** Reads Versions, one by one, so that few are held as JSON. */
async function readVersionsOf(
  disk: Disk,
  file: TreeFile,
  onProblem: OnProblem,
): Promise<readonly VersionView[]> {
  const versions = new NewestVersions();
  for (const id of file.shape.versions) {
    const name = `versions/${id}`;
    const version = await readDocumentOf(disk, file, name, onProblem);
    if (version === null) continue;
    versions.add({ id, json: version.text, value: version.value });
  }
  return versions.list();
}

/** Reads the elements of `deployments.json`. */
export async function readDeployments(
  disk: Disk,
  file: TreeFile,
  onProblem: OnProblem,
): Promise<readonly Fields[]> {
  const name = "deployments.json";
  const item = await readDocumentOf(disk, file, name, onProblem);
  return Array.isArray(item?.value) ? item.value.filter(isObject) : [];
}

/** Reads a document of a File; `null` if it cannot be read. */
async function readDocumentOf(
  disk: Disk,
  { dir, id, names }: TreeFile,
  name: string,
  onProblem: OnProblem,
): Promise<TreeDocument | null> {
  if (!names.has(name)) return null;
  const item = await readDocument(disk, dir, `files/${id}/${name}`);
  if (item.kind === "document") return item;
  onProblem(item);
  return null;
}

async function readEvaluations(
  disk: Disk,
  file: TreeFile,
  onProblem: OnProblem,
): Promise<readonly EvaluationRecord[]> {
  const valueOf = async (name: string) =>
    (await readDocumentOf(disk, file, name, onProblem))?.value;
  const records: EvaluationRecord[] = [];
  for (const [id, parts] of file.shape.evaluations) {
    const below = `evaluations/${id}`;
    const runs: unknown[] = [];
    for (const run of parts.runs) {
      runs.push(await valueOf(`${below}/runs/${run}`));
    }
    records.push({
      id,
      evaluation: await valueOf(`${below}/evaluation.json`),
      stats: await valueOf(`${below}/stats.json`),
      runs,
      chunks: parts.logs.length,
    });
  }
  return records;
}
