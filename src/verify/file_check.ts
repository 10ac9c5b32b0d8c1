/**
 * Checks one File that `.done` vouches for: all parts there and nothing else,
 * every document JSON, every reference inside the export, the counts right.
 */
import { isObject } from "../core/json.ts";
import { type Counts, RECORD_KINDS, sumCounts } from "../core/observer.ts";
import type { Done } from "../tree/checkpoint.ts";
import { type EvaluationShape, shapeOf } from "../tree/file_shape.ts";
import { checkList } from "./list_check.ts";
import { fetchAgain, type Problems } from "./problems.ts";
import type { ExportReader } from "./reader.ts";

/** What a File holds. */
export interface FileHolds {
  readonly counts: Counts;
  /** How many records each of its lists holds, by its directory. */
  readonly lists: ReadonlyMap<string, number>;
}

/** One File that is complete. */
export interface CheckedFile {
  readonly id: string;
  /** Its files, below its directory, sorted. */
  readonly names: readonly string[];
  readonly done: Done;
  /** Whether the official script wrote it. */
  readonly official: boolean;
}

/**
 * Checks a File.
 *
 * @returns What it holds.
 * @throws {StorageError} When the disk refuses.
 */
export async function checkFile(
  reader: ExportReader,
  problems: Problems,
  file: CheckedFile,
): Promise<FileHolds> {
  return await new FileCheck(reader, problems, file).run();
}

class FileCheck {
  readonly #reader: ExportReader;
  readonly #problems: Problems;
  readonly #file: CheckedFile;
  #counts: Counts = {};
  readonly #lists = new Map<string, number>();

  constructor(reader: ExportReader, problems: Problems, file: CheckedFile) {
    this.#reader = reader;
    this.#problems = problems;
    this.#file = file;
  }

  async run(): Promise<FileHolds> {
    const { names, done, official } = this.#file;
    const shape = shapeOf(names);
    for (const name of shape.extra) this.#tell(name, "does not belong here");
    await this.#document("file.json", "id", this.#file.id);
    const deployed: string[] = [];
    for (const id of shape.versions) {
      const name = `versions/${id}`;
      const version = await this.#document(name, "version_id", id);
      deployed.push(...deploymentsOf(id, version));
    }
    this.#lists.set("versions", shape.versions.length);
    this.#add({ versions: shape.versions.length });
    if (!official || shape.versions.length > 0) {
      await this.#deployments(new Set(shape.versions), deployed);
    }
    for (const [id, chunks] of shape.datapoints) {
      const dir = `datapoints/${id}`;
      if (!shape.versions.includes(id)) {
        this.#tell(dir, "is of a Version that is not there");
      }
      const datapoints = await this.#list(dir, chunks, idOf);
      this.#add({ datapoints });
    }
    for (const [id, parts] of shape.evaluations) {
      await this.#evaluation(id, parts);
    }
    this.#lists.set("evaluations", shape.evaluations.size);
    this.#add({ evaluations: shape.evaluations.size });
    if (done.logs === true || shape.logs.length > 0) {
      this.#add({ logs: await this.#list("logs", shape.logs, idOf) });
    }
    if (!official) this.#compareCounts(done.counts);
    return { counts: this.#counts, lists: this.#lists };
  }

  async #evaluation(id: string, parts: EvaluationShape): Promise<void> {
    const dir = `evaluations/${id}`;
    await this.#document(`${dir}/evaluation.json`, "id", id);
    await this.#document(`${dir}/stats.json`);
    for (const run of parts.runs) {
      await this.#document(`${dir}/runs/${run}`, "id", run);
    }
    const runs = new Set(parts.runs);
    const evaluationLogs = await this.#list(
      `${dir}/logs`,
      parts.logs,
      evaluationLogKey,
      (record) => {
        const run = record["run_id"];
        return typeof run === "string" && runs.has(run)
          ? null
          : `is of the Run ${JSON.stringify(run) ?? ""}, which is not there`;
      },
    );
    this.#lists.set(`${dir}/runs`, parts.runs.length);
    this.#add({ runs: parts.runs.length, evaluationLogs });
  }

  /** Reads a document that must be there, and be JSON, and of that id. */
  async #document(
    name: string,
    field?: string,
    id?: string,
  ): Promise<Record<string, unknown>> {
    const path = this.#path(name);
    if (!this.#reader.has(path)) {
      this.#tell(name, "is missing");
      return {};
    }
    const value = await this.#reader.json(path);
    if (!isObject(value)) {
      this.#tell(name, "is no JSON object");
      return {};
    }
    if (field !== undefined && value[field] !== id) {
      this.#tell(name, `is not of ${id}: its ${field} is another`);
    }
    return value;
  }

  async #deployments(
    versions: ReadonlySet<string>,
    deployed: readonly string[],
  ): Promise<void> {
    const name = "deployments.json";
    if (!this.#reader.has(this.#path(name))) {
      return this.#tell(name, "is missing");
    }
    const value = await this.#reader.json(this.#path(name));
    if (!Array.isArray(value) || !value.every(isObject)) {
      return this.#tell(name, "is no JSON array of Deployments");
    }
    for (const { version_id: id } of value) {
      if (typeof id !== "string" || !versions.has(id)) {
        this.#tell(name, `names the Version ${id}, which is not there`);
      }
    }
    const told = value.map((one) =>
      `${one["version_id"]} ${one["environment_id"]}`
    );
    if (told.toSorted().join() !== deployed.toSorted().join()) {
      this.#tell(name, "does not agree with the Versions' environments");
    }
    this.#add({ deployments: value.length });
  }

  async #list(
    dir: string,
    chunks: readonly number[],
    keyOf: (record: Record<string, unknown>) => string | null,
    judge?: (record: Record<string, unknown>) => string | null,
  ): Promise<number> {
    const { id: fileId, official } = this.#file;
    const records = await checkList(this.#reader, this.#problems, {
      fileId,
      dir: this.#path(dir),
      chunks,
      keyOf,
      official,
      ...(judge === undefined ? {} : { judge }),
    });
    this.#lists.set(dir, records);
    return records;
  }

  #compareCounts(said: Counts): void {
    for (const kind of RECORD_KINDS) {
      const there = this.#counts[kind] ?? 0;
      const wanted = said[kind] ?? 0;
      if (there !== wanted) {
        this.#tell(
          ".done",
          `vouches for ${wanted} ${kind}, ${there} are there`,
        );
      }
    }
  }

  #add(counts: Counts): void {
    this.#counts = sumCounts([this.#counts, counts]);
  }

  #path(name: string): string {
    return `files/${this.#file.id}/${name}`;
  }

  #tell(name: string, what: string): void {
    this.#problems.add(this.#path(name), what, fetchAgain(this.#file.id));
  }
}

function deploymentsOf(
  versionId: string,
  { environments }: Record<string, unknown>,
): string[] {
  return (Array.isArray(environments) ? environments : [])
    .filter(isObject)
    .map(({ id }) => `${versionId} ${id}`);
}

function idOf({ id }: Record<string, unknown>): string | null {
  return typeof id === "string" ? id : null;
}

function evaluationLogKey(record: Record<string, unknown>): string | null {
  const log = record["log"];
  const id = isObject(log) ? idOf(log) : null;
  return id === null ? null : `${record["run_id"]} ${id}`;
}
