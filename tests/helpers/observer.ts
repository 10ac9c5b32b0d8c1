/** Observers for tests. */
import { type Level, logOnly, type Observer } from "../../src/core/observer.ts";

/** Remembers log lines and waits. */
export interface Recorder extends Observer {
  readonly lines: Array<{ readonly level: Level; readonly message: string }>;
  readonly waits: number[];
}

/** Makes an observer that remembers. */
export function recorder(): Recorder {
  const lines: Recorder["lines"] = [];
  const waits: number[] = [];
  return {
    ...logOnly((level, message) => void lines.push({ level, message })),
    lines,
    waits,
    waiting: (_, untilMs) => void waits.push(untilMs),
  };
}
