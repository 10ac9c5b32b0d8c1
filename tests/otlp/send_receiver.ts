/** A receiver of OTLP/JSON for tests, with faults on demand. */
import type { SpanRecord } from "../../src/otlp/spans/spans.ts";

/** A span as a receiver reads it. */
export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly name: string;
}

/** One request with spans. */
export interface ReceivedBatch {
  readonly spans: readonly ReceivedSpan[];
  /** Before compression. */
  readonly bytes: number;
  readonly headers: Headers;
}

/** What a receiver does with a batch instead of taking it: an answer, or an error to throw. */
export type Fault = (
  batch: ReceivedBatch,
  n: number,
) => Response | Error | null;

/** Remembers what it accepted. */
export class Receiver {
  readonly batches: ReceivedBatch[] = [];
  /** How often each span was accepted. */
  readonly accepted = new Map<string, number>();
  fault: Fault = () => null;
  /** Whether it can decompress. */
  hasGzip = true;
  /** The `authorization` that it asks for. */
  authorization: string | null = null;

  readonly handle = async (request: Request): Promise<Response> => {
    const { headers } = request;
    const given = headers.get("authorization");
    if (this.authorization !== null && given !== this.authorization) {
      return new Response(`no access with ${given}`, { status: 401 });
    }
    const isGzip = headers.get("content-encoding") === "gzip";
    if (isGzip && !this.hasGzip) {
      return Response.json({ message: "cannot read this" }, { status: 400 });
    }
    const body = isGzip
      ? request.body!.pipeThrough(new DecompressionStream("gzip"))
      : request.body;
    const text = await new Response(body).text();
    const spans = spansOf(text);
    if (spans.length === 0) return Response.json({});
    const bytes = new TextEncoder().encode(text).length;
    const batch = { spans, bytes, headers };
    this.batches.push(batch);
    const answer = this.fault(batch, this.batches.length - 1);
    if (answer instanceof Error) throw answer;
    if (answer !== null) return answer;
    this.accept(spans);
    return Response.json({ partialSuccess: {} });
  };

  accept(spans: readonly ReceivedSpan[]): void {
    for (const { spanId } of spans) {
      this.accepted.set(spanId, (this.accepted.get(spanId) ?? 0) + 1);
    }
  }

  /** A fetch that talks to it without a network. */
  readonly fetch = async (
    input: string | URL | Request,
    init?: RequestInit,
  ): Promise<Response> => await this.handle(new Request(input, init));
}

function spansOf(text: string): ReceivedSpan[] {
  const { resourceSpans } = JSON.parse(text) as {
    readonly resourceSpans: ReadonlyArray<{
      readonly scopeSpans: ReadonlyArray<
        { readonly spans: readonly ReceivedSpan[] }
      >;
    }>;
  };
  return resourceSpans.flatMap(({ scopeSpans }) =>
    scopeSpans.flatMap(({ spans }) => spans)
  );
}

/** Answers that so many spans were refused. */
export function partial(rejectedSpans: number, errorMessage = ""): Response {
  // Protobuf's JSON writes numbers of 64 bits as text.
  const counted = { rejectedSpans: String(rejectedSpans), errorMessage };
  return Response.json({ partialSuccess: counted });
}

/** Makes spans, two a trace, of about so many bytes. */
export function makeSpans(count: number, bytes = 200): SpanRecord[] {
  return Array.from({ length: count }, (_, i) => {
    const traceId = (i >> 1).toString(16).padStart(32, "0");
    const spanId = (i + 1).toString(16).padStart(16, "0");
    const startTime = 1_700_000_000_000_000_000n + BigInt(i);
    const name = `span ${i} `.padEnd(Math.max(0, bytes - 80), "x");
    return {
      ...{ traceId, spanId, logId: `log_${i}`, startTime },
      endTime: startTime + 1n,
      json: JSON.stringify({ traceId, spanId, name }),
      judgments: [],
    };
  });
}
