import { assertEquals } from "@std/assert";
import type { DiskFile } from "../../src/core/runtime/runtime.ts";
import { Reporter } from "../../src/ui/reporter.ts";
import { VirtualClock } from "../helpers/clock.ts";
import { printedTerminal } from "../helpers/terminal.ts";

/** Makes a log that keeps its lines, and fails from some line on. */
function memoryLog(failsFrom = Infinity) {
  const lines: string[] = [];
  let closed = 0;
  const file = {
    writeSync(line: Uint8Array) {
      if (lines.length >= failsFrom) throw new Error("no space");
      lines.push(new TextDecoder().decode(line));
      return line.length;
    },
    close: () => void closed++,
  } as unknown as DiskFile;
  return { file, lines, closed: () => closed };
}

function reporter() {
  const terminal = printedTerminal();
  const clock = new VirtualClock(0);
  const options = { terminal, clock, secrets: [], color: false };
  return {
    terminal,
    reporter: new Reporter({ ...options, shown: "WARN", progress: false }),
  };
}

Deno.test("lines from before there was a directory are the first of export.log", () => {
  const { reporter: shown, terminal } = reporter();
  const log = memoryLog();
  shown.log("WARN", "early");
  shown.openLog(log.file);
  shown.log("INFO", "late");
  shown.closeLog();
  shown.closeLog();
  shown.log("WARN", "after");
  assertEquals(log.lines, [
    "1970-01-01T00:00:00.000Z WARN  early\n",
    "1970-01-01T00:00:00.000Z INFO  late\n",
  ]);
  assertEquals(log.closed(), 1);
  assertEquals(terminal.printed.err, "warn: early\nwarn: after\n");
});

Deno.test("an export.log that cannot be written is reported once", () => {
  const { reporter: shown, terminal } = reporter();
  const log = memoryLog(1);
  shown.openLog(log.file);
  for (const message of ["a", "b", "c"]) shown.log("INFO", message);
  assertEquals(log.lines.length, 1);
  assertEquals(terminal.printed.err, "warn: cannot write export.log\n");
});
