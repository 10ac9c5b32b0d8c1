/** Writes the result of sending spans. */
import { bytes, count, elapsed, pluralize } from "../../ui/text.ts";
import type { Expected } from "../counts.ts";
import { problemLines, timesText } from "../result_text.ts";
import type { SendResult } from "./send.ts";

/** What the text needs besides the result. */
export interface Sent {
  readonly url: string;
  readonly expected: Expected;
  /** The list of everything that is refused; `null` if nothing is. */
  readonly refusalsFile: string | null;
  /** Whether `--resend` was given: the same command would forget what was accepted. */
  readonly isResend: boolean;
  readonly tookMs: number;
}

/** Checks whether all wanted spans were accepted, and none is missing. */
export function isWhole(result: SendResult, expected: Expected): boolean {
  const { refused, problems, isLimited, ended } = result;
  const { lacking, homelessJudgments } = expected;
  return ended === null && refused + problems + homelessJudgments === 0 &&
    lacking.length === 0 && (isLimited || unsentOf(result, expected) === 0);
}

/** Counts the spans that were neither accepted nor refused. */
function unsentOf(
  { accepted, refused, skipped }: SendResult,
  { wantedLogs }: Expected,
): number {
  return wantedLogs - accepted - refused - skipped;
}

/** Writes the result for a person. */
export function sendText(result: SendResult, sent: Sent): string {
  const { expected, url } = sent;
  const { accepted, refused, skipped, sentTwice, traces } = result;
  const unsent = unsentOf(result, expected);
  const parts = [
    [accepted, "accepted"],
    [skipped, "accepted before"],
    [refused, "refused"],
    [unsent, isBehindLimit(result) ? "beyond --limit" : "not sent"],
    [expected.logs - expected.wantedLogs, "filtered out"],
  ] as const;
  const shown = parts.filter(([n], i) => i === 0 || n !== 0);
  // Some endpoints do not take compressed requests.
  const compressed = result.sentBytes === result.bytes
    ? "not compressed"
    : `compressed ${bytes(result.sentBytes)}`;
  return [
    `${url} accepted ${pluralize(accepted, "span")} of ${
      pluralize(traces, "trace")
    } in ${elapsed(sent.tookMs)}: ${pluralize(result.requests, "request")}, ${
      bytes(result.bytes)
    }, ${compressed}`,
    ...timesText(result),
    `${count(expected.logs)} Logs in the database: ${
      shown.map(([n, what]) => `${count(n)} ${what}`).join(", ")
    }`,
    ...sentTwice === 0 ? [] : [
      `to find refused spans that the endpoint did not name, accepted ones were sent again: ${
        count(sentTwice)
      }`,
    ],
    ...expected.homelessJudgments === 0 ? [] : [
      `${
        pluralize(expected.homelessJudgments, "judgment")
      } not sent, of Logs that are not in the export`,
    ],
    ...refusalLines(result, sent),
    ...problemLines({ result, lacking: expected.lacking }),
    closing(result, unsent, sent),
  ].map((line) => `${line}\n`).join("");
}

/**
 * Makes the result for a program. Times are nanoseconds since 1970, as text.
 */
export function sendDocument(
  result: SendResult,
  { url, expected, refusalsFile, tookMs }: Sent,
): Readonly<Record<string, unknown>> {
  const { ended: _, oldest, newest, ...counted } = result;
  return {
    endpoint: url,
    ...counted,
    oldest: oldest === null ? null : String(oldest),
    newest: newest === null ? null : String(newest),
    unsent: unsentOf(result, expected),
    logs: expected.logs,
    filteredOut: expected.logs - expected.wantedLogs,
    judgmentsWithoutLog: expected.homelessJudgments,
    ...{ lacking: expected.lacking, refusalsFile, tookMs },
  };
}

function isBehindLimit({ isLimited, ended }: SendResult): boolean {
  return isLimited && ended === null;
}

function refusalLines(
  { refused, refusals }: SendResult,
  { refusalsFile }: Sent,
): readonly string[] {
  if (refusalsFile === null) return [];
  const more = refused - refusals.length;
  return [
    `everything that is refused is listed in ${refusalsFile}${
      refused === 0 ? "" : ", such as:"
    }`,
    ...refusals.map(({ logId, reason }) => `  ${logId}: ${reason}`),
    ...more > 0 ? [`  and ${count(more)} more`] : [],
  ];
}

function closing(
  result: SendResult,
  unsent: number,
  { expected: { wantedLogs }, isResend }: Sent,
): string {
  const { refused, ended, isLimited, read } = result;
  const wanted = pluralize(wantedLogs, "span");
  if (ended === null && !isLimited && read !== wantedLogs) {
    return `the database counts ${wanted} and ${
      count(read)
    } were read: internal error, please report it`;
  }
  if (refused + unsent === 0) return `all ${wanted} are accepted`;
  const left = [
    ...refused === 0 ? [] : [`${count(refused)} refused`],
    ...unsent === 0 ? [] : [
      `${count(unsent)} ${
        isBehindLimit(result) ? "beyond --limit" : "not sent"
      }`,
    ],
  ].join(" and ");
  const options = [
    ...isBehindLimit(result) ? ["--limit"] : [],
    ...isResend ? ["--resend"] : [],
  ];
  const without = options.length === 0
    ? ""
    : ` without ${options.join(" and ")}`;
  return `of ${wanted} ${left}; the same command${without} sends what is not accepted yet, nothing twice`;
}
