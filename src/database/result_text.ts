/** Describes the result of a build. */
import { bytes, count, duration, elapsed, pluralize } from "../ui/text.ts";
import type { BuildProgress, BuildResult, Compared } from "./build.ts";

const TABLES: Readonly<Record<Compared["kind"], string>> = {
  versions: "versions",
  deployments: "deployments",
  datapoints: "datapoints",
  evaluations: "evaluations",
  runs: "runs",
  evaluationLogs: "evaluation_logs",
  logs: "logs",
};

const PROBLEMS: Readonly<Record<string, string>> = {
  count: "records more or fewer than the export states",
  dangling: "rows that refer to a row that is not in the export",
  missing: "documents that are missing",
  noId: "Logs without an id",
  notJson: "lines or documents that are not JSON, kept as text",
  notPlain: "paths that are not plain files",
  notUtf8: "lines or documents that are not valid UTF-8",
  tooLong: "lines that are too long to be read",
  twice: "records that are there twice, kept once",
  unreadable: "files that cannot be read",
  unterminated: "files that end in the middle of a line",
};

/** Problems that cost nothing of what was read. */
export const HARMLESS: ReadonlySet<string> = new Set(["dangling", "twice"]);

/** How many lines of what the export lacks are shown. */
const NAMED = 20;

/** Checks whether the export was complete, and all of it was read. */
export function isWhole({ problems, lacking }: BuildResult): boolean {
  return lacking.length === 0 &&
    Object.keys(problems).every((kind) => HARMLESS.has(kind));
}

/** Writes the result of a build for a person: a line a table, then the problems. */
export function buildText(result: BuildResult, tookMs: number): string {
  const { path, rows, problems, bytesRead, lacking } = result;
  const compared = new Map(
    result.compared.map((one) => [TABLES[one.kind], one]),
  );
  const tables = Object.entries(rows).map(([table, inTable]) => {
    const note = noteOf(inTable, compared.get(table));
    return `  ${table.padEnd(16)}${count(inTable).padStart(12)}${note}`;
  });
  const lines = Object.entries(problems).map(([kind, rows]) =>
    `  ${count(rows).padStart(12)} ${PROBLEMS[kind] ?? kind}`
  );
  return [
    `${path} written: ${bytes(result.bytes)}, from ${bytes(bytesRead)}, in ${
      elapsed(tookMs)
    }`,
    ...tables,
    ...lines.length === 0 ? [] : [
      `${pluralize(lines.length, "kind")} of problem, in its table problems:`,
    ],
    ...lines,
    ...lacking.length === 0 ? [] : [
      "INCOMPLETE, because the export is; hl-export verify lists what is missing:",
    ],
    ...lacking.slice(0, NAMED).map((one) => `  ${one}`),
    ...lacking.length > NAMED
      ? [`  and ${count(lacking.length - NAMED)} more`]
      : [],
  ].join("\n") + "\n";
}

function noteOf(inTable: number, compared: Compared | undefined): string {
  if (compared === undefined) return "";
  const { read, stated, readOfStated } = compared;
  const others = inTable - read;
  const notes = [
    readOfStated === stated
      // Of nothing an export may also have said nothing.
      ? read === readOfStated && read > 0 ? "as the export states" : ""
      : `the export states ${count(stated)}, ${count(readOfStated)} were read`,
    read === readOfStated
      ? ""
      : `${
        count(read - readOfStated)
      } in Files for which the export states no number`,
    others > 0 ? `${count(others)} from within other records` : "",
    others < 0 ? `${count(-others)} in the table problems` : "",
  ].filter((note) => note !== "");
  return notes.length === 0 ? "" : `  ${notes.join("; ")}`;
}

const STEPS: Readonly<Record<BuildProgress["step"], string>> = {
  read: "reading",
  nested: "adding the Logs within Logs",
  index: "making indexes",
  check: "checking",
};

/**
 * Writes the progress of a build, for a line of a terminal.
 *
 * @param tookMs How long the build has taken.
 */
export function progressText(
  { step, bytes: read, totalBytes }: BuildProgress,
  tookMs: number,
): string {
  const share = totalBytes === 0 ? 1 : Math.min(1, read / totalBytes);
  const parts = [
    STEPS[step],
    `${bytes(read)} of ${bytes(totalBytes)}`,
    `${Math.floor(share * 100)} %`,
  ];
  if (step === "read" && read > 0) {
    parts.push(`${duration(tookMs * (totalBytes - read) / read)} left`);
  }
  return parts.join(" · ");
}
