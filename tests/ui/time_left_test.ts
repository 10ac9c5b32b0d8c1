import { assert, assertEquals } from "@std/assert";
import { TimeLeft } from "../../src/ui/time_left.ts";
import { workload } from "../bench/workloads.ts";
import { MemoryDisk } from "../helpers/memory_disk.ts";
import { EXPORT_ARGS, runInMemory } from "../helpers/memory_run.ts";

/** Takes 0.3 s for a document, and twice as long for a page of 100 Logs. */
const latencyMs = (url: URL) =>
  300 + 3 * Number(url.searchParams.get("size") ?? 0);

/**
 * Workloads, from which part of the run on the time left is right, and within
 * which part of the truth. Records of a long list are taken in order: those of
 * pages that came early count late.
 */
const WORKLOADS = [
  ["1x200000x20", 1 / 5, 0.3],
  ["8x15000x20", 1 / 10, 0.2],
  ["150x1500x20", 1 / 10, 0.3],
  ["500x0x20", 1 / 8, 0.2],
] as const;
for (const [name, from, within] of WORKLOADS) {
  Deno.test(`the time left of a steady run is right: ${name}`, async () => {
    const seen: Array<{ atMs: number; leftMs: number | null }> = [];
    const ended = await runInMemory(
      EXPORT_ARGS.filter((arg) => arg !== "--quiet"),
      {
        disk: new MemoryDisk(),
        workspace: workload(name),
        latencyMs,
        onProgress: ({ leftMs }, atMs) => void seen.push({ atMs, leftMs }),
      },
    );
    assertEquals(ended.code, 0);
    const startMs = seen[0]!.atMs;
    const endMs = seen.at(-1)!.atMs;
    const tookMs = endMs - startMs;
    const later = seen.filter(({ atMs }) => atMs - startMs >= tookMs * from);
    assert(later.length > 20, "the run is long enough");
    for (const { atMs, leftMs } of later) {
      const truthMs = endMs - atMs;
      const word = `after ${
        atMs - startMs
      } of ${tookMs} ms: ${leftMs} for ${truthMs}`;
      assert(leftMs !== null && leftMs >= 0, word);
      // The very end is a matter of single requests.
      const allowedMs = Math.max(within * truthMs, 2_000);
      assert(Math.abs(leftMs - truthMs) <= allowedMs, word);
    }
  });
}

Deno.test("the time left is steady while answers come in bursts", () => {
  const timeLeft = new TimeLeft();
  const file = timeLeft.fileStarted("a", 0);
  file.expect(1_000);
  file.allKnown();
  for (let ms = 0; ms <= 100_000; ms += 200) {
    // Twenty answers every two seconds: the run takes 100 s.
    if (ms > 0 && ms % 2_000 === 0) file.done(20);
    const leftMs = timeLeft.left(1, ms);
    if (ms < 10_000) continue;
    const wrong = Math.abs(leftMs! - (100_000 - ms));
    assert(wrong <= 0.2 * (100_000 - ms) + 2_000, `${ms}: ${leftMs}`);
  }
});

Deno.test("the time left follows a server that gets slower, and forgets an outage", () => {
  const timeLeft = new TimeLeft();
  const file = timeLeft.fileStarted("a", 0);
  file.expect(10_000);
  file.allKnown();
  timeLeft.left(1, 0);
  let nowMs = 0;
  const work = (seconds: number, aSecond: number) => {
    let left: number | null = null;
    for (let s = 0; s < seconds; s++) {
      nowMs += 1_000;
      for (let i = 0; i < aSecond; i++) file.done(1);
      left = timeLeft.left(1, nowMs);
    }
    return left!;
  };
  assertEquals(Math.round(work(100, 10)), 900_000);
  const slower = work(120, 5);
  assert(Math.abs(slower - 8_400 / 5 * 1000) < 0.1 * slower, `${slower}`);
  work(600, 0);
  const after = work(120, 5);
  assert(Math.abs(after - 7_800 / 5 * 1000) < 0.15 * after, `${after}`);
});

Deno.test("the time left is null or a number from 0 up, whatever is reported", () => {
  const timeLeft = new TimeLeft();
  const check = (notDone: number, nowMs: number) => {
    const left = timeLeft.left(notDone, nowMs);
    assert(left === null || Number.isFinite(left) && left >= 0, `${left}`);
    return left;
  };
  assertEquals(check(0, 0), null);
  assertEquals(check(3, 0), null);
  const a = timeLeft.fileStarted("a", 10_000);
  assertEquals(check(3, 10_000), null, "no File is known yet");
  a.allKnown();
  a.done(9);
  check(3, 10_000);
  a.expect(-5);
  check(3, 9_000);
  a.end();
  const b = timeLeft.fileStarted("b", 11_000);
  b.expect(2);
  check(2, 12_000);
  b.end();
  check(-1, 13_000);
});

Deno.test("the oldest File is the one started first of those that are not done", () => {
  const timeLeft = new TimeLeft();
  assertEquals(timeLeft.oldest, null);
  const a = timeLeft.fileStarted("a", 1);
  timeLeft.fileStarted("b", 2);
  assertEquals(timeLeft.oldest?.name, "a");
  a.end();
  assertEquals(timeLeft.oldest?.name, "b");
});
