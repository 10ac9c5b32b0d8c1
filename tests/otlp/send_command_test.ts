import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { denoRuntime } from "../../src/core/runtime/deno_runtime.ts";
import config from "../../deno.json" with { type: "json" };
import { run } from "../helpers/program.ts";
import { exportTo } from "../report/export_to.ts";
import { writeLogs } from "./read_export.ts";
import { fewLogs } from "./few_logs.ts";
import { spanIdOf } from "../../src/otlp/spans/spans.ts";
import { partial, type ReceivedBatch, Receiver } from "./send_receiver.ts";

const SECRET = "sk-lf-very-secret-0123";
const HEADERS = {
  OTEL_EXPORTER_OTLP_HEADERS: `Authorization=Bearer%20${SECRET}`,
};

/** An export of the sample workspace, and a receiver on this machine. */
interface Setup {
  readonly dir: string;
  readonly receiver: Receiver;
  readonly url: string;
}

async function inSetup(work: (setup: Setup) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  const receiver = new Receiver();
  const options = { port: 0, hostname: "127.0.0.1", onListen: () => {} };
  const server = Deno.serve(options, receiver.handle);
  try {
    await exportTo(dir, fewLogs());
    await work({ dir, receiver, url: `http://127.0.0.1:${server.addr.port}` });
  } finally {
    await server.shutdown();
    await Deno.remove(dir, { recursive: true });
  }
}

/** Takes small batches only, so that there are many. */
function onlySmall({ bytes }: ReceivedBatch): Response | null {
  return bytes > 100_000 ? new Response(null, { status: 413 }) : null;
}

/** How many Logs the database of an export holds, after it was made. */
async function countLogs(dir: string): Promise<number> {
  const { out } = await run(["otlp", dir, "--dry-run", "--json"]);
  return JSON.parse(out).reconciled.logs;
}

const isOnce = ({ accepted }: Receiver) =>
  [...accepted.values()].every((times) => times === 1);

Deno.test("every Log is sent once, a few traces first, and the summary adds up", async () => {
  await inSetup(async ({ dir, receiver, url }) => {
    const logs = await countLogs(dir);
    const args = ["otlp", dir, "--endpoint", url, "--json"];
    const first = await run([...args, "--limit", "5"], { env: HEADERS });
    assertEquals(first.code, 0, first.err);
    const few = JSON.parse(first.out);
    assertEquals([few.traces, few.isLimited, few.logs], [5, true, logs]);
    assertEquals(few.accepted + few.unsent, logs);

    const would = await run([...args, "--dry-run"]);
    const { reconciled, spans } = JSON.parse(would.out);
    assertEquals(spans, logs - few.accepted);
    assertEquals(reconciled.acceptedBefore, few.accepted);
    assertEquals([would.code, reconciled.isComplete], [0, true]);

    const { code, out } = await run(args, { env: HEADERS });
    assertEquals(code, 0);
    const rest = JSON.parse(out);
    assertEquals(rest.skipped, few.accepted);
    assertEquals([rest.accepted, rest.unsent], [logs - few.accepted, 0]);
    assertEquals([receiver.accepted.size, isOnce(receiver)], [logs, true]);
    for (const { headers } of receiver.batches) {
      assertEquals(headers.get("authorization"), `Bearer ${SECRET}`);
      assertEquals(headers.get("x-langfuse-ingestion-version"), null);
      assertEquals(headers.get("x-api-key"), null);
    }

    const again = await run(["otlp", dir, "--endpoint", url]);
    assertEquals(again.code, 0);
    assertStringIncludes(again.out, `accepted before\nall `);
    assertEquals(receiver.accepted.size, logs);

    // What is beside the database belongs there.
    const verified = await run(["verify", dir]);
    assertEquals(verified.code, 0, verified.out);
  });
});

Deno.test("another target and --resend send everything again", async () => {
  await inSetup(async ({ dir, receiver, url }) => {
    const logs = await countLogs(dir);
    const args = ["otlp", dir, "--endpoint", `${url}/v1/traces`, "--json"];
    const accepted = async (more: readonly string[]) => {
      const { code, out, err } = await run([...args, ...more]);
      assertEquals(code, 0, err);
      return JSON.parse(out).accepted;
    };
    assertEquals(await accepted([]), logs);
    assertEquals(await accepted(["--for", "langfuse"]), logs);
    const { headers } = receiver.batches.at(-1)!;
    assertEquals(headers.get("x-langfuse-ingestion-version"), "4");
    assertEquals(await accepted([]), 0);
    assertEquals(await accepted(["--resend"]), logs);
    // The same command would forget what it has sent.
    const { out } = await run([
      ...["otlp", dir, "--endpoint", `${url}/v1/traces`],
      ...["--resend", "--limit", "2"],
    ]);
    assertStringIncludes(
      out,
      "; the same command without --limit and --resend sends what is not",
    );
  });
});

