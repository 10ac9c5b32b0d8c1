/** Observers for tests. */
import type { Level, Observer } from "../../src/observer.ts";

/** Remembers log lines and waits. */
export interface Recorder extends Observer {
  readonly lines: Array<{ readonly level: Level; readonly message: string }>;
  readonly waits: number[];
}

/** An observer that remembers. */
export function recorder(): Recorder {
  const lines: Recorder["lines"] = [];
  const waits: number[] = [];
  return {
    lines,
    waits,
    log: (level, message) => void lines.push({ level, message }),
    waiting: (_, untilMs) => void waits.push(untilMs),
    requestDone() {},
    requestsExpected() {},
    written() {},
    filesFound() {},
    fileDone() {},
  };
}
