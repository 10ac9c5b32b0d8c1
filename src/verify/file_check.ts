/**
 * Checks one File with `.done`: that all its parts are there and no other
 * files, that documents are JSON and refer to what is there, and the counts.
 */
import { isObject } from "../core/text/json.ts";
import type { Counts, RecordKind } from "../core/observer.ts";
import type { Done } from "../tree/done.ts";
import { type EvaluationShape, mayBeEmpty } from "../tree/read/file_shape.ts";
import type { TreeFile } from "../tree/read/tree_reader.ts";
import { type CheckedList, checkList } from "./list_check.ts";
import {
  countDifferences,
  FETCH,
  type Problems,
  type Remedy,
  RESUME,
  SET_ASIDE,
} from "./problems.ts";
import type { ExportReader } from "./reader.ts";

/** A File that is complete. */
export type CompleteFile = TreeFile & { readonly done: Done };

/** What a File holds. */
export interface FileHolds {
  /** Whether the official script wrote it. */
  readonly official: boolean;
  /** Whether its Logs are part of it. */
  readonly logs: boolean;
  readonly counts: Counts;
  /** How many records each of its lists holds, by its path below the File's directory. */
  readonly lists: ReadonlyMap<string, number>;
}

/**
 * Checks a File.
 *
 * @returns What it holds.
 */
export async function checkFile(
  reader: ExportReader,
  problems: Problems,
  file: CompleteFile,
): Promise<FileHolds> {
  return await new FileCheck(reader, problems, file).run();
}

class FileCheck {
  readonly #lists = new Map<string, number>();
  readonly #official: boolean;

  constructor(
    readonly reader: ExportReader,
    readonly problems: Problems,
    readonly file: CompleteFile,
  ) {
    // The official script's `.done` does not mention Logs.
    this.#official = file.done.logs === undefined;
  }

