import { assert, assertEquals, assertRejects } from "@std/assert";
import type { ListSpec } from "../../src/api/page.ts";
import { usablePageSize } from "../../src/api/page.ts";
import { openWalk } from "../../src/api/open_walk.ts";
import type { WalkEvent } from "../../src/api/walk_types.ts";
import { stringField } from "../../src/api/fields.ts";
import { NetworkError, ProtocolError } from "../../src/errors.ts";
import { json, type Stubbed, stubbed } from "../helpers/stub.ts";

const SPEC: ListSpec<{ id: string }> = {
  what: "Logs of pr_1",
  path: "/logs",
  query: [["file_id", "pr_1"]],
  pageSize: 100,
  read: (value) => ({ id: stringField(value, "id") }),
  key: ({ id }) => id,
};
const START = { skip: 0, recent: [] };

/** A list of `length` records named by their numbers. */
function page(url: URL, length: number, cap = Infinity) {
  const number = Number(url.searchParams.get("page"));
  const size = Math.min(Number(url.searchParams.get("size")), cap);
  const ids = Array.from({ length: size }, (_, i) => (number - 1) * size + i);
  const records = ids.filter((id) => id < length).map((id) => ({
    id: `${id}`,
  }));
  return { records, page: number, size, total: length };
}

async function walkAll(
  { walk }: Stubbed,
  start: { skip: number; recent: string[] } = { ...START },
) {
  using list = await openWalk(walk, SPEC, start);
  const events: WalkEvent<{ id: string }>[] = [];
  for await (const event of list) events.push(event);
  const ids = events.flatMap((event) =>
    event.kind === "records" ? event.records.map(({ info }) => info.id) : []
  );
  const gaps = events.flatMap((event) => event.kind === "gap" ? event.gap : []);
  return { list, ids, gaps };
}

const numbers = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => `${from + i}`);
const pages = ({ seen }: Stubbed) =>
  seen.map(({ url }) => Number(url.searchParams.get("page")));

for (
  const [length, requests] of [[0, 1], [1, 1], [99, 1], [100, 1], [101, 2], [
    2500,
    25,
  ]]
) {
  Deno.test(`${length} records come in order from ${requests} requests, none past the end`, async () => {
    const stub = stubbed((url) => json(page(url, length!)));
    const { ids, gaps, list } = await walkAll(stub);
    assertEquals(ids, numbers(0, length!));
    assertEquals([gaps.length, list.changed, stub.seen.length], [
      0,
      false,
      requests,
    ]);
  });
}

Deno.test("pages that arrive out of order are yielded in order", async () => {
  const stub = stubbed(async (url) => {
    const late = 30 - Number(url.searchParams.get("page"));
    for (let i = 0; i < late; i++) await Promise.resolve();
    return json(page(url, 2950));
  }, { concurrency: 8 });
  assertEquals((await walkAll(stub)).ids, numbers(0, 2950));
});

Deno.test("requests fly on while a page waits for its next try: no barrier", async () => {
  let failed = false;
  const stub: Stubbed = stubbed((url) => {
    if (url.searchParams.get("page") === "2" && !failed) {
      failed = true;
      return new Response("", { status: 500 });
    }
    return json(page(url, 1500));
  }, { concurrency: 2 });
  const { ids } = await walkAll(stub);
  assertEquals(ids, numbers(0, 1500));
  const [second, again] = stub.seen.filter(({ url }) =>
    url.searchParams.get("page") === "2"
  );
  const between = stub.seen.slice(
    stub.seen.indexOf(second!) + 1,
    stub.seen.indexOf(again!),
  );
  assert(between.length >= 6, `${between.length} requests went on`);
});

Deno.test("the server's size is believed where it gives fewer", async () => {
  const stub = stubbed((url) => json(page(url, 130, 40)));
  const { ids } = await walkAll(stub);
  assertEquals(ids, numbers(0, 130));
  assertEquals(pages(stub), [1, 2, 3, 4]);
});

