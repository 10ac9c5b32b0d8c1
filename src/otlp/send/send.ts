/**
 * Sends spans to an OTLP/HTTP endpoint: in batches, in the order in which they
 * are read, each span once. A batch that the endpoint refuses is halved down to
 * single spans, so that one bad span costs no other.
 *
 * A partial success says how many spans of a batch were refused, rarely which.
 * If its message names them by their ids, the others count as accepted.
 * Otherwise the batch is halved: the only way to find out, although OTLP
 * advises against sending it again. Accepted spans are then sent again, which
 * is harmless where spans are kept by id; they are counted as sent twice. A
 * half is not sent if the other one holds all refused spans.
 */
import { Buffer } from "node:buffer";
import { setImmediate } from "node:timers/promises";
import { excerpt } from "../../api/session/failure_text.ts";
import type { ApiRequest, Session } from "../../api/session/session.ts";
import {
  ApiError,
  AuthError,
  isListRecoverable,
  NetworkError,
  UsageError,
} from "../../core/errors.ts";
import type { Level } from "../../core/observer.ts";
import {
  type Answer,
  EMPTY,
  type Endpoint,
  USE_COLLECTOR,
} from "./endpoint.ts";
import type { Journal, Refusal } from "./journal.ts";
import { type SpanRecord, tracesData } from "../spans/spans.ts";
import { SpanCounter, TimeRange, type Totals } from "../totals.ts";

/** The most bytes of a batch, before it is compressed. */
export const MOST_BATCH_BYTES = 4_000_000;
/**
 * The smallest batch, however often the endpoint says that one is too large.
 */
const LEAST_BATCH_BYTES = 64_000;
const TIMEOUT_MS = 120_000;
/** Attempts for half a batch; a whole one gets as many as any request. */
const ATTEMPTS_OF_HALF = 2;
/**
 * After so many refusals in a row the run ends: the cause is hardly the spans.
 */
const MOST_REFUSED_IN_ROW = 50;
/** How many refusals the result lists. */
const NAMED_REFUSALS = 5;
/** How many spans are read before signals and the network are handled. */
const SPANS_AT_ONCE = 500;
/** Statuses that mean that there is no endpoint at the address. */
const NO_ENDPOINT = [404, 405, 410];

/** What to send, and where. */
export interface SendOptions {
  /** Reads the spans from the beginning; those of a trace are together. */
  readonly spans: () => Iterable<SpanRecord>;
  readonly endpoint: Endpoint;
  readonly session: Session;
  readonly journal: Journal;
  /** What {@linkcode reachEndpoint} found. */
  readonly hasGzip: boolean;
  /** The most traces to send. */
  readonly limit?: number;
  readonly mostBatchBytes?: number;
  /** Ends the run after the request in flight. */
  readonly signal: AbortSignal;
  readonly log: (level: Level, message: string) => void;
  readonly onProgress?: (progress: SendResult) => void;
}

/** The result of a run. */
export interface SendResult extends Pick<Totals, "problems" | "namedProblems"> {
  /** Spans that were read: all, if the run finished without a limit. */
  readonly read: number;
  /** Accepted by the endpoint in this run. */
  readonly accepted: number;
  /** Refused for good in this run. */
  readonly refused: number;
  /** Accepted by the endpoint in an earlier run, and not sent. */
  readonly skipped: number;
  /** Traces of which this run sent a span that was accepted. */
  readonly traces: number;
  /** How often an accepted span was sent again, to find those that were refused. */
  readonly sentTwice: number;
  readonly requests: number;
  /** Bytes of the requests, before compression and as they were sent. */
  readonly bytes: number;
  readonly sentBytes: number;
  /** When the first and the last accepted span began, in nanoseconds since 1970. */
  readonly oldest: bigint | null;
  readonly newest: bigint | null;
  /** Whether spans were left out because of the limit. */
  readonly isLimited: boolean;
  /** The first of those that were refused. */
  readonly refusals: readonly Refusal[];
  /** What ended the run early; `null` if it finished. */
  readonly ended: unknown;
}

/**
 * Makes sure that an endpoint answers and accepts the credentials.
 *
 * @returns Whether it can decompress.
 * @throws As the session does.
 */