  async run(): Promise<FileHolds> {
    const official = this.#official;
    const { id, done, shape, emptyDirs, entry, names } = this.file;
    for (const name of shape.extra) {
      if (name === ".state.json") {
        this.#report(name, "is left over from a run that did not end", RESUME);
      } else this.#report(name, "does not belong here");
    }
    // The official script makes directories that may stay empty.
    for (const name of official ? [] : emptyDirs) {
      if (mayBeEmpty(shape, name)) continue;
      this.#report(name || ".", "is empty and does not belong here");
    }
    const { type } = await this.#document("file.json", "id", id);
    const deployed: string[] = [];
    for (const versionId of shape.versions) {
      const name = `versions/${versionId}`;
      const version = await this.#document(name, "version_id", versionId);
      deployed.push(...deploymentsOf(versionId, version));
      const count = version["datapoints_count"];
      // An empty directory means that the API sent none.
      const isThere = shape.datapoints.has(versionId) ||
        emptyDirs.includes(`datapoints/${versionId}`);
      if (typeof count === "number" && count > 0 && !isThere) {
        const message = `has ${count} Datapoints, but none are on disk`;
        this.#report(name, message, FETCH);
      }
    }
    this.#lists.set("versions", shape.versions.length);
    // The official script writes none for a File without Versions.
    if (shape.versions.length > 0 || names.has("deployments.json")) {
      await this.#deployments(new Set(shape.versions), deployed);
    }
    for (const [versionId, chunks] of shape.datapoints) {
      const dir = `datapoints/${versionId}`;
      if (!shape.versions.includes(versionId)) {
        this.#report(dir, "belongs to a Version that is not on disk", FETCH);
      }
      await this.#list(dir, chunks, { keyOf: idOf });
    }
    for (const [evaluationId, parts] of shape.evaluations) {
      await this.#evaluation(evaluationId, parts);
    }
    this.#lists.set("evaluations", shape.evaluations.size);
    if (done.logs === true || shape.logs.length > 0) {
      await this.#list("logs", shape.logs, {
        keyOf: idOf,
        judge: (log) =>
          this.#otherFile(typeof type === "string" ? log[type] : null),
      });
    }
    const counts = countsOf(this.#lists);
    const said = official ? entry?.counts : done.counts;
    for (const one of said ? countDifferences(said, counts) : []) {
      this.#report(".done", `says ${one}`);
    }
    // The official script makes logs/ wherever it exported Logs.
    const logs = done.logs ??
      (shape.logs.length > 0 || emptyDirs.includes("logs"));
    return { official, logs, counts, lists: this.#lists };
  }

  /** Describes what is wrong with the Version in a Log of this File. */
  #otherFile(version: unknown): string | null {
    const id = isObject(version) ? version["id"] : undefined;
    return typeof id !== "string" || id === this.file.id
      ? null
      : `is a Log of the File ${JSON.stringify(id)}`;
  }

  async #evaluation(id: string, parts: EvaluationShape): Promise<void> {
    const dir = `evaluations/${id}`;
    const name = `${dir}/evaluation.json`;
    const evaluation = await this.#document(name, "id", id);
    const fileId = evaluation["file_id"];
    if (typeof fileId === "string" && fileId !== this.file.id) {
      this.#report(name, `is an Evaluation of the File ${fileId}`);
    }
    await this.#document(`${dir}/stats.json`);
    for (const run of parts.runs) {
      await this.#document(`${dir}/runs/${run}`, "id", run);
    }
    const runs = new Set(parts.runs);
    await this.#list(`${dir}/logs`, parts.logs, {
      keyOf: evaluationLogKey,
      // A missing Run is fetched again; its Logs are sound.
      remedy: FETCH,
      judge: ({ run_id: run }) =>
        typeof run === "string" && runs.has(run)
          ? null
          : `belongs to the Run ${
            JSON.stringify(run) ?? ""
          }, which is not on disk`,
    });
    this.#lists.set(`${dir}/runs`, parts.runs.length);
  }

  /** Reads a document that must be an object with that id. */
  async #document(
    name: string,
    field?: string,
    id?: string,
  ): Promise<Record<string, unknown>> {
    const value = await this.#value(name);
    if (value === undefined) return {};
    if (!isObject(value)) {
      this.#report(name, "is not a JSON object");
      return {};
    }
    if (field !== undefined && value[field] !== id) {
      this.#report(name, `is not ${id}: its ${field} is different`);
    }
    return value;
  }

  /**
   * Reads the value of a document; reports one that cannot be read, and returns
   * `undefined`.
   */
  async #value(name: string): Promise<unknown> {
    if (!this.file.names.has(name)) {
      this.#report(name, "is missing", FETCH);
      return undefined;
    }
    const item = await this.reader.document(this.#path(name));
    if (item.kind === "problem") {
      this.#report(name, item.reason);
      return undefined;
    }
    // This program writes no carriage returns, and JSON strings cannot contain
    // one.
    if (!this.#official && item.text.includes("\r")) {
      this.#report(name, "has other line endings than were written");
    }
    return item.value;
  }

  async #deployments(
    versions: ReadonlySet<string>,
    deployed: readonly string[],
  ): Promise<void> {
    const name = "deployments.json";
    const value = await this.#value(name);
    if (value === undefined) return;
    if (!Array.isArray(value) || !value.every(isObject)) {
      return this.#report(name, "is not a JSON array of Deployments");
    }
    for (const { version_id: id } of value) {
      if (typeof id !== "string" || !versions.has(id)) {
        const message = `names the Version ${id}, which is not on disk`;
        this.#report(name, message, FETCH);
      }
    }
    const listed = value.map((one) =>
      `${one["version_id"]} ${one["environment_id"]}`
    );
    if (listed.toSorted().join() !== deployed.toSorted().join()) {
      const message = "does not agree with the Versions' environments";
      this.#report(name, message, FETCH);
    }
    this.#lists.set("deployments", value.length);
  }

  async #list(
    dir: string,
    chunks: readonly number[],
    how: Pick<CheckedList, "keyOf" | "judge" | "remedy">,
  ): Promise<void> {
    const official = this.#official;
    const list = { dir: this.#path(dir), chunks, official, ...how };
    this.#lists.set(dir, await checkList(this.reader, this.problems, list));
  }

  #path(name: string): string {
    return `files/${this.file.id}/${name}`;
  }

  #report(name: string, message: string, remedy: Remedy = SET_ASIDE): void {
    this.problems.add(this.#path(name), message, remedy);
  }
}

/** Counts records by kind, from the lengths of lists. */
function countsOf(lists: ReadonlyMap<string, number>): Counts {
  const counts: { [kind in RecordKind]?: number } = {};
  for (const [name, records] of lists) {
    const [top, id, part] = name.split("/");
    const kind = id === undefined || top === "datapoints"
      ? top
      : part === "logs"
      ? "evaluationLogs"
      : part;
    counts[kind as RecordKind] = (counts[kind as RecordKind] ?? 0) + records;
  }
  return counts;
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
