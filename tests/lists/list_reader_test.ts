import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import type { ListSpec } from "../../src/api/list_spec.ts";
import { endOf, pageFrom, startOf } from "../../src/lists/page_address.ts";
import { KeySet } from "../../src/core/key_set.ts";
import {
  atBeginning,
  type Batch,
  type Cursor,
  openList,
  wholeList,
} from "../../src/lists/list_reader.ts";
import { stringField } from "../../src/api/fields.ts";
import { NetworkError, ProtocolError } from "../../src/core/errors.ts";
import { json, type Stubbed, stubbed } from "../helpers/stub.ts";

const SPEC: ListSpec<{ id: string }> = {
  fileId: "pr_1",
  part: "logs",
  records: "Logs",
  owner: "pr_1",
  path: "/logs",
  query: [["file_id", "pr_1"]],
  pageSize: 100,
  read: (value) => ({ id: stringField(value, "id") }),
  key: ({ id }) => id,
};

/** Makes a list of `length` records named by their numbers. */
function page(url: URL, length: number, cap = Infinity) {
  const number = Number(url.searchParams.get("page"));
  const size = Math.min(Number(url.searchParams.get("size")), cap);
  const ids = Array.from({ length: size }, (_, i) => (number - 1) * size + i);
  const records = ids.filter((id) => id < length).map((id) => ({
    id: `${id}`,
  }));
  return { records, page: number, size, total: length };
}

async function readAll(
  { reader }: Stubbed,
  cursor: Cursor = atBeginning(),
) {
  using list = await openList(reader, wholeList(SPEC), cursor);
  const batches: Batch<{ id: string }>[] = [];
  for await (const batch of list) batches.push(batch);
  const ids = batches.flatMap((batch) =>
    batch.kind === "records" ? batch.records.map(({ info }) => info.id) : []
  );
  const gaps = batches.flatMap((batch) =>
    batch.kind === "gap" ? batch.gap : []
  );
  return { list, ids, gaps };
}

const numbers = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => `${from + i}`);
const addressOf = (url: URL) => ({
  page: Number(url.searchParams.get("page")),
  size: Number(url.searchParams.get("size")),
});
const addresses = ({ seen }: Stubbed) => seen.map(({ url }) => addressOf(url));
/** Checks whether a page holds an offset. */
const holds = (url: URL, offset: number) => {
  const address = addressOf(url);
  return startOf(address) <= offset && offset < endOf(address);
};
const GAP = { fileId: "pr_1", part: "logs", missing: 1 };
const broken = () => new Response("", { status: 500 });
const behind = (offset: number): Cursor => ({
  offset,
  lastKey: `${offset - 1}`,
  keys: new KeySet([`${offset - 1}`]),
});

Deno.test("neighbouring pages share a record, and no page is wasted", () => {
  for (
    const [most, waste] of [[100, 1.15], [1000, 1.05], [30, 1.35]] as const
  ) {
    let pages = 0;
    for (let offset = 0; offset < 100_000; pages++) {
      const address = pageFrom(offset, most);
      assert(address.size <= most);
      if (offset > 0) assert(startOf(address) < offset, `joined at ${offset}`);
      assert(endOf(address) > offset);
      offset = endOf(address);
    }
    assert(pages <= 100_000 / most * waste, `${pages} pages of ${most}`);
  }
});

Deno.test("pages too small to share a record follow on each other", () => {
  for (const most of [1, 2, 7]) {
    for (let offset = 0; offset < 5_000;) {
      const address = pageFrom(offset, most);
      assert(startOf(address) <= offset && endOf(address) > offset);
      offset = endOf(address);
    }
  }
});