Deno.test("a size that does not divide a chunk gives way to the next that does", async () => {
  const stub = stubbed((url) => json(page(url, 130, 30)));
  assertEquals((await walkAll(stub)).ids, numbers(0, 130));
  assertEquals(stub.seen.at(-1)!.url.searchParams.get("size"), "25");
  assertEquals([30, 999, 1000, 4000, 3, 1, 49].map(usablePageSize), [
    25,
    500,
    1000,
    1000,
    2,
    1,
    40,
  ]);
});

Deno.test("a walk that goes on behind a chunk fetches nothing before it", async () => {
  const stub = stubbed((url) => json(page(url, 2150)));
  const { ids } = await walkAll(stub, { skip: 1000, recent: [] });
  assertEquals(ids, numbers(1000, 2150));
  assertEquals(Math.min(...pages(stub)), 11);
});

Deno.test("it does so too where the server gives fewer a page", async () => {
  const stub = stubbed((url) => json(page(url, 1150, 50)));
  const { ids } = await walkAll(stub, { skip: 1000, recent: [] });
  assertEquals(ids, numbers(1000, 1150));
  assertEquals(pages(stub), [11, 21, 22, 23]);
});

Deno.test("a page that always fails is a gap in its place, and the rest comes", async () => {
  const stub = stubbed((url) =>
    url.searchParams.get("page") === "7"
      ? new Response("", { status: 500 })
      : json(page(url, 2500))
  );
  const { ids, gaps } = await walkAll(stub);
  assertEquals(ids, [...numbers(0, 600), ...numbers(700, 2500)]);
  assertEquals(gaps, [
    { offset: 600, count: 100, kept: 0, pageSize: 100, reason: "HTTP 500" },
  ]);
});

for (const [length, want] of [[2500, 100], [60, 60]] as const) {
  Deno.test(`a first page of ${length} records that always fails is a gap like any other`, async () => {
    const stub = stubbed((url) =>
      url.searchParams.get("page") === "1"
        ? new Response("", { status: 500 })
        : json(page(url, length))
    );
    const { ids, gaps } = await walkAll(stub);
    assertEquals(ids, numbers(100, length));
    assertEquals(gaps, [
      { offset: 0, count: want, kept: 0, pageSize: 100, reason: "HTTP 500" },
    ]);
  });
}

Deno.test("a list whose first page cannot be reached is not asked for its second", async () => {
  const stub = stubbed(() => new TypeError("connection refused"));
  await assertRejects(() => walkAll(stub), NetworkError, "refused");
  assertEquals(new Set(pages(stub)), new Set([1]));
});

Deno.test("a short page is no last page: it is tried again, then a gap that keeps what came", async () => {
  const stub = stubbed((url) => {
    const answer = page(url, 250);
    if (answer.page === 2) answer.records = answer.records.slice(0, 60);
    return json(answer);
  });
  const { ids, gaps } = await walkAll(stub);
  assertEquals(ids, [...numbers(0, 160), ...numbers(200, 250)]);
  assertEquals(gaps.map(({ offset, count, kept }) => [offset, count, kept]), [
    [100, 100, 60],
  ]);
  assertEquals(pages(stub).filter((number) => number === 2).length, 5);
});

Deno.test("a total that promises too much ends in a gap", async () => {
  const stub = stubbed((url) => json({ ...page(url, 150), total: 320 }));
  const { ids, gaps } = await walkAll(stub);
  assertEquals(ids, numbers(0, 150));
  assertEquals(gaps.map(({ count, kept }) => count - kept), [50, 100, 20]);
});

Deno.test("a total that changes on the way is noticed, and a repeated record left out", async () => {
  const stub = stubbed((url) => {
    const number = Number(url.searchParams.get("page"));
    if (number === 1) return json(page(url, 300));
    // One record came in at the head of the list.
    const records = numbers((number - 1) * 100 - 1, number * 100 - 1)
      .filter((id) => Number(id) < 300).map((id) => ({ id }));
    return json({ records, page: number, size: 100, total: 301 });
  });
  const { ids, list } = await walkAll(stub);
  assertEquals(ids, numbers(0, 300));
  assertEquals([list.changed, list.repeated, list.total], [true, 1, 301]);
});

