/** Counts spans as they are written, and compares them with the database. */
import type { Expected } from "./counts.ts";
import type { SpanRecord } from "./spans/spans.ts";

/** How many problems are listed; the others are only counted. */
const NAMED_PROBLEMS = 20;

/** Counts of what was read. */
export interface Totals {
  readonly traces: number;
  readonly spans: number;
  readonly judgments: number;
  /** The times at which the first and the last span began, in nanoseconds since 1970. */
  readonly oldest: bigint | null;
  readonly newest: bigint | null;
  /** Logs with a problem: how many, and the first of them in words. */
  readonly problems: number;
  readonly namedProblems: readonly string[];
}

/**
 * Keeps the first and the last of some times, except 0, which means unknown.
 */
export class TimeRange {
  oldest: bigint | null = null;
  newest: bigint | null = null;

  add(time: bigint): void {
    if (time === 0n) return;
    if (this.oldest === null || time < this.oldest) this.oldest = time;
    if (this.newest === null || time > this.newest) this.newest = time;
  }
}

/** Counts spans. */
export class SpanCounter {
  #traces = 0;
  #spans = 0;
  #judgments = 0;
  readonly #times = new TimeRange();
  #problems = 0;
  readonly #named: string[] = [];
  #traceId = "";

  add({ traceId, judgments, startTime, problem }: SpanRecord): void {
    if (traceId !== this.#traceId) this.#traces++;
    this.#traceId = traceId;
    this.#spans++;
    this.#judgments += judgments.length;
    this.#times.add(startTime);
    if (problem === undefined) return;
    this.#problems++;
    if (this.#named.length < NAMED_PROBLEMS) this.#named.push(problem);
  }

  totals(): Totals {
    return {
      ...{ traces: this.#traces, spans: this.#spans },
      ...{ judgments: this.#judgments, problems: this.#problems },
      ...{ oldest: this.#times.oldest, newest: this.#times.newest },
      namedProblems: [...this.#named],
    };
  }
}

/** What happened to the Logs and judgments of a database. */
export interface Reconciled {
  readonly logs: number;
  readonly spans: number;
  /** Logs that a filter left out. */
  readonly filteredOut: number;
  /** Logs that the endpoint accepted before, and their judgments. */
  readonly acceptedBefore: number;
  readonly judgmentsAcceptedBefore: number;
  /** Logs behind the last trace that `--limit` allows. */
  readonly beyondLimit: number;
  readonly judgments: number;
  readonly judgmentsWritten: number;
  readonly judgmentsFilteredOut: number;
  readonly judgmentsBeyondLimit: number;
  /** Judgments whose Logs are not in the database. */
  readonly judgmentsWithoutLog: number;
  /** Whether it adds up. */
  readonly isComplete: boolean;
}

/**
 * Compares what was written with what the database holds.
 *
 * @param isLimited Whether `--limit` left traces out.
 * @param before What the endpoint accepted before.
 */
export function reconcile(
  expected: Expected,
  { spans, judgments }: Totals,
  isLimited: boolean,
  before: Pick<Totals, "spans" | "judgments"> = { spans: 0, judgments: 0 },
): Reconciled {
  const { homelessJudgments } = expected;
  const wantedLogs = expected.wantedLogs - before.spans;
  const wantedJudgments = expected.wantedJudgments - before.judgments;
  const beyondLimit = isLimited ? wantedLogs - spans : 0;
  const judgmentsBeyondLimit = isLimited ? wantedJudgments - judgments : 0;
  const isComplete = wantedLogs === spans + beyondLimit && beyondLimit >= 0 &&
    wantedJudgments === judgments + judgmentsBeyondLimit &&
    judgmentsBeyondLimit >= 0 && homelessJudgments === 0;
  return {
    ...{ logs: expected.logs, spans, beyondLimit },
    filteredOut: expected.logs - expected.wantedLogs,
    acceptedBefore: before.spans,
    judgmentsAcceptedBefore: before.judgments,
    judgments: expected.judgments,
    judgmentsWritten: judgments,
    judgmentsFilteredOut: expected.judgments - expected.wantedJudgments -
      homelessJudgments,
    ...{ judgmentsBeyondLimit, judgmentsWithoutLog: homelessJudgments },
    isComplete,
  };
}