for (
  const [length, requests] of [[0, 1], [1, 1], [99, 1], [100, 2], [101, 2], [
    2500,
    29,
  ]]
) {
  Deno.test(`${length} records come in order from ${requests} requests, none past the end`, async () => {
    const stub = stubbed((url) => json(page(url, length!)));
    const { ids, gaps, list } = await readAll(stub);
    assertEquals(ids, numbers(0, length!));
    assertEquals([gaps.length, list.sourceChanged, stub.seen.length], [
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
  assertEquals((await readAll(stub)).ids, numbers(0, 2950));
});

Deno.test("requests continue while a page waits for its next attempt", async () => {
  let failed = false;
  const stub: Stubbed = stubbed((url, n) => {
    if (n === 1 && !failed) {
      failed = true;
      return broken();
    }
    return json(page(url, 1500));
  }, { concurrency: 2 });
  const { ids } = await readAll(stub);
  assertEquals(ids, numbers(0, 1500));
  const restart = stub.seen.findLastIndex(({ url }) =>
    url.href === stub.seen[1]!.url.href
  );
  assert(restart >= 8, `${restart - 2} requests went on`);
});

for (const cap of [40, 30, 7, 1]) {
  Deno.test(`a server with at most ${cap} records a page is followed`, async () => {
    const stub = stubbed((url) => json(page(url, 330, cap)));
    const { ids, list } = await readAll(stub);
    assertEquals(ids, numbers(0, 330));
    assertEquals(list.sourceChanged, false);
    const sizes = addresses(stub).slice(1).map(({ size }) => size);
    assert(sizes.every((size) => size <= cap));
  });
}

for (const size of [40, 100, 250]) {
  Deno.test(`a server with always ${size} records a page is followed`, async () => {
    const stub = stubbed((url) => {
      url.searchParams.set("size", `${size}`);
      return json(page(url, 730));
    });
    assertEquals((await readAll(stub)).ids, numbers(0, 730));
  });
}

Deno.test("a page size of at most 40 is learned once, for all lists of a kind", async () => {
  const stub = stubbed((url) => json(page(url, 330, 40)));
  await readAll(stub);
  const before = stub.seen.length;
  const { ids } = await readAll(stub);
  assertEquals(ids, numbers(0, 330));
  const sizes = addresses(stub).slice(before).map(({ size }) => size);
  assert(sizes.every((size) => size <= 40), `${sizes}`);
});

Deno.test("a server that changes its size midway is followed, but not for ever", async () => {
  const change = (sizes: readonly number[]) =>
    stubbed((url, n) => json(page(url, 2500, sizes[Math.floor(n / 5)] ?? 20)));
  const { ids } = await readAll(change([100, 60, 40]));
  assertEquals(ids, numbers(0, 2500));
  const restless = stubbed((url, n) => json(page(url, 2500, 90 - n)));
  await assertRejects(
    () => readAll(restless),
    ProtocolError,
    "keeps changing its page size",
  );
});

Deno.test("a reading that continues behind a chunk requests one record before it", async () => {
  const stub = stubbed((url) => json(page(url, 2150)));
  const { ids, list } = await readAll(stub, behind(1000));
  assertEquals(ids, numbers(1000, 2150));
  assertEquals(list.sourceChanged, false);
  assert(Math.min(...addresses(stub).map(startOf)) > 950);
});

Deno.test("a reading that continues behind a chunk that is no longer the same notices it", async () => {
  const stub = stubbed((url) => json(page(url, 2150)));
  const start = { ...behind(1000), lastKey: "another" };
  const { list } = await readAll(stub, start);
  assertEquals(list.sourceChanged, true);
});

Deno.test("one record that cannot be served is one gap, and its neighbours are read", async () => {
  for (const poisoned of [0, 1, 99, 100, 637, 2499]) {
    const stub = stubbed((url) =>
      holds(url, poisoned) ? broken() : json(page(url, 2500))
    );
    const { ids, gaps, list } = await readAll(stub);
    assertEquals(ids, numbers(0, 2500).filter((id) => id !== `${poisoned}`));
    assertEquals(gaps, [{ ...GAP, offset: poisoned, reason: "HTTP 500" }]);
    assertEquals(list.checkConsistency(), null);
  }
});

Deno.test("each of several records that cannot be served is a gap", async () => {
  const poisoned = [3, 4, 250, 999, 1000, 1007];
  const stub = stubbed((url) =>
    poisoned.some((offset) => holds(url, offset))
      ? broken()
      : json(page(url, 1500))
  );
  const { ids, gaps } = await readAll(stub);
  assertEquals(
    gaps.map(({ offset, missing }) => [offset, missing]),
    [[3, 2], [250, 1], [999, 1], [1000, 1], [1007, 1]],
  );
  assertEquals(ids.length, 1500 - poisoned.length);
});

Deno.test("one unreadable record costs at most 25 more requests, each made once", async () => {
  for (const poisoned of [0, 5, 99, 137, 198, 250, 637, 1999]) {
    const stub = stubbed((url) =>
      holds(url, poisoned) ? broken() : json(page(url, 2500))
    );
    await readAll(stub);
    const plain = stubbed((url) => json(page(url, 2500)));
    await readAll(plain);
    const asked = addresses(stub).map(({ page, size }) => `${page}x${size}`);
    const extra = new Set(asked).size - plain.seen.length;
    assert(extra <= 25, `record ${poisoned} cost ${extra} requests`);
    // Only whole pages get more attempts: two of them where they share the record.
    const often = [...Map.groupBy(asked, (one) => one).values()]
      .map((same) => same.length).filter((times) => times > 1);
    assert(often.every((times) => times <= 5), `${often}`);
  }
});

Deno.test("if record after record fails, the server is spared", async () => {
  const stub = stubbed((url) => {
    const { page: number, size } = addressOf(url);
    return number * size > 300 && (number - 1) * size < 900
      ? broken()
      : json(page(url, 2500));
  });
  const { ids, gaps } = await readAll(stub);
  const missing = gaps.reduce((sum, { missing }) => sum + missing, 0);
  assertEquals(ids.length + missing, 2500);
  assert(missing >= 600 && missing <= 800, `${missing} are missing`);
  assert(stub.seen.length < 500, `${stub.seen.length} requests`);
});

Deno.test("a first page that always fails is a gap like any other", async () => {
  const stub = stubbed((url) =>
    startOf(addressOf(url)) < 99 ? broken() : json(page(url, 2500))
  );
  const { ids, gaps } = await readAll(stub);
  assertEquals(ids.at(-1), "2499");
  const missing = gaps.reduce((sum, { missing }) => sum + missing, 0);
  assertEquals([gaps[0]!.offset, ids.length + missing], [0, 2500]);
});

Deno.test("a list whose first page cannot be reached is not asked for its second", async () => {
  const refused = () => new TypeError("connection refused");
  const stub = stubbed(refused, { probe: refused, patienceMs: 0 });
  await assertRejects(() => readAll(stub), NetworkError, "refused");
  assertEquals(stub.seen.length, 5);
});

Deno.test("a short page is not the last page: it gets another attempt, then is split, and its records are kept", async () => {
  const stub = stubbed((url) => {
    const answer = page(url, 250);
    // The server leaves out a record, and does not say so.
    answer.records = answer.records.filter(({ id }) => id !== "130");
    return json(answer);
  });
  const { ids, gaps } = await readAll(stub);
  assertEquals(ids, numbers(0, 250).filter((id) => id !== "130"));
  assertEquals(gaps, [{
    ...GAP,
    offset: 130,
    reason: "the page holds 0 of 1 records",
  }]);
});

Deno.test("a total that promises too much ends in a gap", async () => {
  const stub = stubbed((url) => json({ ...page(url, 150), total: 320 }));
  const { ids, gaps } = await readAll(stub);
  assertEquals(ids, numbers(0, 150));
  assertEquals(gaps[0]!.offset, 150);
  assertEquals(gaps.reduce((sum, { missing }) => sum + missing, 0), 170);
});

Deno.test("a total that changes on the way is noticed, and a repeated record left out", async () => {
  const stub = stubbed((url, n) => {
    if (n === 0) return json(page(url, 300));
    // One record came in at the head of the list.
    const answer = page(url, 301);
    const records = answer.records.map(({ id }) => ({
      id: `${Number(id) - 1}`,
    }));
    return json({ ...answer, records });
  });
  const { ids, list } = await readAll(stub);
  assertEquals(ids, numbers(0, 300));
  assertEquals([list.sourceChanged, list.total], [true, 301]);
});

Deno.test("a record that goes and one that comes behind it at the same moment are noticed", async () => {
  // 2500 records before and after, but those from 50 to 2000 are shifted by one.
  const stub = stubbed((url, n) => {
    const answer = page(url, 2500);
    if (n < 8) return json(answer);
    const records = answer.records.map(({ id }) => {
      const offset = Number(id);
      if (offset < 50 || offset > 2000) return { id };
      return { id: offset === 2000 ? "backdated" : `${offset + 1}` };
    });
    return json({ ...answer, records });
  }, { concurrency: 1 });
  const { list, ids } = await readAll(stub);
  assertEquals([list.sourceChanged, ids.length], [true, 2500]);
  assertStringIncludes(list.checkConsistency() ?? "", "do not fit together");
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
  Deno.test(`${name}: a typed error, soon`, async () => {
    const stub = stubbed(() => json(envelope));
    await assertRejects(() => readAll(stub), ProtocolError);
    // Neither smaller pages nor the next gave the total.
    assert(stub.seen.length < 250, `${stub.seen.length} requests`);
  });
}

Deno.test("absent or null page and size are accepted, and so are unknown fields", async () => {
  const stub = stubbed((url) => {
    const { records, total } = page(url, 150);
    return json({ extra: [1], records, total, size: null });
  });
  assertEquals((await readAll(stub)).ids, numbers(0, 150));
});

Deno.test("the bytes in flight are bounded, and the reading still ends", async () => {
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
  using list = await openList(stub.reader, wholeList(SPEC));
  let records = 0;
  for await (const batch of list) {
    await new Promise((resolve) => setTimeout(resolve, 0));
    if (batch.kind === "records") records += batch.records.length;
    held--;
  }
  assertEquals(records, 3000);
  assert(most <= 6, `${most} pages of 100 kB were held at once`);
});

Deno.test("pages that turn heavy are requested one after the other", async () => {
  let held = 0;
  let mostHeavy = 0;
  const stub = stubbed((url) => {
    const answer = page(url, 4000);
    if (startOf(answer) < 900) return json(answer);
    mostHeavy = Math.max(mostHeavy, ++held);
    const heavy = "x".repeat(10_000);
    const records = answer.records.map((record) => ({ ...record, heavy }));
    return json({ ...answer, records });
  }, { budget: 3_000_000, concurrency: 8 });
  using list = await openList(stub.reader, wholeList(SPEC));
  let records = 0;
  for await (const batch of list) {
    await new Promise((resolve) => setTimeout(resolve, 0));
    if (batch.kind !== "records") continue;
    records += batch.records.length;
    if (Number(batch.records[0]!.info.id) >= 900) held--;
  }
  assertEquals(records, 4000);
  // One window of them may be on its way before the first is weighed.
  assert(mostHeavy <= 12, `${mostHeavy} pages of 1 MB were held at once`);
});

Deno.test("several readings over a budget smaller than a page all end", async () => {
  const stub = stubbed((url) => json(page(url, 500)), { budget: 10 });
  const all = await Promise.all(
    Array.from({ length: 5 }, () => readAll(stub)),
  );
  for (const { ids } of all) assertEquals(ids, numbers(0, 500));
});

/** Cuts a list into windows of so many records, each with an address of its own. */
const windowsOf = (length: number, count: number) =>
  Array.from({ length: length / count }, (_, i) => ({
    spec: { ...SPEC, query: [["window", `${i}`]] as const },
    offset: i * count,
    count,
  }));
/** Answers for a window: its records have the numbers of the whole list. */
const windowPage = (url: URL, count: number) => {
  const first = Number(url.searchParams.get("window")) * count;
  const answer = page(url, count);
  const records = answer.records.map(({ id }) => ({ id: `${first + +id}` }));
  return { ...answer, records };
};

for (const budget of [10, 20_000, 64 * 1024 * 1024]) {
  Deno.test(`lists of several windows over a budget of ${budget} bytes all end, in order`, async () => {
    const big = "x".repeat(100);
    const stub = stubbed((url) => {
      const { records, ...answer } = windowPage(url, 300);
      const heavy = records.map((record) => ({ ...record, big }));
      return json({ ...answer, records: heavy });
    }, { budget, concurrency: 2 });
    const all = await Promise.all(Array.from({ length: 4 }, async () => {
      const ids: string[] = [];
      using list = await openList(stub.reader, windowsOf(1500, 300));
      for await (const batch of list) {
        await new Promise((resolve) => setTimeout(resolve, 0));
        if (batch.kind !== "records") continue;
        assertEquals(batch.offset, Number(batch.records[0]!.info.id));
        ids.push(...batch.records.map(({ info }) => info.id));
      }
      assertEquals([list.total, list.checkConsistency()], [1500, null]);
      return ids;
    }));
    for (const ids of all) assertEquals(ids, numbers(0, 1500));
    assertEquals(stub.reader.budget.tryTake(budget) !== null, true);
  });
}

Deno.test("a window that is prefetched never takes the memory that the one before it waits for", async () => {
  const big = "x".repeat(100);
  const stub = stubbed((url) => {
    const { records, ...answer } = windowPage(url, 500);
    const heavy = records.map((record) => ({ ...record, big }));
    return json({ ...answer, records: heavy });
  }, { budget: 30_000, concurrency: 1 });
  // Other lists hold half of it, and do not give it back.
  stub.reader.budget.tryTake(15_000);
  using list = await openList(stub.reader, windowsOf(1000, 500));
  let records = 0;
  for await (const batch of list) {
    await new Promise((resolve) => setTimeout(resolve, 0));
    if (batch.kind === "records") records += batch.records.length;
  }
  assertEquals(records, 1000);
});

Deno.test("lists whose first pages fail wait for their second pages without holding memory", async () => {
  const stub = stubbed((url) => {
    const address = addressOf(url);
    return startOf(address) < 99 ? broken() : json(page(url, 500));
  }, { budget: 10 });
  const all = await Promise.all(Array.from({ length: 4 }, () => readAll(stub)));
  for (const { ids, gaps } of all) {
    const missing = gaps.reduce((sum, { missing }) => sum + missing, 0);
    assertEquals(ids.length + missing, 500);
  }
});

Deno.test("the next window is requested before the last page of this one is taken", async () => {
  const stub = stubbed((url) => json(windowPage(url, 300)), { concurrency: 4 });
  using list = await openList(stub.reader, windowsOf(600, 300));
  const window = (n: number) =>
    stub.seen.filter(({ url }) => url.searchParams.get("window") === `${n}`);
  for await (const batch of list) {
    if (batch.kind === "records" && batch.offset >= 200) break;
  }
  assertEquals(window(0).length, 4);
  assert(window(1).length > 0);
});

Deno.test("a reading that continues at the end of a window sees what the API has behind its count", async () => {
  // Each window holds three records more than its total says.
  const stub = stubbed((url) => json({ ...windowPage(url, 303), total: 300 }));
  using list = await openList(stub.reader, windowsOf(600, 300), behind(300));
  for await (const _ of list);
  assertEquals(
    list.checkConsistency(),
    "the API says 300 records, the list holds 303 distinct ones",
  );
});

Deno.test("many lists of records of unknown weight are opened at once, and heavy ones stay within the budget", async () => {
  for (const [bytes, most] of [[100, 16], [1_000_000, 6]] as const) {
    let open = 0;
    let mostOpen = 0;
    const stub = stubbed(async (url) => {
      mostOpen = Math.max(mostOpen, ++open);
      await stub.clock.sleep(50);
      open--;
      const { page: number, size } = addressOf(url);
      const length = 2 + JSON.stringify(page(url, 100)).length + size * bytes;
      const headers = { "content-length": `${length}` };
      if (length > 20_000_000) return new Response("", { headers });
      const answer = page(url, 100);
      const records = answer.records.map((record) => ({
        ...record,
        big: "x".repeat(bytes),
      }));
      return json({ ...answer, page: number, records });
    }, { concurrency: 16 });
    if (bytes > 100) {
      // One list has told what its records weigh.
      const paging = { maxPageSize: 100, isFixedSize: false };
      stub.reader.hints.set("Logs", { ...paging, recordBytes: bytes });
    }
    await Promise.all(Array.from({ length: 16 }, async () => {
      using list = await openList(stub.reader, wholeList(SPEC));
      assertEquals(list.total, 100);
      await stub.clock.sleep(1_000);
    }));
    assert(
      bytes > 100 ? mostOpen <= most * 2 : mostOpen === most,
      `${mostOpen}`,
    );
  }
});

Deno.test("the end of the run yields what has arrived, then throws its reason", async () => {
  const reason = new DOMException("stop", "AbortError");
  const stub = stubbed((url) => {
    if (!holds(url, 350)) return json(page(url, 1000));
    return new Promise((_, reject) => {
      stub.stop.signal.addEventListener("abort", () => reject(reason));
      setTimeout(() => stub.stop.abort(reason), 5);
    });
  }, { concurrency: 2 });
  using list = await openList(stub.reader, wholeList(SPEC));
  let records = 0;
  const error = await (async () => {
    for await (const batch of list) {
      if (batch.kind === "records") records += batch.records.length;
    }
  })().then(() => null, (error) => error);
  assertEquals([error, records], [reason, 294]);
});
