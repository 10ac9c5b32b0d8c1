import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { Session } from "../../src/api/session/session.ts";
import { denoRuntime } from "../../src/core/runtime/deno_runtime.ts";
import {
  ApiError,
  AuthError,
  isOutage,
  UsageError,
} from "../../src/core/errors.ts";
import {
  MOST_BATCH_BYTES,
  reachEndpoint,
  type SendOptions,
  type SendResult,
  sendSpans,
} from "../../src/otlp/send/send.ts";
import { readEndpoint } from "../../src/otlp/send/endpoint.ts";
import {
  Journal,
  journalPath,
  refusalsPath,
} from "../../src/otlp/send/journal.ts";
import type { SpanRecord } from "../../src/otlp/spans/spans.ts";
import { VirtualClock } from "../helpers/clock.ts";
import { type Recorder, recorder } from "../helpers/observer.ts";
import { makeSpans, partial, Receiver } from "./send_receiver.ts";

const { disk } = denoRuntime();
const URL = "https://otlp.test/v1/traces";
const SECRET = "sk-lf-very-secret-0123";

/** A directory with a database to be, a receiver, and what a run needs. */
interface Setup {
  readonly receiver: Receiver;
  readonly clock: VirtualClock;
  readonly observer: Recorder;
  readonly database: string;
  readonly stop: AbortController;
  /** Sends, as one run of the program does. */
  send(
    spans: readonly SpanRecord[],
    options?: Partial<SendOptions> & { readonly headers?: string },
  ): Promise<SendResult>;
}

/** What a run has sent that did not begin. */
const NOTHING = {
  ...{ read: 0, accepted: 0, refused: 0, skipped: 0, traces: 0, problems: 0 },
  ...{ sentTwice: 0, requests: 0, bytes: 0, sentBytes: 0, oldest: null },
  ...{ newest: null, isLimited: false, refusals: [], namedProblems: [] },
};

