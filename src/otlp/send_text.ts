/** Says what became of the spans that were to be sent. */
import { bytes, count, duration, pluralize } from "../ui/text.ts";
import type { Expected } from "./counts.ts";
import type { SendResult } from "./send.ts";

/** What the text is made from, besides the result. */
export interface SentWhere {
  readonly url: string;
  /** The list of refusals; `null` where there is none. */
  readonly refusals: string | null;
  readonly expected: Expected;
  readonly tookMs: number;
}

/** Counts the spans that the endpoint has neither accepted nor refused. */
export function unsentOf(
  { accepted, refused, skipped }: SendResult,
  { wantedLogs }: Expected,
): number {
  return wantedLogs - accepted - refused - skipped;
}

/** The result for a person: a line for each number, then what to do. */
export function sendText(result: SendResult, where: SentWhere): string {
  const { expected, url, refusals } = where;
  const unsent = unsentOf(result, expected);
  const filtered = expected.logs - expected.wantedLogs;
  const rows: ReadonlyArray<readonly [string, number, string]> = [
    ["accepted", result.accepted, timesText(result)],
    ["accepted before", result.skipped, "not sent; --resend sends all anew"],
    ["refused", result.refused, `listed in ${refusals}`],
    ["not sent", unsent, result.isLimited ? "behind the limit" : ""],
    ["left out", filtered, "by the filters"],
  ];
  const lines = rows
    .filter(([name, value]) => value !== 0 || name === "accepted")
    .map(([name, value, note]) => line(name, value, note));
  const { sentTwice } = result;
  return [
    `sent to ${url} in ${duration(where.tookMs)}: ${
      pluralize(result.requests, "request")
    }, ${bytes(result.bytes)}, ${bytes(result.sentBytes)} on the way`,
    ...lines,
    line("Logs in all", expected.logs, "in the database"),
    ...sentTwice === 0 ? [] : [
      `${
        pluralize(sentTwice, "accepted span")
      } went out more than once, to find those that the endpoint refused without naming them`,
    ],
    ...expected.homelessJudgments === 0 ? [] : [
      `${
        pluralize(expected.homelessJudgments, "judgment")
      } of Logs that are not in the database cannot be sent`,
    ],
    ...result.refusals.map(({ logId, reason }) => `  ${logId}: ${reason}`),
    ...result.refused > result.refusals.length
      ? [`  … and ${count(result.refused - result.refusals.length)} more`]
      : [],
    closing(result, unsent, expected),
  ].join("\n") + "\n";
}

function line(name: string, value: number, note: string): string {
  return `  ${name.padEnd(16)}${count(value).padStart(12)}  ${note}`.trimEnd();
}

function timesText({ accepted, oldest, newest, traces }: SendResult): string {
  if (accepted === 0 || oldest === null || newest === null) return "";
  return `in ${pluralize(traces, "trace")}, of ${dayOf(oldest)} to ${
    dayOf(newest)
  }`;
}

function dayOf(nanoseconds: bigint): string {
  return new Date(Number(nanoseconds / 1_000_000n)).toISOString().slice(0, 10);
}

function closing(
  { refused, isLimited, ended, read }: SendResult,
  unsent: number,
  { wantedLogs }: Expected,
): string {
  const left = [
    ...refused === 0 ? [] : [`${count(refused)} refused`],
    ...unsent === 0 ? [] : [`${count(unsent)} not sent`],
  ].join(" and ");
  if (left === "") return `all ${pluralize(wantedLogs, "span")} are accepted`;
  if (ended === null && !isLimited && read !== wantedLogs) {
    return `the database counts ${count(wantedLogs)} Logs and ${
      count(read)
    } were read; please report it`;
  }
  return `of ${pluralize(wantedLogs, "span")}, ${left}; the same command${
    isLimited && refused === 0 ? " without --limit" : ""
  } sends what is not accepted yet`;
}
