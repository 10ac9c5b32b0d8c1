/** Finds out what would be written or sent, without doing it. */
import { setImmediate } from "node:timers/promises";
import { parseExactly } from "../core/text/json.ts";
import { LineWriter, SPANS_AT_ONCE } from "./file.ts";
import { logsData, type SpanRecord, tracesData } from "./spans/spans.ts";
import { SpanCounter, type Totals } from "./totals.ts";

/** The most spans of a trace that are shown. */
const SHOWN_SPANS = 20;

/** What would be written or sent. */
export interface DryRun extends Totals {
  /** Whether it is for an endpoint, which gets no events of judgments. */
  readonly isToSend: boolean;
  readonly bytes: number;
  readonly longestLine: number;
  /** The spans of one trace: the first with several, else the first. */
  readonly sample: readonly string[];
  /** How many more spans that trace has. */
  readonly more: number;
}

/**
 * Counts all spans and keeps a sample.
 *
 * @throws The signal's reason when it aborts.
 */
export async function dryRun(
  spans: Iterable<SpanRecord>,
  { isToSend = false, onProgress, signal }: {
    readonly isToSend?: boolean;
    readonly onProgress?: (spans: number) => void;
    readonly signal?: AbortSignal;
  } = {},
): Promise<DryRun> {
  const counter = new SpanCounter();
  const spanLines = new LineWriter(null, tracesData);
  const judgmentLines = new LineWriter(null, logsData);
  const sampler = new Sampler();
  let read = 0;
  for (const span of spans) {
    counter.add(span);
    sampler.add(span);
    await spanLines.add(span.json);
    if (!isToSend) {
      for (const one of span.judgments) await judgmentLines.add(one);
    }
    if (++read % SPANS_AT_ONCE > 0) continue;
    onProgress?.(read);
    await setImmediate();
    signal?.throwIfAborted();
  }
  await spanLines.flush();
  await judgmentLines.flush();
  return {
    ...counter.totals(),
    ...sampler.sample(),
    isToSend,
    bytes: spanLines.bytes + judgmentLines.bytes,
    longestLine: Math.max(spanLines.longest, judgmentLines.longest),
  };
}

/** Keeps one trace: the first that has several spans, else the first. */
class Sampler {
  #first: string | null = null;
  #traceId = "";
  #spans: string[] = [];
  #count = 0;
  #isFound = false;

  add({ traceId, json }: SpanRecord): void {
    if (traceId !== this.#traceId) {
      if (this.#count > 1) this.#isFound = true;
      if (this.#isFound) return;
      this.#spans = [];
      this.#count = 0;
      this.#traceId = traceId;
    }
    this.#first ??= json;
    this.#count++;
    if (this.#spans.length < SHOWN_SPANS) this.#spans.push(json);
  }

  sample(): Pick<DryRun, "sample" | "more"> {
    if (this.#count > 1) {
      return { sample: this.#spans, more: this.#count - this.#spans.length };
    }
    return { sample: this.#first === null ? [] : [this.#first], more: 0 };
  }
}

/** Writes spans as they would be sent, but indented for a person. */
export function sampleText(sample: readonly string[]): string {
  return JSON.stringify(parseExactly(tracesData(sample)), null, 2);
}