async function inSetup(work: (setup: Setup) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  const receiver = new Receiver();
  const observer = recorder();
  const clock = new VirtualClock();
  const database = join(dir, "humanloop.db");
  const stop = new AbortController();
  try {
    await work({
      ...{ receiver, clock, observer, database, stop },
      send: async (spans, { headers, ...options } = {}) => {
        const endpoint = readEndpoint(URL, headers, null);
        const path = journalPath(database, endpoint);
        const { fetch } = receiver;
        const { signal } = stop;
        const session = new Session({
          runtime: { fetch, clock, random: () => 1 },
          ...{ observer, apiUrl: endpoint.url, server: endpoint.server },
          ...{ concurrency: 1, patienceMs: 600_000 },
          signal: new AbortController().signal,
        });
        const { log } = observer;
        const reached = await reachEndpoint(session, log)
          .catch((ended: Error) => ended);
        if (reached instanceof Error) return { ...NOTHING, ended: reached };
        using journal = await Journal.open(disk, path, endpoint);
        const result = await sendSpans({
          ...{ spans: () => spans, endpoint, session, journal, signal, log },
          hasGzip: reached,
          ...options,
        });
        await journal.writeRefusals(disk);
        return result;
      },
    });
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

/** The numbers of a result. */
function counts(result: SendResult) {
  const { read, accepted, refused, skipped, traces, sentTwice } = result;
  return { read, accepted, refused, skipped, traces, sentTwice };
}

/** The ids of spans, each accepted once. */
function once(spans: readonly SpanRecord[]) {
  return new Map(spans.map(({ spanId }) => [spanId, 1]));
}

const all = (spans: readonly SpanRecord[]) => ({
  ...{ read: spans.length, accepted: spans.length, refused: 0, skipped: 0 },
  ...{ traces: spans.length / 2, sentTwice: 0 },
});

Deno.test("spans are sent in order, compressed, in batches of a bounded size", async () => {
  await inSetup(async ({ receiver, send }) => {
    const spans = makeSpans(100, 1000);
    const result = await send(spans, { mostBatchBytes: 20_000 });
    assertEquals(result.ended, null);
    assertEquals(counts(result), all(spans));
    assertEquals(receiver.accepted, once(spans));
    const sent = receiver.batches.flatMap((batch) => batch.spans);
    assertEquals(
      sent.map(({ spanId }) => spanId),
      spans.map(({ spanId }) => spanId),
    );
    assert(receiver.batches.length <= 7);
    for (const { bytes, headers } of receiver.batches) {
      assert(bytes <= 20_000, `${bytes} bytes`);
      assertEquals(headers.get("content-encoding"), "gzip");
      assertEquals(headers.get("content-type"), "application/json");
    }
    assertEquals(result.requests, receiver.batches.length);
    assertEquals(
      result.bytes,
      receiver.batches.reduce((sum, { bytes }) => sum + bytes, 0),
    );
    assert(result.sentBytes < result.bytes / 2);
    assertEquals(result.oldest, spans[0]!.startTime);
    assertEquals(result.newest, spans.at(-1)!.startTime);
  });
});

Deno.test("a span that is larger than a batch goes alone", async () => {
  await inSetup(async ({ receiver, send }) => {
    const small = makeSpans(3);
    const [, large] = makeSpans(2, MOST_BATCH_BYTES + 1000);
    const spans = [small[0]!, large!, small[2]!];
    const result = await send(spans);
    assertEquals(result.ended, null);
    assertEquals(receiver.batches.map(({ spans }) => spans.length), [1, 1, 1]);
    assertEquals(receiver.accepted, once(spans));
  });
});

Deno.test("the next run sends what is new, and not what was accepted", async () => {
  await inSetup(async ({ receiver, send }) => {
    const spans = makeSpans(20);
    await send(spans.slice(0, 10));
    const result = await send(spans);
    assertEquals(counts(result), {
      ...{ read: 20, accepted: 10, refused: 0, skipped: 10 },
      ...{ traces: 5, sentTwice: 0 },
    });
    assertEquals(receiver.accepted, once(spans));
  });
});

Deno.test("a limit sends so many traces, and runs without it the others", async () => {
  await inSetup(async ({ receiver, send }) => {
    const spans = makeSpans(20);
    const first = await send(spans, { limit: 3 });
    assertEquals([first.accepted, first.traces, first.isLimited], [6, 3, true]);
    assertEquals(receiver.accepted, once(spans.slice(0, 6)));
    const second = await send(spans, { limit: 2 });
    assertEquals([second.accepted, second.skipped], [4, 6]);
    const last = await send(spans);
    assertEquals([last.accepted, last.skipped], [10, 10]);
    assertEquals(last.isLimited, false);
    assertEquals(receiver.accepted, once(spans));
  });
});

Deno.test("a 429 is waited for as long as Retry-After says", async () => {
  await inSetup(async ({ receiver, clock, send }) => {
    const startMs = clock.monotonicMs();
    const times: number[] = [];
    receiver.fault = (_, n) => {
      times.push(clock.monotonicMs() - startMs);
      const headers = { "retry-after": "120" };
      return n === 0
        ? new Response("slow down", { status: 429, headers })
        : null;
    };
    const spans = makeSpans(4);
    const result = await send(spans);
    assertEquals(counts(result), all(spans));
    assertEquals(times.length, 2);
    assert(times[1]! - times[0]! >= 120_000);
  });
});

Deno.test("an endpoint that is down is waited for", async () => {
  await inSetup(async ({ receiver, observer, send }) => {
    receiver.fault = (_, n) =>
      n < 3 ? new Response(null, { status: 503 }) : null;
    const spans = makeSpans(4);
    assertEquals(counts(await send(spans)), all(spans));
    assertEquals(receiver.batches.length, 4);
    assertStringIncludes(
      observer.lines.map(({ message }) => message).join("\n"),
      "HTTP 503",
    );
  });
});

Deno.test("a request whose connection is cut is retried", async () => {
  await inSetup(async ({ receiver, send }) => {
    receiver.fault = (_, n) =>
      n === 0 ? new TypeError("connection reset by peer") : null;
    const spans = makeSpans(4);
    assertEquals(counts(await send(spans)), all(spans));
    assertEquals(receiver.accepted, once(spans));
  });
});

Deno.test("an endpoint that stays down ends the run, and the next one continues", async () => {
  await inSetup(async ({ receiver, send }) => {
    const spans = makeSpans(40, 1000);
    const up = receiver.fetch;
    let isUp = true;
    const handle: typeof up = (input, init) => {
      if (!isUp) throw new TypeError("connection refused");
      return up(input, init);
    };
    Object.defineProperty(receiver, "fetch", { value: handle });
    receiver.fault = (_, n) => {
      isUp = n < 1;
      return isUp ? null : new TypeError("connection reset");
    };
    const result = await send(spans, { mostBatchBytes: 20_000 });
    assert(isOutage(result.ended), String(result.ended));
    assert(result.accepted > 0 && result.accepted < spans.length);
    assertEquals(result.refused, 0);
    isUp = true;
    receiver.fault = () => null;
    const next = await send(spans);
    assertEquals(next.skipped, result.accepted);
    assertEquals(receiver.accepted, once(spans));
  });
});

Deno.test("a batch that is too large is halved, and later ones are smaller", async () => {
  await inSetup(async ({ receiver, send }) => {
    receiver.fault = ({ bytes }) =>
      bytes > 150_000 ? new Response(null, { status: 413 }) : null;
    const spans = makeSpans(500, 2000);
    const result = await send(spans, { mostBatchBytes: 400_000 });
    assertEquals(counts(result), all(spans));
    assertEquals(receiver.accepted, once(spans));
    // The second batch was made while the first was on its way.
    const tooLarge = receiver.batches.filter(({ bytes }) => bytes > 150_000);
    assert(tooLarge.length <= 6, `${tooLarge.length} too large`);
  });
});

Deno.test("one malformed span that gets its batch refused costs no other span", async () => {
  await inSetup(async ({ receiver, database, send }) => {
    const spans = makeSpans(33);
    const bad = spans[20]!;
    const hasBad = (ids: readonly { readonly spanId: string }[]) =>
      ids.some(({ spanId }) => spanId === bad.spanId);
    receiver.fault = ({ spans }) =>
      hasBad(spans)
        ? Response.json({ message: "cannot parse span" }, { status: 400 })
        : null;
    const result = await send(spans);
    assertEquals([result.accepted, result.refused], [32, 1]);
    const { logId, traceId, spanId } = bad;
    const reason = `HTTP 400: {"message":"cannot parse span"}`;
    const refusal = { logId, traceId, spanId, reason };
    assertEquals(result.refusals, [refusal]);
    assertEquals(
      receiver.accepted,
      once(spans.filter((span) => span !== bad)),
    );
    const list = refusalsPath(
      journalPath(database, { url: URL, target: null }),
    );
    assertEquals(JSON.parse(await Deno.readTextFile(list)), refusal);

    // The next run tries it once more, after what is new, and the list follows.
    receiver.fault = () => null;
    const next = await send(spans);
    assertEquals([next.accepted, next.skipped, next.refused], [1, 32, 0]);
    assertEquals(receiver.accepted, once(spans));
    assertEquals(await Deno.readTextFile(list), "");
  });
});

/** Refuses these spans by a partial success, and takes the others. */
function refusing(receiver: Receiver, bad: readonly SpanRecord[], text = "") {
  const ids = new Set(bad.map(({ spanId }) => spanId));
  receiver.fault = ({ spans }) => {
    const good = spans.filter(({ spanId }) => !ids.has(spanId));
    receiver.accept(good);
    return partial(spans.length - good.length, text);
  };
}

Deno.test("a partial success that names what it refused makes no further request", async () => {
  await inSetup(async ({ receiver, send }) => {
    const spans = makeSpans(10);
    const bad = [spans[3]!, spans[7]!];
    const names = bad.map(({ spanId }) => spanId).join(", ");
    refusing(receiver, bad, `too old: ${names}.`);
    const result = await send(spans);
    assertEquals([result.accepted, result.refused], [8, 2]);
    assertEquals(result.sentTwice, 0);
    assertEquals(receiver.batches.length, 1);
    assertEquals(result.refusals.map(({ logId }) => logId), ["log_3", "log_7"]);
    assertEquals(result.refusals[0]!.reason, `too old: ${names}.`);
  });
});

Deno.test("a number in a message is not taken for the id of a Log", async () => {
  await inSetup(async ({ receiver, send }) => {
    const spans = makeSpans(8).map((span, i) => ({ ...span, logId: `${i}` }));
    refusing(receiver, [spans[6]!], "1 span was rejected");
    const result = await send(spans);
    assertEquals(result.refusals.map(({ logId }) => logId), ["6"]);
    assertEquals([result.accepted, receiver.accepted.size], [7, 7]);
  });
});

Deno.test("what is refused in a run is refused once, also where an earlier run had refusals", async () => {
  await inSetup(async ({ receiver, send }) => {
    const spans = makeSpans(8);
    refusing(receiver, [spans[0]!, spans[6]!]);
    const first = await send(spans, { limit: 1 });
    assertEquals([first.accepted, first.refused], [1, 1]);
    const result = await send(spans);
    assertEquals(counts(result), {
      ...{ read: 8, accepted: 5, refused: 2, skipped: 1 },
      ...{ traces: 3, sentTwice: result.sentTwice },
    });
  });
});

Deno.test("a trace of which nothing was accepted does not count as accepted", async () => {
  await inSetup(async ({ receiver, send }) => {
    const spans = makeSpans(8);
    refusing(receiver, spans.slice(2, 4));
    const result = await send(spans);
    assertEquals([result.accepted, result.refused, result.traces], [6, 2, 3]);
    receiver.fault = () => new Response(null, { status: 404 });
    const more = makeSpans(12);
    const none = await send(more);
    assertEquals([none.accepted, none.traces], [0, 0]);
  });
});

Deno.test("a partial success that names nothing is halved, and what is sent twice is counted", async () => {
  await inSetup(async ({ receiver, send }) => {
    const spans = makeSpans(16);
    const bad = [spans[2]!];
    refusing(receiver, bad, "one is bad");
    const result = await send(spans);
    assertEquals([result.accepted, result.refused], [15, 1]);
    assertEquals(result.refusals.map(({ logId }) => logId), ["log_2"]);
    const extra = [...receiver.accepted.values()].map((n) => n - 1);
    assertEquals(result.sentTwice, extra.reduce((a, b) => a + b, 0));
    // The half without the bad span is never sent alone.
    assertEquals(receiver.accepted.get(spans[15]!.spanId), 1);
    assertEquals(receiver.accepted.size, 15);
    const next = await send(spans);
    assertEquals([next.skipped, next.accepted, next.refused], [15, 0, 1]);
  });
});

Deno.test("several refused spans are found wherever they are in a batch", async () => {
  for (const at of [[0], [15], [0, 15], [7, 8], [1, 2, 3, 9, 14]]) {
    await inSetup(async ({ receiver, send }) => {
      const spans = makeSpans(16);
      const bad = at.map((i) => spans[i]!);
      refusing(receiver, bad);
      const result = await send(spans);
      assertEquals(
        result.refusals.map(({ logId }) => logId),
        bad.map(({ logId }) => logId),
      );
      assertEquals([result.accepted, result.refused], [
        16 - at.length,
        at.length,
      ]);
      const extra = [...receiver.accepted.values()].map((n) => n - 1);
      assertEquals(result.sentTwice, extra.reduce((a, b) => a + b, 0));
    });
  }
});

Deno.test("a refusal of another kind does not hide one that a partial success counts", async () => {
  await inSetup(async ({ receiver, send }) => {
    const spans = makeSpans(16);
    const [malformed, old] = [spans[1]!.spanId, spans[12]!.spanId];
    receiver.fault = ({ spans }) => {
      // It says so of small batches only.
      const isMalformed = spans.some(({ spanId }) => spanId === malformed);
      if (isMalformed && spans.length <= 8) {
        return Response.json({ error: "malformed" }, { status: 400 });
      }
      const good = spans.filter(({ spanId }) => spanId !== old);
      receiver.accept(good);
      return partial(spans.length - good.length);
    };
    const result = await send(spans);
    assertEquals(
      result.refusals.map(({ logId }) => logId),
      ["log_1", "log_12"],
    );
    assertEquals([result.accepted, result.refused], [14, 2]);
  });
});

Deno.test("a warning of the endpoint is logged, and the spans count as accepted", async () => {
  await inSetup(async ({ receiver, observer, send }) => {
    receiver.fault = ({ spans }) => {
      receiver.accept(spans);
      return partial(0, "use protobuf");
    };
    const spans = makeSpans(4);
    assertEquals(counts(await send(spans)), all(spans));
    const warnings = observer.lines.filter(({ level }) => level === "WARN");
    assertEquals(warnings.map(({ message }) => message), [
      "the endpoint accepted the spans and said: use protobuf",
    ]);
  });
});

Deno.test("an endpoint that refuses everything ends the run, and the next run continues after them", async () => {
  await inSetup(async ({ receiver, send }) => {
    const spans = makeSpans(160);
    const old = new Set(spans.slice(0, 80).map(({ spanId }) => spanId));
    receiver.fault = ({ spans }) =>
      spans.some(({ spanId }) => old.has(spanId))
        ? Response.json({ error: "too old" }, { status: 422 })
        : null;
    const options = { mostBatchBytes: 4000 };
    const result = await send(spans, options);
    assert(result.ended instanceof ApiError);
    assertStringIncludes(result.ended.message, "refused 50 spans in a row");
    assertEquals([result.accepted, result.refused], [0, 50]);
    const next = await send(spans, options);
    assertEquals([next.accepted, next.refused], [80, 80]);
    assertEquals(receiver.accepted, once(spans.slice(80)));
  });
});

Deno.test("an endpoint that takes no JSON is named at once, with what to do", async () => {
  await inSetup(async ({ receiver, send }) => {
    receiver.fault = () => new Response("protobuf only", { status: 415 });
    const result = await send(makeSpans(10));
    assert(result.ended instanceof UsageError);
    assertEquals(
      result.ended.message,
      `${URL} takes no JSON (HTTP 415: protobuf only); write a file with --to and let the OpenTelemetry collector send it (see hl-export help otlp)`,
    );
    assertEquals([result.refused, receiver.batches.length], [0, 1]);
  });
});

Deno.test("an address without an endpoint is named as such", async () => {
  for (
    const [response, said] of [
      [() => new Response(null, { status: 404 }), "HTTP 404"],
      [() => new Response("<html>"), "a web page instead of an answer of OTLP"],
    ] as const
  ) {
    await inSetup(async ({ receiver, send }) => {
      Object.defineProperty(receiver, "fetch", {
        value: () => Promise.resolve(response()),
      });
      const { ended } = await send(makeSpans(2));
      assert(ended instanceof Error);
      assertStringIncludes(
        ended.message,
        `cannot reach the endpoint at ${URL}: ${said}`,
      );
      assertStringIncludes(
        ended.message,
        "check the address (--endpoint; most end in /v1/traces)",
      );
    });
  }
});

Deno.test("no message of a run takes the endpoint for Humanloop's API", async () => {
  const far = { "retry-after": "7200" };
  const away = { location: "https://other.test/" };
  const answers: Record<string, () => Response | Error> = {
    "has not answered": () => new Response(null, { status: 503 }),
    "refuses requests": () => new Response(null, { status: 429, headers: far }),
    "redirects to another origin": () =>
      new Response(null, { status: 307, headers: away }),
    "refused a request without": () => Response.json({}, { status: 403 }),
    "the connection was refused": () => new TypeError("connection refused"),
  };
  for (const [said, answer] of Object.entries(answers)) {
    for (const isReached of [false, true]) {
      await inSetup(async ({ receiver, observer, send }) => {
        const up = receiver.fetch;
        let requests = 0;
        const fetch: typeof up = (input, init) => {
          if (isReached && requests++ < 3) return up(input, init);
          const given = answer();
          return given instanceof Error
            ? Promise.reject(given)
            : Promise.resolve(given);
        };
        Object.defineProperty(receiver, "fetch", { value: fetch });
        const { ended } = await send(makeSpans(40, 1000), {
          mostBatchBytes: 20_000,
        });
        assert(ended instanceof Error, said);
        const lines = [
          ended.message,
          ...observer.lines.map((one) => one.message),
        ];
        for (const line of lines) {
          assert(!/\bAPI\b|\bresume\b/.test(line), line);
        }
        const isOutage = said === "has not answered";
        if (isOutage && !isReached) return;
        assertStringIncludes(ended.message, said);
        assertStringIncludes(ended.message, "endpoint");
      });
    }
  }
});

Deno.test("an endpoint that cannot decompress gets plain bytes", async () => {
  await inSetup(async ({ receiver, send }) => {
    receiver.hasGzip = false;
    const spans = makeSpans(10);
    const result = await send(spans);
    assertEquals(counts(result), all(spans));
    assertEquals(receiver.accepted, once(spans));
    assertEquals(result.bytes, result.sentBytes);
  });
});

Deno.test("wrong credentials end the run, mark nothing and are never repeated", async () => {
  await inSetup(async ({ receiver, observer, send }) => {
    receiver.authorization = "Basic other";
    const headers = `authorization=Bearer%20${SECRET}`;
    const result = await send(makeSpans(10), { headers });
    assert(result.ended instanceof AuthError);
    assertEquals(
      result.ended.message,
      "the endpoint refused the credentials (HTTP 401: no access with [key]); check OTEL_EXPORTER_OTLP_HEADERS; nothing that was not accepted is marked as sent",
    );
    assertEquals(counts(result), {
      ...{ read: 0, accepted: 0, refused: 0, skipped: 0 },
      ...{ traces: 0, sentTwice: 0 },
    });
    assert(!JSON.stringify(observer.lines).includes(SECRET));
    receiver.authorization = `Bearer ${SECRET}`;
    const next = await send(makeSpans(10), { headers });
    assertEquals(next.accepted, 10);
  });
});

Deno.test("credentials that are refused midway end the run", async () => {
  await inSetup(async ({ receiver, send }) => {
    receiver.authorization = `Bearer ${SECRET}`;
    receiver.fault = ({ spans }, n) => {
      if (n < 1) return null;
      receiver.authorization = "revoked";
      return Response.json({ spans: spans.length }, { status: 401 });
    };
    const result = await send(makeSpans(40, 1000), {
      ...{ headers: `authorization=Bearer%20${SECRET}` },
      mostBatchBytes: 20_000,
    });
    assert(result.ended instanceof AuthError);
    assertEquals(result.refused, 0);
    assert(result.accepted > 0);
  });
});

Deno.test("a secret that the endpoint repeats is in no list and no message", async () => {
  await inSetup(async ({ receiver, observer, database, send }) => {
    const login = btoa(`pk-lf-1:${SECRET}`);
    receiver.fault = ({ headers }) =>
      partial(1, `${headers.get("authorization")} ${SECRET}`);
    const headers = `authorization=Basic%20${encodeURIComponent(login)}`;
    const result = await send(makeSpans(1), { headers });
    assertEquals(result.refusals[0]!.reason, "[key] [key]");
    const path = journalPath(database, { url: URL, target: null });
    for (const file of [path, refusalsPath(path)]) {
      const text = await Deno.readTextFile(file);
      assert(!text.includes(SECRET) && !text.includes(login), file);
    }
    assert(!JSON.stringify(observer.lines).includes(SECRET));
  });
});

Deno.test("an interruption ends the run after the request in flight", async () => {
  await inSetup(async ({ receiver, stop, send }) => {
    const spans = makeSpans(100, 1000);
    receiver.fault = (_, n) => {
      if (n === 1) stop.abort();
      return null;
    };
    const result = await send(spans, { mostBatchBytes: 20_000 });
    assert(result.ended instanceof DOMException);
    assert(result.accepted < spans.length);
    assertEquals(result.accepted, receiver.accepted.size);
  });
});

Deno.test("two runs do not send to one endpoint at once", async () => {
  await inSetup(async ({ database, send }) => {
    const endpoint = { url: URL, target: null };
    const path = journalPath(database, endpoint);
    using _journal = await Journal.open(disk, path, endpoint);
    const error = await send(makeSpans(2)).catch((error) => error);
    assert(error instanceof UsageError);
    assertStringIncludes(error.message, "another run is sending");
  });
});
