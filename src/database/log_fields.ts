/**
 * Reads the fields of records that have columns of their own. A record may hold
 * anything.
 */
import { isObject } from "../core/text/json.ts";
import type { SqlValue } from "./sqlite.ts";

/** A record that may hold anything. */
export type Fields = Readonly<Record<string, unknown>>;

/** The types of File that make Logs: a Log holds its Version under one of these names. */
export const LOG_TYPES = [
  "prompt",
  "agent",
  "flow",
  "tool",
  "evaluator",
] as const;

/** Reads a field that is a non-empty text. */
export function text(record: unknown, name: string): string | null {
  const value = isObject(record) ? record[name] : undefined;
  return typeof value === "string" && value !== "" ? storable(value) : null;
}

/** Returns a text as a column has it: SQLite would end it at a NUL. */
export function storable(value: string): string {
  return value.includes("\0") ? value.replaceAll("\0", "\\u0000") : value;
}

/**
 * Reads a field as text: a text as it is, anything else as JSON; `null` if it
 * is empty.
 */
function textOrJson(record: Fields, name: string): string | null {
  const value = record[name];
  if (value === null || value === undefined || value === "") return null;
  return storable(typeof value === "string" ? value : JSON.stringify(value));
}

/** Reads a field that is a number. */
export function number(record: unknown, name: string): number | null {
  const value = isObject(record) ? record[name] : undefined;
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}

/** Reads a field that is a safe whole number. */
export function whole(record: unknown, name: string): number | null {
  const value = number(record, name);
  return Number.isSafeInteger(value) ? value : null;
}

/** Reads a field that is an object. */
export function object(record: unknown, name: string): Fields | null {
  const value = isObject(record) ? record[name] : undefined;
  return isObject(value) ? value : null;
}

/** Reads the full name, address or id of who created a record. */
export function maker(record: Fields): string | null {
  const by = record["created_by"];
  return text(by, "full_name") ?? text(by, "email_address") ?? text(by, "id");
}

const TIME =
  /^(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,6})\d*)?(?:Z|([+-]\d\d):?(\d\d))?$/;
const MICROSECONDS = 1_000_000;

/**
 * Reads an instant in microseconds since 1970; one without a zone is UTC.
 *
 * @returns The instant; `null` if the text is not one.
 */
export function microseconds(instant: string | null): number | null {
  const parts = instant === null ? null : TIME.exec(instant);
  if (parts === null) return null;
  const [, year, month, day, hour, minute, second, fraction, hours, minutes] =
    parts;
  const ms = utcMs([year, month, day, hour, minute, second].map(Number));
  const sign = hours?.startsWith("-") ? -1 : 1;
  const zoneMinutes = hours === undefined
    ? 0
    : Number(hours) * 60 + sign * Number(minutes);
  return ms * 1000 - zoneMinutes * 60 * MICROSECONDS +
    (fraction === undefined ? 0 : Number(fraction.padEnd(6, "0")));
}

/**
 * Returns an instant in milliseconds since 1970. (`Date.UTC` would move the
 * years 0 to 99 into the twentieth century.)
 *
 * @param parts Year, month from 1, day, hour, minute, second.
 */
export function utcMs(parts: readonly number[]): number {
  const [year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0] =
    parts;
  const ms = Date.UTC(year, month - 1, day, hour, minute, second);
  return year >= 100 ? ms : new Date(ms).setUTCFullYear(year, month - 1, day);
}

/**
 * Limits a time, in microseconds since 1970, to what a column holds: 1684 to
 * 2255. `node:sqlite` refuses to read larger integers.
 */
export function columnTime(time: number): number {
  const most = Number.MAX_SAFE_INTEGER;
  return Math.min(most, Math.max(-most, time));
}

/** Reads the Version within a Log, and the type of its File. */
export function versionOf(
  log: Fields,
): { readonly type: string; readonly version: Fields } | null {
  for (const type of LOG_TYPES) {
    const version = log[type];
    if (isObject(version)) return { type, version };
  }
  return null;
}

/** The columns that are read from a Log, in order. */
export const LOG_COLUMNS = [
  ...["id", "type", "file_id", "version_id", "created_at", "time", "latency"],
  ...["model", "prompt_tokens", "output_tokens", "reasoning_tokens", "cost"],
  ...["prompt_cost", "output_cost", "environment"],
  ...["user", "source", "error", "parent_id", "trace_id", "trace_parent_id"],
] as const;

/** The trace that a nested Log is in: the ids of its root and its parent. */
export interface TraceOf {
  readonly id: string;
  readonly parentId: string;
}

/** The surroundings of a Log. */
export interface Around {
  /** The File whose list it is in; `null` to take that of its Version. */
  readonly fileId: string | null;
  readonly trace?: TraceOf | null;
}

/** Computes how long a Log took from its start and end. */
function secondsTaken(log: Fields): number | null {
  const start = microseconds(text(log, "start_time"));
  const end = microseconds(text(log, "end_time"));
  return start === null || end === null ? null : (end - start) / MICROSECONDS;
}

/** Reads the values of the columns. */
export function logValues(log: Fields, { fileId, trace }: Around): SqlValue[] {
  const { type = null, version = null } = versionOf(log) ?? {};
  const created = text(log, "created_at");
  const time = columnTime(
    microseconds(created) ?? microseconds(text(log, "start_time")) ?? 0,
  );
  const latency = number(log, "provider_latency") ?? secondsTaken(log);
  const prompt = number(log, "prompt_cost");
  const output = number(log, "output_cost");
  const cost = prompt === null && output === null
    ? null
    : (prompt ?? 0) + (output ?? 0);
  return [
    ...[text(log, "id"), type, fileId ?? text(version, "id")],
    ...[text(version, "version_id"), created, time, latency],
    ...[text(version, "model"), whole(log, "prompt_tokens")],
    ...[whole(log, "output_tokens"), whole(log, "reasoning_tokens"), cost],
    ...[prompt, output, text(log, "environment")],
    ...[text(log, "user"), text(log, "source"), textOrJson(log, "error")],
    ...[text(log, "parent_id"), text(log, "trace_id") ?? trace?.id ?? null],
    text(log, "trace_parent_id") ?? trace?.parentId ?? null,
  ];
}

/** Reads the judgment in an Evaluator's Log: its type, as text, as a number. */
export function judgmentValues(
  log: Fields,
): readonly [type: string, judgment: string | null, number: number | null] {
  const { judgment } = log;
  if (judgment === null || judgment === undefined) return ["null", null, null];
  if (typeof judgment === "boolean") {
    return ["boolean", String(judgment), judgment ? 1 : 0];
  }
  if (typeof judgment === "number") {
    return ["number", String(judgment), number(log, "judgment")];
  }
  const type = Array.isArray(judgment) ? "array" : typeof judgment;
  return [type, textOrJson(log, "judgment") ?? "", null];
}

/** Checks whether a Log contains other Logs. */
export function hasNested(log: Fields): boolean {
  const { trace_children: children, evaluator_logs: judged, parent } = log;
  return Array.isArray(children) && children.length > 0 ||
    Array.isArray(judged) && judged.length > 0 || isObject(parent);
}
