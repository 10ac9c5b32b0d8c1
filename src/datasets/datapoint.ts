/**
 * Takes a Datapoint apart without changing a byte of it: every value stays the JSON
 * text that the API sent, so that numbers and characters are exactly its own.
 */
import { memberTexts } from "../database/json_slices.ts";

/** A value by its name, as JSON text. */
export type Member = readonly [name: string, json: string];

/** A Datapoint of a Version; the values are JSON texts. */
export interface Datapoint {
  /** JSON `null` if it has none. */
  readonly id: string;
  readonly inputs: string;
  readonly messages: string;
  readonly target: string;
  /** All its other members. */
  readonly others: readonly Member[];
}

/** What the Datapoints of a file have in common; `null` where it is unknown. */
export interface DatasetVersion {
  /** The Dataset's id. */
  readonly fileId: string;
  /** Its Humanloop path. */
  readonly path: string;
  readonly id: string;
  readonly name: string | null;
  readonly createdAt: string | null;
  /** JSON text. */
  readonly attributes: string | null;
}

/** Takes a Datapoint apart; its JSON is known to be an object. */
export function readDatapoint(json: string): Datapoint {
  const values = new Map(members(json));
  const take = (name: string) => {
    const value = values.get(name) ?? "null";
    values.delete(name);
    return value;
  };
  const known = {
    id: take("id"),
    inputs: take("inputs"),
    messages: take("messages"),
    target: take("target"),
  };
  return { ...known, others: [...values] };
}

/** Lists the members of a JSON text; none if it is not an object. */
export function members(json: string): readonly Member[] {
  return json.startsWith("{") ? [...memberTexts(json)] : [];
}

/** Returns the text in a JSON string, or any other JSON as it is. */
export function plainText(json: string): string {
  return json.startsWith('"') ? JSON.parse(json) : json;
}

/**
 * Lists the metadata of a line: where the Datapoint is from, and its other
 * fields.
 */
export function metadataOf(
  { fileId, path, id, name, createdAt, attributes }: DatasetVersion,
  { others }: Datapoint,
): readonly Member[] {
  const text = (value: string | null) =>
    value === null ? "null" : JSON.stringify(value);
  return [
    ["dataset", text(path)],
    ["dataset_id", text(fileId)],
    ["version_id", text(id)],
    ["version_name", text(name)],
    ["version_created_at", text(createdAt)],
    ["attributes", attributes ?? "null"],
    ...others.length === 0 ? [] : [["datapoint", objectText(others)] as const],
  ];
}

/** Writes an object. */
export function objectText(values: readonly Member[]): string {
  const texts = values.map(([name, json]) => `${JSON.stringify(name)}:${json}`);
  return `{${texts.join(",")}}`;
}