Deno.test("a dry run prints what would be sent, and shards in another order are not sent twice", async () => {
  await inSetup(async ({ dir, receiver, url }) => {
    const other = await Deno.makeTempDir();
    try {
      await writeLogs(other, { pr_x: ['{"id":"log_x"}'] });
      const send = (...more: readonly string[]) =>
        run(["otlp", ...more, "--endpoint", url, "--json"]);
      const { code, out } = await send(dir, other);
      assertEquals([code, JSON.parse(out).accepted > 1], [0, true]);
      const sent = receiver.accepted.size;
      const { out: dry } = await run([
        ...["otlp", dir, "--endpoint", `${url}/anew`, "--dry-run"],
      ]);
      assert(
        /^would send [\d,]+ spans in [\d,]+ traces, \d+ judgments? as/.test(
          dry,
        ),
        dry.slice(0, 99),
      );
      assert(/judgments? in the database: \d+ as attributes$/m.test(dry), dry);
      for (const more of [[], ["--dry-run"]]) {
        const { code, err } = await send(other, dir, ...more);
        assertEquals(code, 2);
        assertStringIncludes(
          err,
          "an earlier run sent to this endpoint is recorded",
        );
      }
      assertEquals([receiver.accepted.size, isOnce(receiver)], [sent, true]);
      assertEquals((await send(other, dir, "--resend")).code, 0);
    } finally {
      await Deno.remove(other, { recursive: true });
    }
  });
});

Deno.test("a dry run counts what is sent: new spans first, then those that were refused", async () => {
  await inSetup(async ({ receiver, url }) => {
    const dir = await Deno.makeTempDir();
    try {
      const log = (i: number) =>
        `{"id":"log_${i}","created_at":"2025-01-01T00:00:0${i}"}`;
      await writeLogs(dir, { pr_x: [log(1), log(2)] });
      const refused = spanIdOf("log_1");
      receiver.fault = ({ spans }) =>
        spans.some(({ spanId }) => spanId === refused)
          ? new Response(null, { status: 400 })
          : null;
      const args = ["otlp", dir, "--endpoint", url, "--json", "--limit", "1"];
      assertEquals((await run(args)).code, 3);
      const dry = JSON.parse((await run([...args, "--dry-run"])).out);
      assertEquals(dry.sample[0].spanId, spanIdOf("log_2"));
      assertEquals((await run(args)).code, 0);
      assertEquals([...receiver.accepted.keys()], [spanIdOf("log_2")]);
    } finally {
      await Deno.remove(dir, { recursive: true });
    }
  });
});

Deno.test("what is refused is listed and named, with exit 3, and no secret is shown", async () => {
  await inSetup(async ({ dir, receiver, url }) => {
    const bad = new Set<string>();
    receiver.fault = ({ spans, headers }) => {
      if (bad.size < 2) bad.add(spans[2]!.spanId).add(spans[5]!.spanId);
      const refused = spans.filter(({ spanId }) => bad.has(spanId));
      receiver.accept(spans.filter(({ spanId }) => !bad.has(spanId)));
      const said = refused.map(({ spanId }) => spanId).join(" ");
      return partial(
        refused.length,
        refused.length === 0
          ? ""
          : `${headers.get("authorization")} refused ${said}`,
      );
    };
    const { code, out, err } = await run(
      ["otlp", dir, "--endpoint", url, "--verbose"],
      { env: HEADERS },
    );
    assertEquals(code, 3);
    assert(!`${out}${err}`.includes(SECRET));
    assertStringIncludes(out, "2 refused");
    assertStringIncludes(out, "[key] refused");
    const names = [];
    for await (const { name } of Deno.readDir(dir)) names.push(name);
    const list = names.find((name) => name.endsWith(".refused.jsonl"))!;
    assertStringIncludes(out, join(dir, list));
    const text = await Deno.readTextFile(join(dir, list));
    const lines = text.trimEnd().split("\n").map((line) => JSON.parse(line));
    assertEquals(new Set(lines.map(({ spanId }) => spanId)), bad);
    for (const { logId } of lines) assertStringIncludes(out, `  ${logId}: `);
    assert(!text.includes(SECRET));
    assertEquals(isOnce(receiver), true);
    assertStringIncludes(
      out,
      "the same command sends what is not accepted yet",
    );
  });
});

Deno.test("wrong credentials end with exit 5, and leave no journal", async () => {
  await inSetup(async ({ dir, receiver, url }) => {
    receiver.authorization = "Bearer another";
    const { code, out, err } = await run(
      ["otlp", dir, "--endpoint", url],
      { env: HEADERS },
    );
    assertEquals([code, out], [5, ""]);
    assertStringIncludes(err, "check OTEL_EXPORTER_OTLP_HEADERS");
    assert(!err.includes(SECRET));
    for await (const { name } of Deno.readDir(dir)) {
      assert(!name.startsWith("humanloop.otlp-"), name);
    }
  });
});

