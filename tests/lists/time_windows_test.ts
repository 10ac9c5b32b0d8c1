import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  type DatedList,
  NotTimeOrdered,
  planTimeWindows,
  probeList,
} from "../../src/lists/time_windows.ts";
import { stringField } from "../../src/api/fields.ts";
import { KeySet } from "../../src/core/key_set.ts";
import { openList } from "../../src/lists/list_reader.ts";
import { sequence } from "../../src/demo/workspace.ts";
import { between, type Bounds } from "../../src/demo/dates.ts";
import { json, type Stubbed, stubbed } from "../helpers/stub.ts";
import { Dice } from "../simulate/dice.ts";

interface Info {
  readonly id: string;
}

const list: DatedList<Info> = (after, until) => ({
  fileId: "pr_1",
  part: "logs",
  records: "Logs",
  owner: "pr_1",
  path: "/logs",
  query: [
    ...(after === null ? [] : [["start_date", after]] as const),
    ...(until === null ? [] : [["end_date", until]] as const),
  ],
  pageSize: 100,
  read: (value) => ({ id: stringField(value, "id") }),
  key: ({ id }) => id,
});

const UNTIL = "2025-06-01T00:00:00.000Z";
const NEWEST_MS = Date.parse(UNTIL) - 1;

/** Makes a list whose times follow from their offsets, newest first unless reversed. */
function served(
  times: readonly number[],
  options: Bounds & { reversed?: boolean; ignored?: boolean } = {},
): Stubbed {
  const order = options.reversed ? times.toReversed() : times;
  const texts = order.map((ms, i) =>
    `{"id":"log_${i}","created_at":"${new Date(ms).toISOString()}"}`
  );
  const logs = sequence(texts.length, (i) => texts[i]!);
  return stubbed((url) => {
    const records = options.ignored ? logs : between(logs, url, options);
    const page = Number(url.searchParams.get("page"));
    const size = Number(url.searchParams.get("size"));
    const wanted: unknown[] = [];
    for (let i = (page - 1) * size; i < page * size; i++) {
      if (i < records.length) wanted.push(JSON.parse(records.at(i)!));
    }
    return json({ records: wanted, page, size, total: records.length });
  }, { concurrency: 8 });
}

async function plan({ session }: Stubbed) {
  const { total, firstKey } = await probeList(session, list(null, UNTIL));
  const whole = { firstKey, after: null, until: UNTIL, count: total };
  return await planTimeWindows(session, list, whole);
}

/** Times that lie as the dice say: bursts, silences, ties. */
function someTimes(dice: Dice, length: number): number[] {
  let ms = NEWEST_MS;
  return Array.from({ length }, () => {
    ms -= dice.oneOf([0, 0, 0, 1, 1, 1_000, 40_000]);
    if (dice.oneIn(5_000)) ms -= 86_400_000 * 30;
    return ms;
  });
}

for (const seed of [1, 2, 3, 4]) {
  for (const reversed of [false, true]) {
    Deno.test(`windows follow on each other, hold at most 10,000 and add up (seed ${seed}, ${reversed ? "oldest" : "newest"} first)`, async () => {
      const dice = new Dice(seed);
      const bounds = {
        startIncluded: dice.oneIn(2),
        endIncluded: dice.oneIn(2),
      };
      const stub = served(someTimes(dice, 25_000), { ...bounds, reversed });
      const windows = await plan(stub);
      let end = 0;
      for (const { offset, count } of windows) {
        assertEquals(offset, end);
        assert(count <= 10_000, `${count} records`);
        end += count;
      }
      assertEquals(end, 25_000);
      assert(stub.seen.length < 120, `${stub.seen.length} counts`);
    });
  }
}

for (const reversed of [false, true]) {
  Deno.test(`a reading of windows yields the list in its own order (${reversed ? "oldest" : "newest"} first)`, async () => {
    const stub = served(someTimes(new Dice(7), 24_000), { reversed });
    const windows = await plan(stub);
    const segments = windows.map(({ after, until, offset, count }) => ({
      spec: list(after, until),
      offset,
      count,
    }));
    for (const offset of [0, 9_000, 23_000]) {
      const cursor = { offset, lastKey: null, keys: new KeySet() };
      using reader = await openList(stub.reader, segments, cursor);
      const ids: string[] = [];
      for await (const batch of reader) {
        if (batch.kind !== "records") continue;
        assertEquals(batch.offset, offset + ids.length);
        ids.push(...batch.records.map(({ info }) => info.id));
      }
      const wanted = Array.from(
        { length: 24_000 - offset },
        (_, i) => `log_${offset + i}`,
      );
      assertEquals(ids.join() === wanted.join(), true);
      const { sourceChanged, total } = reader;
      assertEquals([sourceChanged, total], [false, 24_000]);
      assertEquals(reader.checkConsistency(), null);
    }
  });
}

Deno.test("Logs of one instant cannot be cut: one window, whatever its length", async () => {
  const stub = served(Array.from({ length: 21_000 }, () => NEWEST_MS - 5));
  const windows = await plan(stub);
  assertEquals(windows.map(({ count }) => count), [21_000]);
});

Deno.test("Logs of long ago are reached by ever earlier starts", async () => {
  const ages = [0, 3, 10, 40, 60].flatMap((years) =>
    Array.from(
      { length: 6_000 },
      (_, i) => NEWEST_MS - years * 31_557_600_000 - i * 1_000,
    )
  );
  const windows = await plan(served(ages));
  const counts = windows.map(({ count }) => count);
  assertEquals(counts.reduce((sum, count) => sum + count, 0), 30_000);
  assert(counts.every((count) => count <= 10_000), String(counts));
});

Deno.test("a server that ignores dates gives one window: plain paging", async () => {
  const times = someTimes(new Dice(9), 21_000);
  const windows = await plan(served(times, { ignored: true }));
  assertEquals(windows.length, 1);
});

Deno.test("a list that is not in the order of time is noticed", async () => {
  const dice = new Dice(5);
  const times = someTimes(dice, 25_000);
  for (let i = times.length - 1; i > 0; i--) {
    const j = dice.below(i + 1);
    [times[i], times[j]] = [times[j]!, times[i]!];
  }
  await assertRejects(() => plan(served(times)), NotTimeOrdered);
});
