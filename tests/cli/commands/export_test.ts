import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { DEMO_KEY } from "../../../src/cli/commands/demo.ts";
import { sampleWorkspace } from "../../../src/demo/sample/sample.ts";
import { serveDemo } from "../../../src/demo/server.ts";
import { denoRuntime } from "../../../src/core/runtime/deno_runtime.ts";
import type { Disk } from "../../../src/core/runtime/runtime.ts";
import { fastClock } from "../../helpers/clock.ts";
import { run } from "../../helpers/program.ts";
import {
  assertTree,
  expectedTree,
  onlyExport,
  tempDir,
} from "../../helpers/tree.ts";

const workspace = sampleWorkspace();
const env = { HUMANLOOP_API_KEY: DEMO_KEY };

/** Makes a disk that takes its time for the write that `reached` announces. */
function stuckDisk(): { disk: Disk; reached: Promise<void>; free: () => void } {
  const { disk } = denoRuntime();
  const reached = Promise.withResolvers<void>();
  const free = Promise.withResolvers<void>();
  let syncs = 0;
  return {
    reached: reached.promise,
    free: free.resolve,
    disk: {
      ...disk,
      rename: async (from, to) => {
        if (++syncs === 30) {
          reached.resolve();
          await free.promise;
        }
        await disk.rename(from, to);
      },
    },
  };
}

for (const presses of [1, 2]) {
  Deno.test(`${presses} Ctrl-C while the disk is stuck: the process ends all the same`, async () => {
    await using dir = await tempDir();
    await using server = serveDemo(workspace, { key: DEMO_KEY });
    const { disk, reached, free } = stuckDisk();
    const clock = fastClock(3);
    const exits: Array<{ code: number; afterMs: number }> = [];
    const exited = Promise.withResolvers<void>();
    let press = () => {};
    const args = ["--logs", "--api-url", server.url, "--output", dir.path];
    let startMs = 0;
    const ended = run(args, {
      env,
      disk,
      clock,
      onInterrupt: (handler) => {
        press = handler;
        return () => {};
      },
      exit: (code) => {
        exits.push({ code, afterMs: clock.now() - startMs });
        exited.resolve();
        // A test goes on where a process would not.
        return undefined as never;
      },
    });
    await reached;
    startMs = clock.now();
    press();
    press();
    assertEquals(exits, [], "an echo of the same Ctrl-C is no second one");
    if (presses === 2) {
      await clock.sleep(300);
      press();
    }
    await exited.promise;
    const { code, afterMs } = exits[0]!;
    assertEquals(code, 130);
    const [least, most] = presses === 1 ? [1_750, 60_000] : [250, 1_700];
    assert(afterMs >= least! && afterMs < most!, `it took ${afterMs} ms`);
    free();
    const { code: later, err } = await ended;
    assertEquals(later, 130);
    assertStringIncludes(err, "Stopping; press Ctrl-C again to stop at once");
    const root = await onlyExport(dir.path);
    assertEquals((await run(["--resume", root], { env })).code, 0);
    await assertTree(root, expectedTree(workspace, { logs: true }));
  });
}
