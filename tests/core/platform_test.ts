import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  renamePatiently,
  shellWord,
  signalsOf,
  writeText,
} from "../../src/core/runtime/platform.ts";
import { VirtualClock } from "../helpers/clock.ts";

Deno.test("Ctrl-C is handled on every system, a closed terminal only where there is one", () => {
  for (const hasTerminal of [true, false]) {
    assertEquals(signalsOf("windows", hasTerminal), {
      interrupt: ["SIGINT", "SIGBREAK"],
      ignored: [],
    });
  }
  for (const os of ["linux", "darwin"] as const) {
    assertEquals(signalsOf(os, true), {
      interrupt: ["SIGINT", "SIGTERM", "SIGHUP"],
      ignored: [],
    });
    assertEquals(signalsOf(os, false), {
      interrupt: ["SIGINT", "SIGTERM"],
      ignored: ["SIGHUP"],
    });
  }
});

Deno.test("a path is one word of the system's shell", () => {
  const words = ["a/b-1", "it's", "with space", "C:\\exports\\20250606-120000"];
  assertEquals(words.map((word) => shellWord(word, "linux")), [
    "a/b-1",
    `'it'\\''s'`,
    "'with space'",
    "'C:\\exports\\20250606-120000'",
  ]);
  assertEquals(words.map((word) => shellWord(word, "windows")), [
    "a/b-1",
    `"it's"`,
    `"with space"`,
    "C:\\exports\\20250606-120000",
  ]);
});

/** Makes a rename that another program holds up so many times. */
function heldUp(times: number, error: Error) {
  let tries = 0;
  return {
    rename: () => tries++ < times ? Promise.reject(error) : Promise.resolve(),
    tries: () => tries,
  };
}

const held = [
  new Deno.errors.PermissionDenied("Access is denied. (os error 5)"),
  new Deno.errors.Busy("used by another process (os error 32)"),
];
for (const error of held) {
  Deno.test(`on Windows a file that is held for a moment is waited for (${error.name})`, async () => {
    const clock = new VirtualClock();
    const { rename, tries } = heldUp(5, error);
    await renamePatiently(rename, "windows", clock);
    assertEquals(tries(), 6);
  });

  Deno.test(`a file that is held for good is given up after two seconds (${error.name})`, async () => {
    const clock = new VirtualClock();
    const startMs = clock.now();
    const { rename, tries } = heldUp(Infinity, error);
    const failure = () => renamePatiently(rename, "windows", clock);
    const thrown = await assertRejects(failure, Error);
    assertEquals([thrown, tries()], [error, 9]);
    assertEquals(clock.now() - startMs, 2_000);
  });

  Deno.test(`on other systems there is no second attempt (${error.name})`, async () => {
    const { rename, tries } = heldUp(1, error);
    const clock = new VirtualClock();
    await assertRejects(() => renamePatiently(rename, "linux", clock), Error);
    assertEquals(tries(), 1);
  });
}

Deno.test("any other failure is thrown at once", async () => {
  const { rename, tries } = heldUp(1, new Deno.errors.NotFound());
  const clock = new VirtualClock();
  await assertRejects(() => renamePatiently(rename, "windows", clock), Error);
  assertEquals(tries(), 1);
});

Deno.test("a non-blocking pipe that is full for a moment gets the whole text", () => {
  const written: number[] = [];
  const waits: number[] = [];
  const full = [false, true, true, false, true, false];
  const writeSync = (bytes: Uint8Array) => {
    if (full.shift()) throw new Deno.errors.WouldBlock("os error 11");
    const part = bytes.subarray(0, 3);
    written.push(...part);
    return part.length;
  };
  writeText({ writeSync }, "12345678", (ms) => void waits.push(ms));
  const text = new TextDecoder().decode(new Uint8Array(written));
  assertEquals([text, waits], ["12345678", [1, 10, 1]]);
});

Deno.test("a pipe that stays full is given up within half a second", () => {
  let waitedMs = 0;
  const error = new Deno.errors.WouldBlock("os error 11");
  const writeSync = () => {
    throw error;
  };
  const thrown = assertThrows(
    () => writeText({ writeSync }, "x", (ms) => void (waitedMs += ms)),
    Deno.errors.WouldBlock,
  );
  assertEquals([thrown, waitedMs], [error, 511]);
});
