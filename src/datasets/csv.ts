/**
 * Writes Datapoints for spreadsheets: RFC 4180 in UTF-8 with a byte order mark, a
 * column for each input. A text that a spreadsheet would take for a formula gets an
 * apostrophe in front of it.
 */
import {
  type Datapoint,
  type DatasetVersion,
  type Member,
  members,
  metadataOf,
  objectText,
  plainText,
} from "./datapoint.ts";
import type { DatapointWriter, Note } from "./format.ts";

/** The most columns for inputs; Excel has 16,384 in all. */
const MAX_INPUT_COLUMNS = 1_000;
/** The most characters in a cell of Excel. */
const EXCEL_CELL = 32_767;

const OWN = ["id", "messages", "expected_output", "metadata"] as const;
/** The column of the inputs without one of their own. */
const OTHER_INPUTS = "other_inputs";
/**
 * Names of inputs that are taken: by other columns, or by promptfoo
 * (`__expected`).
 */
const RESERVED = new RegExp(
  `^\\s*(__|(${[...OWN, OTHER_INPUTS].join("|")})\\s*$|input\\.)`,
  "i",
);

/** Begins a formula: as OWASP lists it, with the wide characters that Excel takes for these. */
const FORMULA = /^'*[=+\-@\t\r\n＝＋－＠]/;
const NUMBER = /^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$/;

/** Writes a table. */
export function csvWriter(
  version: DatasetVersion,
  datapoints: () => Iterable<Datapoint>,
): DatapointWriter {
  const columns = inputNames(datapoints());
  const known = new Set(columns);
  const hasOthers = columns.length === MAX_INPUT_COLUMNS;
  let long = 0;
  let halves = 0;
  const row = (cells: readonly (string | null)[]) =>
    cells.map((cell) => {
      if (cell === null) return "";
      if (cell.length > EXCEL_CELL) long++;
      if (!cell.isWellFormed()) halves++;
      return `"${defused(cell).replaceAll('"', '""')}"`;
    }).join(",") + "\r\n";
  const head = row([
    "id",
    ...columns.map(columnName),
    ...hasOthers ? [OTHER_INPUTS] : [],
    "messages",
    "expected_output",
    "metadata",
  ]);
  return {
    head: `\ufeff${head}`,
    row(datapoint) {
      const { id, inputs, messages, target } = datapoint;
      const values = new Map(members(inputs));
      const others = [...values].filter(([name]) => !known.has(name));
      const isOther = !inputs.startsWith("{") && inputs !== "null";
      return row([
        cellOf(id),
        ...columns.map((name) => cellOf(values.get(name))),
        ...hasOthers ? [others.length === 0 ? null : objectText(others)] : [],
        cellOf(messages),
        cellOf(target),
        objectText([
          ...metadataOf(version, datapoint),
          ...isOther ? [["input", inputs] satisfies Member] : [],
        ]),
      ]);
    },
    notes: () => notesOf(long, halves),
  };
}

function notesOf(long: number, halves: number): readonly Note[] {
  const notes: Note[] = [];
  if (halves > 0) {
    const text =
      `${halves} of its cells hold half of a character (such as \\ud83d alone), which is written as \\ufffd; --format jsonl keeps it`;
    notes.push({ text, isLoss: true });
  }
  if (long > 0) {
    const text =
      `${long} of its cells are longer than the 32,767 characters that Excel keeps`;
    notes.push({ text, isLoss: false });
  }
  return notes;
}

/** Lists the names of the inputs, in the order of their first use. */
function inputNames(datapoints: Iterable<Datapoint>): readonly string[] {
  const names = new Set<string>();
  for (const { inputs } of datapoints) {
    for (const [name] of members(inputs)) {
      names.add(name);
      if (names.size === MAX_INPUT_COLUMNS) return [...names];
    }
  }
  return [...names];
}

/** Names the column of an input: by its own name, unless that is taken. */
function columnName(name: string): string {
  return RESERVED.test(name) ? `input.${name}` : name;
}

/** Returns a value's text; `null` if there is none. */
function cellOf(json: string | undefined): string | null {
  return json === undefined || json === "null" ? null : plainText(json);
}

/** Puts an apostrophe before what a spreadsheet would take for a formula. */
function defused(text: string): string {
  return FORMULA.test(text) && !NUMBER.test(text) ? `'${text}` : text;
}
