/**
 * Writes every Version of every Dataset of a database as a file under its
 * Humanloop path, in formats that other tools read. It writes below the chosen
 * directory only, and reads nothing but the database.
 */
import type { DatabaseSync } from "node:sqlite";
import { dirname, join } from "@std/path";
import type { Disk } from "../core/runtime/runtime.ts";
import { filePaths } from "../prompts/file_paths.ts";
import { namesInDirectory } from "../prompts/names.ts";
import { writeJson } from "../tree/json_file.ts";
import {
  expectOutside,
  expectPlainDirs,
  writeAllOrNone,
} from "../tree/write/output.ts";
import { csvWriter } from "./csv.ts";
import { type DatasetFormat, jsonlWriter, type MakeWriter } from "./format.ts";
import { promptfooWriter } from "./promptfoo.ts";
import {
  countUnreached,
  DatapointReader,
  type Dataset,
  type DatasetProblem,
  readDatasets,
  readProblems,
  type StoredVersion,
} from "./read_datasets.ts";

export type { DatasetFormat, DatasetProblem };

/** What to write, and where. */
export interface DatasetOptions {
  /** A directory; made when it is not there. */
  readonly to: string;
  readonly format: DatasetFormat;
}

/** What writing needs besides the options. */
export interface DatasetContext {
  readonly disk: Disk;
  /** The exports in the database: nothing is written into them. */
  readonly exportDirs: readonly string[];
  readonly signal?: AbortSignal;
}

/** A file that was written. */
export interface DatasetFile {
  readonly fileId: string;
  readonly versionId: string;
  /** The Dataset's Humanloop path. */
  readonly path: string;
  /** Below {@linkcode DatasetOptions.to}, with `/` between names. */
  readonly file: string;
  readonly datapoints: number;
  /**
   * Whether it is the file of its Dataset without a Version in its name: of the
   * Version that is deployed by default or, if none is, of the newest.
   */
  readonly deployed: boolean;
}

/** What was written. */
export interface WrittenDatasets {
  /** Every file, one of them `deployed` for each Dataset that has Versions. */
  readonly files: readonly DatasetFile[];
  readonly problems: readonly DatasetProblem[];
}

/**
 * The list of files in the chosen directory; no Humanloop name becomes this
 * one.
 */
const LIST_NAME = "%datasets.json";

/** How many characters of a file are written at once. */
const WRITE_AT_ONCE = 256 * 1024;

const FORMATS: Readonly<
  Record<DatasetFormat, { readonly ending: string; readonly make: MakeWriter }>
> = {
  jsonl: { ending: "jsonl", make: jsonlWriter },
  csv: { ending: "csv", make: csvWriter },
  promptfoo: { ending: "promptfoo.jsonl", make: promptfooWriter },
};
/** What a Directory's name must not end in. */
const ENDINGS = ["jsonl", "csv"];

/**
 * Writes the Datasets. Files of the same name are replaced.
 *
 * @param database The database of the exports as they are now.
 * @throws {UsageError} When `to` is inside an export, or leads through a symbolic link.
 * @throws {StorageError} When a file cannot be written.
 * @throws The signal's reason when it aborts.
 */
