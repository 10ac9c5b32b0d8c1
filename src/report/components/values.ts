/** Reads fields of records that may lack them, or hold anything at all. */
import { isEmpty, isObject } from "../../core/text/json.ts";

/** A record that may hold anything. */
export type Fields = Readonly<Record<string, unknown>>;

/** Reads a field that is a non-empty text. */
export function textIn(record: unknown, name: string): string | null {
  const value = isObject(record) ? record[name] : undefined;
  return typeof value === "string" && value !== "" ? value : null;
}

/** Reads a field that is a number. */
export function numberIn(record: unknown, name: string): number | null {
  const value = isObject(record) ? record[name] : undefined;
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}

/** Reads the objects in a field that is an array. */
export function objectsIn(record: unknown, name: string): readonly Fields[] {
  const value = isObject(record) ? record[name] : undefined;
  return Array.isArray(value) ? value.filter(isObject) : [];
}

/** Writes a value for people: text as it is, else indented JSON, or nothing. */
export function readable(value: unknown): string {
  if (isEmpty(value)) return "";
  if (typeof value === "string") return value;
  return JSON.stringify(value, null, 2);
}

/** Writes `2025-06-01 12:00:03` in UTC for an instant that the API sent. */
export function formatTime(text: string | null): string {
  if (text === null) return "";
  const [, date, time, zone] =
    /^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}(?::\d{2})?)(?:.*([+-]\d{2}:?\d{2})$)?/
      .exec(text) ?? [];
  if (date === undefined) return text;
  const ms = zone === undefined ? NaN : Date.parse(`${date}T${time}${zone}`);
  return Number.isNaN(ms)
    ? `${date} ${time}`
    : new Date(ms).toISOString().slice(0, 19).replace("T", " ");
}

/** Compares instants of creation, the newer first. */
export function newerFirst(a: string, b: string): number {
  return a < b ? 1 : a > b ? -1 : 0;
}

/** Returns the beginning of a text, and how much of it was cut. */
export function beginning(
  text: string,
  most: number,
): { readonly text: string; readonly cut: number } {
  if (text.length <= most) return { text, cut: 0 };
  return { text: text.slice(0, most), cut: text.length - most };
}
