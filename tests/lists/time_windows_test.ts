import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  cutByDate,
  type DatedList,
  NotTimeOrdered,
  probeList,
} from "../../src/lists/time_windows.ts";
import { stringField } from "../../src/api/fields.ts";
import { fromTheBeginning } from "../../src/lists/list_reader.ts";
import { WindowWalk } from "../../src/lists/window_reader.ts";
import { sequence } from "../../src/demo/workspace.ts";
import { between, type Bounds } from "../../src/demo/dates.ts";
import { json, type Stubbed, stubbed } from "../helpers/stub.ts";
import { Dice } from "../simulate/dice.ts";

interface Info {
  readonly id: string;
}

const list: DatedList<Info> = (after, until) => ({
  label: "Logs of pr_1",
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

/** A list whose times are told by their places, newest first unless reversed. */
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
    const found: unknown[] = [];
    for (let i = (page - 1) * size; i < page * size; i++) {
      if (i < records.length) found.push(JSON.parse(records.at(i)!));
    }
    return json({ records: found, page, size, total: records.length });
  }, { concurrency: 8 });
}

async function cut({ session }: Stubbed) {
  const head = await probeList(session, list(null, UNTIL));
  const whole = {
    ...head,
    after: null,
    until: UNTIL,
    before: 0,
    count: head.total,
  };
  const windows = await Array.fromAsync(cutByDate(session, list, whole));
  return { whole, windows };
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
      const { windows } = await cut(stub);
      let before = 0;
      for (const { window, rest } of windows) {
        assertEquals(window.before, before);
        assert(window.count <= 10_000, `${window.count} records`);
        assertEquals([rest.before, rest.count], [before, 25_000 - before]);
        before += window.count;
      }
      assertEquals(before, 25_000);
      assert(stub.seen.length < 120, `${stub.seen.length} counts`);
    });
  }
}

for (const reversed of [false, true]) {
  Deno.test(`a walk over windows yields the list in its own order (${reversed ? "oldest" : "newest"} first)`, async () => {
    const stub = served(someTimes(new Dice(7), 24_000), { reversed });
    const { whole } = await cut(stub);
    const known = { total: 0, most: 100, fixed: false, pageBytes: 1_000 };
    for (const skip of [0, 9_000, 23_000]) {
      const start = { ...fromTheBeginning(), skip };
      using walk = new WindowWalk(stub.walk, { list, whole, start, known });
      const ids: string[] = [];
      for await (const event of walk) {
        if (event.kind !== "records") continue;
        ids.push(...event.records.map(({ info }) => info.id));
      }
      const wanted = Array.from(
        { length: 24_000 - skip },
        (_, i) => `log_${skip + i}`,
      );
      assertEquals(ids.join() === wanted.join(), true);
      assertEquals([walk.moved, walk.mismatch(24_000)], [false, null]);
    }
  });
}

Deno.test("Logs of one instant cannot be cut: one window, whatever its length", async () => {
  const stub = served(Array.from({ length: 21_000 }, () => NEWEST_MS - 5));
  const { windows } = await cut(stub);
  assertEquals(windows.map(({ window }) => window.count), [21_000]);
});

Deno.test("Logs of long ago are found by ever earlier beginnings", async () => {
  const ages = [0, 3, 10, 40, 60].flatMap((years) =>
    Array.from(
      { length: 6_000 },
      (_, i) => NEWEST_MS - years * 31_557_600_000 - i * 1_000,
    )
  );
  const { windows } = await cut(served(ages));
  const counts = windows.map(({ window }) => window.count);
  assertEquals(counts.reduce((sum, count) => sum + count, 0), 30_000);
  assert(counts.every((count) => count <= 10_000), String(counts));
});

Deno.test("a server that ignores dates gives one window: plain paging", async () => {
  const times = someTimes(new Dice(9), 21_000);
  const { windows } = await cut(served(times, { ignored: true }));
  assertEquals(windows.length, 1);
});

Deno.test("a list that is in no order of time is noticed", async () => {
  const dice = new Dice(5);
  const times = someTimes(dice, 25_000);
  for (let i = times.length - 1; i > 0; i--) {
    const j = dice.below(i + 1);
    [times[i], times[j]] = [times[j]!, times[i]!];
  }
  await assertRejects(() => cut(served(times)), NotTimeOrdered);
});
