/**
 * Knows the endpoints of the Humanloop API v5 that an export reads: which path,
 * which parameters, what makes a record unique. Lists are described by a
 * ListSpec, everything else is one request.
 */
import { asObject, optionalString, stringField } from "./fields.ts";
import { ProtocolError } from "../core/errors.ts";
import { isObject } from "../core/text/json.ts";
import type { Session } from "./session/session.ts";
import type { ListSpec } from "./list_spec.ts";
import {
  type RawRecord,
  sliceArray,
  sliceDocument,
  sliceRecords,
} from "./records.ts";

/** What an export needs to know of a File. */
export interface FileInfo {
  readonly id: string;
  /** `prompt`, `tool`, `dataset`, `evaluator`, `flow`, `agent`, or something newer. */
  readonly type: string;
  readonly path: string | null;
  readonly directoryId: string | null;
}

/** A Directory, as the list of all Directories has it. */
export interface DirectoryInfo {
  readonly id: string;
  readonly parentId: string | null;
  readonly path: string | null;
}

/**
 * All Directories: the bytes that the API sent, and what was read from them.
 */
export interface DirectoryList {
  readonly raw: Uint8Array;
  readonly list: readonly DirectoryInfo[];
}

/** An Environment that a Version is deployed to. */
export interface EnvironmentInfo {
  readonly id: unknown;
  readonly name: unknown;
  readonly tag: unknown;
}

/** What an export needs to know of a Version. */
export interface VersionInfo {
  readonly id: string;
  /** `null` if the API's answer has them in an unknown shape. */
  readonly environments: readonly EnvironmentInfo[] | null;
}

/** A record of which only the id matters. */
export interface IdInfo {
  readonly id: string;
}

/** What an export needs to know of a Log. */
export interface LogInfo extends IdInfo {
  /** ISO 8601, with or without a zone; `null` where the API does not say. */
  readonly createdAt: string | null;
}

const LOGS_TIMEOUT_MS = 300_000;
const PAGE_SIZE = 100;
const DATAPOINT_PAGE_SIZE = 1000;

/** Fetches everything that does not come in pages. */
export class Client {
  readonly #session: Session;

  constructor(session: Session) {
    this.#session = session;
  }

  /** Fetches all Directories, which come in one answer. */
  directories(): Promise<DirectoryList> {
    return this.#session.get({
      path: "/directories",
      label: "Directories",
      read: (body) => ({
        raw: sliceDocument(body, () => null).bytes,
        list: sliceArray(body, readDirectory).map(({ info }) => info),
      }),
    });
  }

  /** Fetches one Directory. */
  directory(id: string): Promise<DirectoryInfo> {
    return this.#session.get({
      path: `/directories/${encodeURIComponent(id)}`,
      label: `Directory ${id}`,
      read: (body) => sliceDocument(body, readDirectory).info,
    });
  }

  /** Fetches all Versions of a File, with the aggregates of its Evaluators. */
  versions(file: FileInfo): Promise<readonly RawRecord<VersionInfo>[]> {
    return this.#session.get({
      path: `/${file.type}s/${file.id}/versions`,
      query: file.type === "dataset" ? [] : [["evaluator_aggregates", "true"]],
      label: `Versions of ${nameOf(file)}`,
      read: (body) => sliceRecords(body, "records", readVersion).records,
    });
  }

  /** Fetches the statistics of an Evaluation. */
  stats(evaluationId: string): Promise<RawRecord<unknown>> {
    return this.#session.get({
      path: `/evaluations/${evaluationId}/stats`,
      label: `statistics of the Evaluation ${evaluationId}`,
      read: (body) => sliceDocument(body, readStats),
    });
  }

  /** Fetches the Runs of an Evaluation. */
  runs(evaluationId: string): Promise<readonly RawRecord<IdInfo>[]> {
    return this.#session.get({
      path: `/evaluations/${evaluationId}/runs`,
      label: `Runs of the Evaluation ${evaluationId}`,
      read: (body) => sliceRecords(body, "runs", readId).records,
    });
  }
}

/**
 * Describes the list of Files, oldest first, so that new ones come last.
 *
 * @param path A Directory's path, to list what is below it; `null` for all.
 */