Deno.test("the summary says whether what was sent was compressed", async () => {
  for (const hasGzip of [true, false]) {
    await inSetup(async ({ dir, receiver, url }) => {
      receiver.hasGzip = hasGzip;
      const { code, out } = await run(["otlp", dir, "--endpoint", url]);
      assertEquals(code, 0);
      assertEquals(out.includes(", not compressed\n"), !hasGzip, out);
      assertEquals(/, compressed [\d.]+ kB\n/.test(out), hasGzip, out);
    });
  }
});

Deno.test("an endpoint that takes protobuf only ends with exit 2 and what to do", async () => {
  await inSetup(async ({ dir, receiver, url }) => {
    receiver.fault = () => new Response("protobuf only", { status: 415 });
    const { code, err } = await run(["otlp", dir, "--endpoint", url]);
    assertEquals(code, 2);
    assertStringIncludes(err, "takes no JSON (HTTP 415: protobuf only)");
    assertStringIncludes(err, "let the OpenTelemetry collector send it");
  });
});

Deno.test("Ctrl-C ends the run after the request in flight, and prints how to continue", async () => {
  await inSetup(async ({ dir, receiver, url }) => {
    let interrupt = () => {};
    receiver.fault = (batch) => {
      const answer = onlySmall(batch);
      if (answer === null && receiver.accepted.size > 0) interrupt();
      return answer;
    };
    const { code, out, err } = await run(["otlp", dir, "--endpoint", url], {
      onInterrupt: (handler) => {
        interrupt = handler;
        return () => {};
      },
      // So that the time for the last request is not cut short.
      clock: denoRuntime().clock,
    });
    assertEquals([code, err], [130, "error: interrupted\n"]);
    assertStringIncludes(out, "not sent; the same command sends");
    const { code: next } = await run(["otlp", dir, "--endpoint", url]);
    assertEquals([next, isOnce(receiver)], [0, true]);
  });
});

Deno.test("Ctrl-C does not wait for an endpoint that does not answer", async () => {
  await inSetup(async ({ dir, receiver, url }) => {
    let interrupt = () => {};
    let requests = 0;
    const { code, err } = await run(["otlp", dir, "--endpoint", url], {
      onInterrupt: (handler) => {
        interrupt = handler;
        return () => {};
      },
      fetch: (input, init) => {
        // The first two only see whether it answers, and takes gzip.
        if (++requests < 3) return receiver.fetch(input as string, init);
        interrupt();
        return new Promise((_, reject) => {
          const signal = init!.signal!;
          signal.addEventListener("abort", () => reject(signal.reason));
        });
      },
    });
    assertEquals([code, err], [130, "error: interrupted\n"]);
    assertEquals([requests, receiver.accepted.size], [3, 0]);
  });
});

const MAIN = fromFileUrl(new URL("../../main.ts", import.meta.url));
const CONFIG = fromFileUrl(new URL("../../deno.json", import.meta.url));

/** Starts the program with the permissions of `deno task otlp`. */
function start(args: readonly string[]): Deno.ChildProcess {
  const options = config.tasks.otlp.split(" ")
    .filter((word) => word.startsWith("--"));
  return new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--no-check", "--config", CONFIG, ...options, MAIN, "otlp"],
      ...args,
    ],
    env: { NO_COLOR: "1", ...HEADERS },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

Deno.test("a run that is killed midway can be continued: all is sent, and at most one batch twice", async () => {
  await inSetup(async ({ dir, receiver, url }) => {
    const child = start([dir, "--endpoint", url]);
    const killedIn = new Set<string>();
    receiver.fault = (batch) => {
      const answer = onlySmall(batch);
      if (answer !== null || receiver.accepted.size < 50) return answer;
      if (killedIn.size === 0) child.kill("SIGKILL");
      for (const { spanId } of batch.spans) killedIn.add(spanId);
      return null;
    };
    const killed = await child.output();
    assert(!killed.success);
    receiver.fault = onlySmall;
    const before = receiver.accepted.size;
    const { code, stdout, stderr } = await start([
      ...[dir, "--endpoint", url, "--json"],
    ]).output();
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    assertEquals(code, 0, text(stderr));
    const { accepted, skipped, logs } = JSON.parse(text(stdout));
    assertEquals(accepted + skipped, logs);
    assert(skipped > 0 && skipped <= before && before < logs);
    assertEquals(receiver.accepted.size, logs);
    const twice = [...receiver.accepted].filter(([, times]) => times > 1);
    assert(twice.every(([id, times]) => times === 2 && killedIn.has(id)));
    for await (const file of Deno.readDir(dir)) {
      if (!file.name.startsWith("humanloop.otlp-")) continue;
      const bytes = await Deno.readTextFile(join(dir, file.name));
      assert(!bytes.includes(SECRET));
    }
  });
});
