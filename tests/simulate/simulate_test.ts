/**
 * Seeded runs against a server, a disk and a clock that misbehave in every way
 * at once, and in half of them a source that changes while it is read. The
 * invariant: exit 0 means the server's set byte for byte, exit 3 means that every
 * difference is listed.
 */
import { assertEquals } from "@std/assert";
import { replayCommand, simulate } from "./simulate.ts";

/** TEST_SEED=1000 TEST_SEEDS=400 runs others, and more of them. */
const SEEDS = Number(Deno.env.get("TEST_SEEDS") ?? 240);
const FIRST_SEED = Number(Deno.env.get("TEST_SEED") ?? 1);
const A_TEST = 20;

for (let from = FIRST_SEED; from < FIRST_SEED + SEEDS; from += A_TEST) {
  const to = Math.min(from + A_TEST, FIRST_SEED + SEEDS) - 1;
  Deno.test(`simulated seeds ${from} to ${to}: complete, or every difference listed`, async () => {
    for (let seed = from; seed <= to; seed++) {
      const { wrong } = await simulate(seed);
      assertEquals(wrong, [], replayCommand(seed));
    }
  });
}