export async function reachEndpoint(
  session: Session,
  log: SendOptions["log"],
): Promise<boolean> {
  await session.reach();
  try {
    await session.get({ ...await compressed(EMPTY), attempts: 1 });
    return true;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    log("INFO", `the endpoint takes no gzip (${error.message})`);
    return false;
  }
}

/**
 * Sends all spans that the endpoint has not accepted yet; last those that it
 * refused in an earlier run.
 *
 * @returns The result, even if the run ended early.
 */
export async function sendSpans(options: SendOptions): Promise<SendResult> {
  const sender = new Sender(options);
  try {
    const hadRefused = options.journal.refused > 0;
    await sender.send("new");
    if (hadRefused) await sender.send("refused");
  } catch (error) {
    return { ...sender.result, ended: error };
  }
  return sender.result;
}

/** How to make a request. */
type Attempts = Pick<ApiRequest<unknown>, "attempts">;

/** The result for some spans. */
interface Delivery {
  /** How many of them were refused in the end. */
  readonly refused: number;
  /**
   * How many were refused by the first answer; `null` if the request failed.
   */
  readonly answered: number | null;
}

/** Sends the spans of one run, and counts them. */
class Sender {
  readonly #options: SendOptions;
  readonly #result: { -readonly [key in keyof SendResult]: SendResult[key] } = {
    ...{ read: 0, accepted: 0, refused: 0, skipped: 0, traces: 0 },
    ...{ sentTwice: 0, requests: 0, bytes: 0, sentBytes: 0 },
    ...{ oldest: null, newest: null, isLimited: false, refusals: [] },
    ...{ ended: null, problems: 0, namedProblems: [] },
  };
  readonly #read = new SpanCounter();
  /** The times at which accepted spans began. */
  readonly #accepted = new TimeRange();
  #mostBytes: number;
  #refusedInRow = 0;
  /** The ids of the spans that were refused in this run, which are not sent once more. */
  readonly #refused = new Set<string>();
  /** Traces of which something was to be sent, and the last of them. */
  #traces = 0;
  #lastTrace: string | null = null;
  #lastAccepted: string | null = null;
  /** The endpoint's last message about a batch that it accepted. */
  #said = "";

  constructor(options: SendOptions) {
    this.#options = options;
    this.#mostBytes = options.mostBatchBytes ?? MOST_BATCH_BYTES;
  }

  get result(): SendResult {
    const { problems, namedProblems } = this.#read.totals();
    return { ...this.#result, problems, namedProblems };
  }

  /** Reads the spans of this state, and sends them while the next are read. */
  async send(state: "new" | "refused"): Promise<void> {
    let batch: SpanRecord[] = [];
    let bytes = 0;
    let onItsWay: Promise<unknown> = Promise.resolve();
    const flush = async () => {
      await onItsWay;
      this.#options.signal.throwIfAborted();
      onItsWay = this.#deliver(batch, {});
      // It is awaited by the next flush, or at the end; a rejection before that
      // must not end the process.
      onItsWay.catch(() => {});
      [batch, bytes] = [[], 0];
    };
    try {
      for await (const span of this.#toSend(state)) {
        const size = Buffer.byteLength(span.json) + 1;
        if (batch.length > 0 && bytes + size > this.#roomBytes) await flush();
        batch.push(span);
        bytes += size;
      }
      if (batch.length > 0) await flush();
    } finally {
      await onItsWay;
    }
  }

  /** Reads the spans of this state, up to the limit of traces. */
  async *#toSend(state: "new" | "refused"): AsyncGenerator<SpanRecord> {
    const { spans, journal, limit = Infinity, signal } = this.#options;
    let looked = 0;
    for (const span of spans()) {
      if (++looked % SPANS_AT_ONCE === 0) {
        await setImmediate();
        signal.throwIfAborted();
        this.#options.onProgress?.(this.#result);
      }
      if (this.#refused.has(span.spanId)) continue;
      const found = journal.stateOf(span.spanId);
      const isOfNewTrace = span.traceId !== this.#lastTrace;
      if (found === state && isOfNewTrace && this.#traces === limit) {
        this.#result.isLimited = true;
        return;
      }
      if (state === "new") {
        this.#read.add(span);
        this.#result.read++;
        if (found === "accepted") this.#result.skipped++;
      }
      if (found !== state) continue;
      if (isOfNewTrace) this.#traces++;
      this.#lastTrace = span.traceId;
      yield span;
    }
  }

  get #roomBytes(): number {
    return this.#mostBytes - Buffer.byteLength(tracesData([]));
  }

  /** Sends spans; halves them if not all are accepted. */
  async #deliver(
    spans: readonly SpanRecord[],
    attempts: Attempts,
  ): Promise<Delivery> {
    const answer = await this.#post(spans, attempts);
    const answered = answer instanceof Error ? null : answer.rejected;
    if (answered === 0) return { refused: this.#accept(spans), answered };
    const named = answer instanceof Error
      ? new Set()
      : namedIn(answer.message, spans);
    const isKnown = spans.length === 1 || named.size === answered;
    const refused = isKnown
      ? this.#divide(spans, answer.message, named)
      : await this.#deliverHalves(spans, answered);
    return { refused, answered };
  }

  /** Refuses the spans that are named, or the only one, and accepts the others. */
  #divide(
    spans: readonly SpanRecord[],
    message: string,
    named: ReadonlySet<unknown>,
  ): number {
    const isRefused = (span: SpanRecord) =>
      spans.length === 1 || named.has(span);
    this.#accept(spans.filter((span) => !isRefused(span)));
    return this.#refuse(spans.filter(isRefused), message);
  }

  /**
   * Sends both halves of a batch that an endpoint did not accept as a whole.
   *
   * @param answered How many it says that it refused; `null` if it accepted
   * none.
   * @returns How many were refused.
   */
  async #deliverHalves(
    spans: readonly SpanRecord[],
    answered: number | null,
  ): Promise<number> {
    const attempts = { attempts: ATTEMPTS_OF_HALF };
    const half = spans.length >> 1;
    const isPartial = answered !== null && answered < spans.length;
    const first = await this.#deliver(spans.slice(0, half), attempts);
    if (isPartial) this.#result.sentTwice += half - first.refused;
    const rest = spans.slice(half);
    if (isPartial && first.answered === answered) {
      return first.refused + this.#accept(rest);
    }
    this.#options.signal.throwIfAborted();
    const second = await this.#deliver(rest, attempts);
    if (isPartial) this.#result.sentTwice += rest.length - second.refused;
    return first.refused + second.refused;
  }

  /**
   * Makes one request.
   *
   * @returns Its answer, or why the endpoint accepted none of the spans.
   * @throws A failure that does not concern these spans, and ends the run.
   */
  async #post(
    spans: readonly SpanRecord[],
    attempts: Attempts,
  ): Promise<Answer | Error> {
    const { session, hasGzip } = this.#options;
    const body = new TextEncoder().encode(
      tracesData(spans.map(({ json }) => json)),
    );
    const plain = {
      ...{ ...EMPTY, ...attempts, body, timeoutMs: TIMEOUT_MS },
      label: `${spans.length} spans from ${timeText(spans[0]!.startTime)} on`,
    };
    const request = hasGzip ? await compressed(plain) : plain;
    this.#result.requests++;
    this.#result.bytes += body.length;
    this.#result.sentBytes += request.body.length;
    try {
      const answer = await session.get(request);
      const rejected = Math.min(answer.rejected, spans.length);
      if (rejected === 0) this.#note(answer.message);
      return { ...answer, rejected };
    } catch (error) {
      const failure = this.#ofSpans(error);
      const isTooLarge = failure instanceof ApiError && failure.status === 413;
      // A batch that takes too long, or that a proxy cuts off, is too large as
      // well.
      if (isTooLarge || failure instanceof NetworkError) {
        this.#mostBytes = Math.max(LEAST_BATCH_BYTES, body.length >> 1);
      }
      return failure;
    }
  }

  /**
   * Makes sure that a failure may concern the spans that were sent.
   *
   * @throws The failure, or a clearer error, if it does not.
   */
  #ofSpans(error: unknown): Error {
    if (!isListRecoverable(error)) throw error;
    if (error instanceof NetworkError && error.permanent) throw error;
    if (!(error instanceof ApiError)) return error;
    const { status, message } = error;
    const { server, url } = this.#options.endpoint;
    if (status === 415) {
      throw new UsageError(
        `${url} takes no JSON (${message}); ${USE_COLLECTOR}`,
        { cause: error },
      );
    }
    if (status < 400 || NO_ENDPOINT.includes(status)) {
      throw new ApiError(
        `cannot send to ${url}: ${message}; check the address (${server.addressOption})`,
        { status, retryable: false, cause: error },
      );
    }
    const isNeverAccepted = this.#result.accepted === 0;
    if (status === 401 || status === 403 && isNeverAccepted) {
      const { name, advice } = server.credentials;
      throw new AuthError(`${url} refused ${name} (${message}); ${advice}`, {
        cause: error,
      });
    }
    return error;
  }

  #excerpt(message: string): string {
    const { secrets } = this.#options.endpoint.server;
    return excerpt(new TextEncoder().encode(message), secrets);
  }

  /** Logs what the endpoint says of accepted spans, once. */
  #note(message: string): void {
    const said = this.#excerpt(message);
    if (said === "" || said === this.#said) return;
    this.#said = said;
    this.#options.log(
      "WARN",
      `the endpoint accepted the spans and said${said}`,
    );
  }

  /** @returns How many were refused: none. */
  #accept(spans: readonly SpanRecord[]): 0 {
    const result = this.#result;
    if (spans.length === 0) return 0;
    this.#options.journal.accept(spans);
    this.#refusedInRow = 0;
    result.accepted += spans.length;
    for (const { startTime, traceId } of spans) {
      this.#accepted.add(startTime);
      if (traceId !== this.#lastAccepted) result.traces++;
      this.#lastAccepted = traceId;
    }
    result.oldest = this.#accepted.oldest;
    result.newest = this.#accepted.newest;
    this.#options.onProgress?.(result);
    return 0;
  }

  /**
   * @returns How many.
   * @throws {ApiError} When too many were refused in a row.
   */
  #refuse(spans: readonly SpanRecord[], message: string): number {
    const { journal, log } = this.#options;
    const said = this.#excerpt(message);
    const reason = said === "" ? "the endpoint gives no reason" : said.slice(2);
    for (const span of spans) {
      const { logId, traceId, spanId } = span;
      const refusal = { logId, traceId, spanId, reason };
      journal.refuse(refusal);
      this.#refused.add(spanId);
      log("INFO", `the Log ${logId} is refused: ${reason}`);
      const { refusals } = this.#result;
      if (refusals.length < NAMED_REFUSALS) {
        this.#result.refusals = [...refusals, refusal];
      }
    }
    this.#result.refused += spans.length;
    this.#refusedInRow += spans.length;
    if (this.#refusedInRow >= MOST_REFUSED_IN_ROW) {
      throw new ApiError(
        `the endpoint refused ${this.#refusedInRow} spans in a row, the last with: ${reason}; fix that, then run the same command`,
        { status: 400, retryable: false },
      );
    }
    return spans.length;
  }
}

/** Finds the spans that a message names. (The id of a Log may be any word or number.) */
function namedIn(
  message: string,
  spans: readonly SpanRecord[],
): ReadonlySet<SpanRecord> {
  const words = new Set(message.match(/[\w-]+/g));
  return new Set(
    spans.filter(({ spanId }) =>
      words.has(spanId) || words.has(spanId.toUpperCase())
    ),
  );
}

/** A request with a body. */
type Post = ApiRequest<Answer> & Required<Pick<ApiRequest<Answer>, "body">>;

async function compressed(request: Post): Promise<Post> {
  const stream = new Blob([request.body]).stream()
    .pipeThrough(new CompressionStream("gzip"));
  return {
    ...request,
    headers: { ...request.headers, "content-encoding": "gzip" },
    body: new Uint8Array(await new Response(stream).arrayBuffer()),
  };
}

function timeText(nanoseconds: bigint): string {
  return new Date(Number(nanoseconds / 1_000_000n)).toISOString();
}