export async function writeDatasets(
  database: DatabaseSync,
  { to, format }: DatasetOptions,
  { disk, exportDirs, signal }: DatasetContext,
): Promise<WrittenDatasets> {
  await expectOutside(disk, exportDirs, to);
  const datasets = readDatasets(database);
  const paths = new Map(datasets.map(({ id, path }) => [id, path]));
  const problems = [...readProblems(database, paths)];
  const lost = countUnreached(database, datasets);
  if (lost > 0) {
    const text =
      `${lost} Datapoints belong to no File of the export, and are not written`;
    problems.push({ fileId: null, text, isLoss: true });
  }
  const reader = new DatapointReader(database);
  const { ending, make } = FORMATS[format];
  const names = fileNames(datasets, ending);
  const plainDirs = new Set<string>();
  const files: DatasetFile[] = [];
  for (const dataset of datasets) {
    const { id: fileId, path, versions } = dataset;
    const problem = (text: string, isLoss: boolean) =>
      problems.push({ fileId, text: `${path}: ${text}`, isLoss });
    checkDataset(dataset, names.get(dataset)!, problem);
    const deployed = chosenVersion(dataset);
    const versionNames = namesInDirectory(versions.map(({ id }) => id));
    for (const version of versions) {
      const base = names.get(dataset)!;
      const isDeployed = version === deployed;
      const all = [
        `${base}@${versionNames.get(version.id)!}.${ending}`,
        ...isDeployed ? [`${base}.${ending}`] : [],
      ];
      for (const name of all) {
        await expectPlainDirs(disk, to, dirname(join(to, name)), plainDirs);
      }
      let doubles = 0;
      const writer = make(version, () => reader.read(version));
      const datapoints = await writeAll(
        all.map((name) => join(to, name)),
        writer,
        reader.read(version, () => void doubles++),
        { disk, signal },
      );
      const label = version.id;
      for (const { text, isLoss } of writer.notes()) {
        problem(`${label}: ${text}`, isLoss);
      }
      if (doubles > 0) {
        problem(
          `${label}: ${doubles} of its Datapoints have the id of another one but other contents; all are written`,
          false,
        );
      }
      checkVersion(version, datapoints, problem);
      for (const [i, file] of all.entries()) {
        const versionId = version.id;
        files.push({
          ...{ fileId, versionId, path, file, datapoints, deployed: i === 1 },
        });
      }
    }
  }
  await writeJson(disk, join(to, LIST_NAME), files);
  return { files, problems };
}

/** Chooses the path of each Dataset's files, without what follows its name. */
function fileNames(
  datasets: readonly Dataset[],
  ending: string,
): ReadonlyMap<Dataset, string> {
  const named = datasets.map((dataset) => ({
    ...{ id: dataset.id, path: dataset.path.split("/"), ending, dataset },
  }));
  // Reserves the endings of all formats, so that a file of one is never taken
  // for another Dataset's.
  return new Map(
    [...filePaths(named, ENDINGS)].map(([{ dataset }, path]) => [
      dataset,
      path.replace(/\.(?=promptfoo$)/i, "%2E"),
    ]),
  );
}

/**
 * Chooses the Version whose file has none in its name; `versions` ends with the
 * newest.
 */
function chosenVersion(
  { versions, deployedId }: Dataset,
): StoredVersion | undefined {
  return versions.find(({ id }) => id === deployedId) ??
    versions.findLast(({ isThere }) => isThere) ?? versions.at(-1);
}

function checkDataset(
  { id, path, versions, deployedId, isComplete }: Dataset,
  name: string,
  problem: (text: string, isLoss: boolean) => void,
): void {
  if (!isComplete) problem(`files/${id} is not complete in the export`, true);
  if (deployedId !== null && !versions.some((one) => one.id === deployedId)) {
    problem(
      `the Version that is deployed, ${deployedId}, is not in the export; the newest is taken instead`,
      true,
    );
  }
  if (versions.length === 0) problem("the export holds no Version of it", true);
  if (name.endsWith(`%~${id}`)) {
    problem(
      `another Dataset is called ${path} too; this one is ${name}`,
      false,
    );
  }
}

function checkVersion(
  { id, isThere, stated }: StoredVersion,
  datapoints: number,
  problem: (text: string, isLoss: boolean) => void,
): void {
  if (!isThere) {
    problem(
      `${id}: its Datapoints are in the export, but its document is not`,
      true,
    );
  }
  if (stated === null || stated === datapoints) return;
  problem(
    `${id}: the export holds ${datapoints} Datapoints, its Version states ${stated}`,
    datapoints < stated,
  );
}

/**
 * Writes the same to one or two files.
 *
 * @returns How many Datapoints.
 */
async function writeAll(
  paths: readonly string[],
  { head, row }: ReturnType<MakeWriter>,
  datapoints: Iterable<Parameters<ReturnType<MakeWriter>["row"]>[0]>,
  { disk, signal }: Pick<DatasetContext, "disk" | "signal">,
): Promise<number> {
  return await writeAllOrNone(disk, paths, async (files) => {
    const encoder = new TextEncoder();
    let text = head;
    const flush = async () => {
      const bytes = encoder.encode(text);
      text = "";
      for (const file of files) await file.write(bytes);
      signal?.throwIfAborted();
    };
    let rows = 0;
    for (const datapoint of datapoints) {
      text += row(datapoint);
      rows++;
      if (text.length >= WRITE_AT_ONCE) await flush();
    }
    await flush();
    return rows;
  });
}