export function filesList(path: string | null): ListSpec<FileInfo> {
  return {
    fileId: null,
    part: "files",
    records: "Files",
    owner: null,
    path: "/files",
    query: [
      ...(path === null ? [] : [["path", path]] as const),
      ["sort_by", "created_at"],
      ["order", "asc"],
    ],
    pageSize: PAGE_SIZE,
    read: (value) => ({
      id: stringField(value, "id"),
      type: stringField(value, "type"),
      path: optionalString(value, "path"),
      directoryId: optionalString(value, "directory_id"),
    }),
    key: ({ id }) => id,
  };
}

/** Describes the list of Datapoints of one Version of a Dataset. */
export function datapointsList(
  file: FileInfo,
  versionId: string,
): ListSpec<IdInfo> {
  return {
    fileId: file.id,
    part: `datapoints/${versionId}`,
    records: "Datapoints",
    owner: `${nameOf(file)} at ${versionId}`,
    path: `/datasets/${file.id}/datapoints`,
    query: [["version_id", versionId]],
    pageSize: DATAPOINT_PAGE_SIZE,
    read: readId,
    key: ({ id }) => id,
  };
}

/** Describes the list of a File's Evaluations. */
export function evaluationsList(file: FileInfo): ListSpec<IdInfo> {
  return {
    fileId: file.id,
    part: "evaluations",
    records: "Evaluations",
    owner: nameOf(file),
    path: "/evaluations",
    query: [["file_id", file.id]],
    pageSize: PAGE_SIZE,
    read: readId,
    key: ({ id }) => id,
  };
}

/**
 * Describes the list of an Evaluation's Logs; Run and Log together make one
 * unique.
 */
export function evaluationLogsList(
  file: FileInfo,
  evaluationId: string,
): ListSpec<IdInfo> {
  return {
    fileId: file.id,
    part: `evaluations/${evaluationId}/logs`,
    records: "Evaluation Logs",
    owner: `${evaluationId} of ${nameOf(file)}`,
    path: `/evaluations/${evaluationId}/logs`,
    query: [],
    pageSize: PAGE_SIZE,
    timeoutMs: LOGS_TIMEOUT_MS,
    read: (value) => {
      const log = asObject(asObject(value, "a record")["log"], `"log"`);
      return {
        id: `${stringField(value, "run_id")} ${stringField(log, "id")}`,
      };
    },
    key: ({ id }) => id,
  };
}

/**
 * Describes the list of a File's Logs, trace children included.
 *
 * @param file The File.
 * @param after Only Logs created after this instant (ISO 8601); `null` for all.
 * @param until Only Logs created before this instant (ISO 8601); `null` for all.
 */
export function logsList(
  file: FileInfo,
  after: string | null,
  until: string | null,
): ListSpec<LogInfo> {
  const traces = file.type === "flow" || file.type === "agent";
  return {
    fileId: file.id,
    part: "logs",
    records: "Logs",
    owner: nameOf(file),
    path: "/logs",
    query: [
      ["file_id", file.id],
      ...(traces ? [["include_trace_children", "true"]] as const : []),
      ...(after === null ? [] : [["start_date", after]] as const),
      ...(until === null ? [] : [["end_date", until]] as const),
    ],
    pageSize: PAGE_SIZE,
    timeoutMs: LOGS_TIMEOUT_MS,
    read: (value) => ({
      id: stringField(value, "id"),
      createdAt: optionalString(value, "created_at"),
    }),
    key: ({ id }) => id,
  };
}

/** Returns what a File is called in messages. */
function nameOf({ path, id }: FileInfo): string {
  return path === null || path === "" ? id : path;
}

function readId(value: unknown): IdInfo {
  return { id: stringField(value, "id") };
}

/** Makes sure that these are statistics, and not a message about a failure. */
function readStats(value: unknown): null {
  const stats = asObject(value, "the answer");
  const known = ["run_stats", "overall_stats", "version_stats", "status"];
  if (known.some((name) => name in stats)) return null;
  throw new ProtocolError("the answer holds no statistics");
}

function readDirectory(value: unknown): DirectoryInfo {
  return {
    id: stringField(value, "id"),
    parentId: optionalString(value, "parent_id"),
    path: optionalString(value, "path"),
  };
}

function readVersion(value: unknown): VersionInfo {
  return {
    id: stringField(value, "version_id"),
    environments: readEnvironments(
      asObject(value, "a Version")["environments"],
    ),
  };
}

function readEnvironments(
  value: unknown,
): readonly EnvironmentInfo[] | null {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value) || !value.every(isObject)) return null;
  return value.map(({ id, name, tag }) => ({ id, name, tag }));
}
