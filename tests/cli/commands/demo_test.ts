import { assertEquals, assertStringIncludes } from "@std/assert";
import { DEMO_KEY } from "../../../src/cli/commands/demo.ts";
import { fastClock } from "../../helpers/clock.ts";
import { run } from "../../helpers/program.ts";
import { printedTerminal } from "../../helpers/terminal.ts";
import { tempDir } from "../../helpers/tree.ts";

for (const slow of [true, false]) {
  Deno.test(`demo --serve${slow ? " --slow" : ""} answers ${slow ? "after a quarter of a second" : "at once"}`, async () => {
    const slept: number[] = [];
    const sleep = (ms: number) => (slept.push(ms), Promise.resolve());
    const served = Promise.withResolvers<string>();
    let stop = () => {};
    const args = ["demo", "--serve", ...slow ? ["--slow"] : []];
    const ended = run(args, {
      clock: { ...fastClock(1), sleep },
      terminal: {
        ...printedTerminal(),
        out: (text) => served.resolve(/http:\S+/.exec(text)![0]),
      },
      onInterrupt: (handler) => {
        stop = handler;
        return () => {};
      },
    });
    const response = await fetch(`${await served.promise}/files`, {
      headers: { "x-api-key": DEMO_KEY },
    });
    await response.body?.cancel();
    stop();
    assertEquals((await ended).code, 0);
    assertEquals([response.status, slept], [200, slow ? [250] : []]);
  });
}

Deno.test("a demo that is not complete prints no command that cannot work", async () => {
  await using dir = await tempDir();
  let requests = 0;
  const { code, err } = await run(["demo", "--output", dir.path], {
    fetch: (input, init) =>
      ++requests > 20
        ? Promise.resolve(Response.json({}, { status: 401 }))
        : fetch(input, init),
  });
  assertEquals(code, 5);
  assertStringIncludes(err, `What is complete is saved in ${dir.path}`);
  assertEquals(err.includes("--resume"), false);
});