const BAD_ENVELOPES: ReadonlyArray<readonly [string, Record<string, unknown>]> =
  [
    ["no total", { records: [], page: 1, size: 100 }],
    ["a total that is no count", {
      records: [],
      page: 1,
      size: 100,
      total: -1,
    }],
    ["another page", { records: [], page: 3, size: 100, total: 0 }],
    ["a size of nothing", { records: [], page: 1, size: 0, total: 0 }],
    ["more records than its size", {
      records: [{ id: "1" }, { id: "2" }],
      page: 1,
      size: 1,
      total: 2,
    }],
    ["a record without an id", { records: [{}], page: 1, size: 100, total: 1 }],
  ];
for (const [name, envelope] of BAD_ENVELOPES) {
  Deno.test(`${name}: a typed error after five tries a page`, async () => {
    const stub = stubbed(() => json(envelope));
    await assertRejects(() => walkAll(stub), ProtocolError);
    // The next page might have told the total.
    assertEquals(stub.seen.length, 10);
  });
}

Deno.test("absent or null page and size are no error, nor are unknown fields", async () => {
  const stub = stubbed((url) => {
    const { records, total } = page(url, 150);
    return json({ extra: [1], records, total, size: null });
  });
  assertEquals((await walkAll(stub)).ids, numbers(0, 150));
});

Deno.test("the bytes in flight are bounded, and the walk still ends", async () => {
  let held = 0;
  let most = 0;
  const big = "x".repeat(1000);
  const stub = stubbed((url) => {
    held++;
    most = Math.max(most, held);
    const answer = page(url, 3000);
    const records = answer.records.map((record) => ({ ...record, big }));
    return json({ ...answer, records });
  }, { budget: 500_000, concurrency: 16 });
  using list = await openWalk(stub.walk, SPEC, START);
  let records = 0;
  for await (const event of list) {
    await new Promise((resolve) => setTimeout(resolve, 0));
    if (event.kind === "records") records += event.records.length;
    held--;
  }
  assertEquals(records, 3000);
  assert(most <= 6, `${most} pages of 100 kB were held at once`);
});

Deno.test("pages that turn heavy are asked for one after the other", async () => {
  let held = 0;
  let mostHeavy = 0;
  const stub = stubbed((url) => {
    const answer = page(url, 4000);
    if (answer.page < 10) return json(answer);
    mostHeavy = Math.max(mostHeavy, ++held);
    const heavy = "x".repeat(10_000);
    const records = answer.records.map((record) => ({ ...record, heavy }));
    return json({ ...answer, records });
  }, { budget: 3_000_000, concurrency: 8 });
  using list = await openWalk(stub.walk, SPEC, START);
  let records = 0;
  for await (const event of list) {
    await new Promise((resolve) => setTimeout(resolve, 0));
    if (event.kind !== "records") continue;
    records += event.records.length;
    if (Number(event.records[0]!.info.id) >= 900) held--;
  }
  assertEquals(records, 4000);
  // One window of them may be on its way before the first is weighed.
  assert(mostHeavy <= 12, `${mostHeavy} pages of 1 MB were held at once`);
});

Deno.test("several walks over a budget smaller than a page all end", async () => {
  const stub = stubbed((url) => json(page(url, 500)), { budget: 10 });
  const all = await Promise.all(
    Array.from({ length: 5 }, () => walkAll(stub)),
  );
  for (const { ids } of all) assertEquals(ids, numbers(0, 500));
});

Deno.test("the end of the run yields what has arrived, then throws its reason", async () => {
  const reason = new DOMException("stop", "AbortError");
  const stub = stubbed((url) => {
    if (url.searchParams.get("page") !== "4") return json(page(url, 1000));
    return new Promise((_, reject) => {
      stub.stop.signal.addEventListener("abort", () => reject(reason));
      setTimeout(() => stub.stop.abort(reason), 5);
    });
  }, { concurrency: 2 });
  using list = await openWalk(stub.walk, SPEC, START);
  let records = 0;
  const error = await (async () => {
    for await (const event of list) {
      if (event.kind === "records") records += event.records.length;
    }
  })().then(() => null, (error) => error);
  assertEquals([error, records], [reason, 300]);
});
