/** Names the formats, and writes the simplest of them. */
import {
  type Datapoint,
  type DatasetVersion,
  metadataOf,
  objectText,
} from "./datapoint.ts";

/** How Datapoints are written. */
export type DatasetFormat = "jsonl" | "csv" | "promptfoo";

/** Writes the Datapoints of one Version as text. */
export interface DatapointWriter {
  /** What comes before the first Datapoint. */
  readonly head: string;
  /** Writes a Datapoint, with the end of its line. */
  row(datapoint: Datapoint): string;
  /** Returns what a reader of the file should know, once it is written. */
  notes(): readonly Note[];
}

/** Something unexpected about a file. */
export interface Note {
  readonly text: string;
  /** Whether something of the export is not in the file. */
  readonly isLoss: boolean;
}

/**
 * Makes a writer.
 *
 * @param datapoints Reads the Version's Datapoints from the beginning.
 */
export type MakeWriter = (
  version: DatasetVersion,
  datapoints: () => Iterable<Datapoint>,
) => DatapointWriter;

/** Writes a line of JSON for each Datapoint. */
export function jsonlWriter(
  version: DatasetVersion,
): DatapointWriter {
  let halves = 0;
  return {
    head: "",
    row(datapoint) {
      const { id, inputs, messages, target } = datapoint;
      const line = objectText([
        ["id", id],
        ["input", inputs],
        ["messages", messages],
        ["expected_output", target],
        ["metadata", objectText(metadataOf(version, datapoint))],
      ]);
      if (hasHalf(line)) halves++;
      return `${line}\n`;
    },
    notes: () =>
      halves === 0 ? [] : [{
        text:
          `${halves} of its Datapoints hold half of a character (such as \\ud83d alone), which some readers of JSON refuse`,
        isLoss: false,
      }],
  };
}

/** Checks whether a JSON text holds half of a character, which UTF-8 cannot hold. */
export function hasHalf(json: string): boolean {
  if (!/\\u[dD]/.test(json)) return false;
  let isHalf = false;
  JSON.parse(json, (name, value) => {
    const texts = typeof value === "string" ? [name, value] : [name];
    isHalf ||= texts.some((text) => !text.isWellFormed());
    return null;
  });
  return isHalf;
}
