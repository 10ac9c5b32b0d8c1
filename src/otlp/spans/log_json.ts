/** Splits a Log into its fields, each as it is spelled. */
import { elementSlices, memberTexts } from "../../database/json_slices.ts";
import { LOG_TYPES } from "../../database/log_fields.ts";

/** Fields of a record as they are spelled; those that are `null` are left out. */
export type Spelled = ReadonlyMap<string, string>;

/** The field of a Log that holds its Version, which is the type of its File. */
export type LogType = typeof LOG_TYPES[number];

/** A Log. */
export interface LogJson {
  readonly fields: Spelled;
  /** `null` if no field holds a Version. */
  readonly type: LogType | null;
}

/** Splits the JSON of an object. */
export function spelledFields(json: string): Spelled {
  const fields = memberTexts(json);
  for (const [name, text] of fields) if (text === "null") fields.delete(name);
  return fields;
}

/** Splits the JSON of an array. */
export function spelledElements(json: string): readonly string[] {
  return elementSlices(json, 0).map(({ from, to }) => json.slice(from, to));
}

/** Splits the JSON of a Log. */
export function logJson(json: string): LogJson {
  const fields = spelledFields(json);
  const type = LOG_TYPES.find((one) => fields.get(one)?.startsWith("{"));
  return { fields, type: type ?? null };
}

/** Reads a field that is a non-empty text. */
export function textField(fields: Spelled, name: string): string | null {
  const json = fields.get(name);
  return json === undefined || json.length <= 2 || json[0] !== '"'
    ? null
    : JSON.parse(json);
}

/** Reads a field that is a number. */
export function numberField(fields: Spelled, name: string): number | null {
  const json = fields.get(name);
  return json !== undefined && isNumber(json) ? Number(json) : null;
}

/** Checks whether a value is a number. */
export function isNumber(json: string): boolean {
  return /^[-\d]/.test(json);
}

/** Checks whether a value is a text. */
export function isText(json: string): boolean {
  return json[0] === '"';
}
