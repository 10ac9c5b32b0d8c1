/** Writes the result of a conversion. */
import { bytes, count, duration, elapsed, pluralize } from "../ui/text.ts";
import { type DryRun, sampleText } from "./dry_run.ts";
import { MOST_LINE_BYTES, type Written } from "./file.ts";
import type { Reconciled, Totals } from "./totals.ts";

/** The result of a run. */
export interface RunResult {
  readonly result: Written | DryRun;
  readonly reconciled: Reconciled;
  /** What the database lacks of the export's Logs. */
  readonly lacking: readonly string[];
  readonly tookMs: number;
}

/** How many lines of what the database lacks are shown. */
const NAMED = 20;

/** Writes the result for a person. */
export function resultText(run: RunResult): string {
  const { result, tookMs } = run;
  const { spans, traces, judgments } = result;
  const size = bytes(result.bytes);
  const what = `${pluralize(spans, "span")} in ${pluralize(traces, "trace")}`;
  const isToSend = "isToSend" in result && result.isToSend;
  const head = "sample" in result
    ? [
      `would ${isToSend ? "send" : "write"} ${what}, ${
        pluralize(judgments, "judgment")
      }${isToSend ? " as attributes of them" : ""}, ${size}`,
    ]
    : [
      `${result.path} written: ${what}`,
      `${result.judgmentsPath} written: ${pluralize(judgments, "judgment")}`,
      `${size} in ${elapsed(tookMs)}`,
    ];
  return [
    ...head,
    ...timesText(result),
    ...isToSend || result.longestLine <= MOST_LINE_BYTES ? [] : [
      `the longest line has ${
        bytes(result.longestLine)
      }: the collector needs a larger max_log_size (see --help)`,
    ],
    ...reconciledLines(run.reconciled, isToSend),
    ...problemLines(run),
    ...sampleLines(result),
  ].map((line) => `${line}\n`).join("");
}

/**
 * Makes the result for a program. Times are nanoseconds since 1970, as text.
 */
export function resultDocument(
  { result, reconciled, lacking, tookMs }: RunResult,
): Readonly<Record<string, unknown>> {
  const { namedProblems, oldest, newest, ...rest } = result;
  const { sample, isToSend: _, ...totals } = {
    ...{ sample: undefined, isToSend: false },
    ...rest,
  };
  return {
    dryRun: sample !== undefined,
    ...totals,
    oldest: oldest === null ? null : String(oldest),
    newest: newest === null ? null : String(newest),
    ...sample && { sample: sample.map((one) => JSON.parse(one)) },
    ...{ namedProblems, lacking, reconciled, tookMs },
  };
}

/** Writes when the first and the last span began, as a line. */
export function timesText(
  { oldest, newest }: Pick<Totals, "oldest" | "newest">,
): readonly string[] {
  return oldest === null || newest === null
    ? []
    : [`from ${instant(oldest)} to ${instant(newest)}`];
}

function instant(nanoseconds: bigint): string {
  return new Date(Number(nanoseconds / 1_000_000n)).toISOString();
}

function reconciledLines(
  all: Reconciled,
  isToSend: boolean,
): readonly string[] {
  const line = (inDatabase: string, written: string, others: Others) =>
    `${inDatabase} in the database: ${
      [
        written,
        ...others.flatMap(([n, what]) => n ? `${count(n)} ${what}` : []),
      ]
        .join(", ")
    }`;
  const lines = [
    line(pluralize(all.logs, "Log"), pluralize(all.spans, "span"), [
      [all.filteredOut, "filtered out"],
      [all.acceptedBefore, "accepted before"],
      [all.beyondLimit, "beyond --limit"],
    ]),
    line(
      pluralize(all.judgments, "judgment"),
      isToSend
        ? `${count(all.judgmentsWritten)} as attributes`
        : pluralize(all.judgmentsWritten, "event"),
      [
        [all.judgmentsFilteredOut, "filtered out"],
        [all.judgmentsAcceptedBefore, "accepted before"],
        [all.judgmentsBeyondLimit, "beyond --limit"],
        [all.judgmentsWithoutLog, "of Logs that are not in the export"],
      ],
    ),
  ];
  if (all.isComplete || all.judgmentsWithoutLog > 0) return lines;
  return [
    ...lines,
    "these numbers do not add up: internal error, please report it",
  ];
}

type Others = ReadonlyArray<readonly [count: number, what: string]>;

/** Writes what is wrong with the Logs, as lines. */
export function problemLines(
  { result, lacking }: Pick<RunResult, "lacking"> & {
    readonly result: Pick<Totals, "problems" | "namedProblems">;
  },
): readonly string[] {
  const { problems, namedProblems } = result;
  const more = problems - namedProblems.length;
  return [
    ...problems === 0 ? [] : [
      `${
        pluralize(problems, "Log")
      } sent as text, or without an id of its own:`,
    ],
    ...namedProblems.map((one) => `  ${one}`),
    ...more > 0 ? [`  and ${count(more)} more`] : [],
    ...lacking.length === 0 ? [] : ["the export itself lacks Logs:"],
    ...lacking.slice(0, NAMED).map((one) => `  ${one}`),
    ...lacking.length > NAMED
      ? [`  and ${count(lacking.length - NAMED)} more`]
      : [],
  ];
}

function sampleLines(result: RunResult["result"]): readonly string[] {
  if (!("sample" in result) || result.sample.length === 0) return [];
  const { sample, more } = result;
  const of = more === 0
    ? ""
    : `, its first ${pluralize(sample.length, "span")} of ${
      count(sample.length + more)
    }`;
  return [`one trace${of}:`, sampleText(sample)];
}

/**
 * Writes the progress of a run, for a line of a terminal.
 *
 * @param tookMs How long the run has taken.
 */
export function progressText(
  done: number,
  total: number,
  tookMs: number,
): string {
  const share = total === 0 ? 1 : Math.min(1, done / total);
  return [
    `${count(done)} of ${pluralize(total, "span")}`,
    `${Math.floor(share * 100)} %`,
    ...done === 0 ? [] : [`${duration(tookMs * (total - done) / done)} left`],
  ].join(" · ");
}
