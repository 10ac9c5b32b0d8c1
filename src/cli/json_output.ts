/**
 * What `--json` prints: one document on stdout at the end of a run, and on stderr
 * one line of JSON for each log line and each look at the progress. Programs may
 * rely on these types.
 */
import type { ExportResult } from "../exporters/export_result.ts";
import type { Counts, Level } from "../core/observer.ts";
import type { Gap } from "../tree/manifest.ts";
import type { Clock, Terminal } from "../core/runtime.ts";
import type { Snapshot } from "../ui/progress.ts";

/** One line on stderr. */
export type JsonLine =
  | {
    readonly type: "log";
    /** ISO 8601, UTC. */
    readonly time: string;
    readonly level: Level;
    readonly message: string;
  }
  | ({ readonly type: "progress"; readonly time: string } & Snapshot);

/** The document on stdout. */
export interface JsonSummary {
  readonly state:
    | "complete"
    | "incomplete"
    | "interrupted"
    | "refused"
    | "failed";
  readonly exitCode: number;
  /** The export's directory; `null` where nothing was kept. */
  readonly where: string | null;
  /** The command that goes on; `null` where there is nothing to go on with. */
  readonly resumeCommand: string | null;
  /** The filters, as they would be typed; `null` where there are none. */
  readonly filters: string | null;
  readonly tookMs: number;
  /** Bytes that this run wrote. */
  readonly bytes: number;
  /** Files; `null` where the run did not come to its end. */
  readonly files: {
    readonly exported: number;
    readonly skipped: number;
    readonly failed: number;
  } | null;
  /** Records of the whole export by kind; `null` as above. */
  readonly records: Counts | null;
  /** All that is missing, as far as known. */
  readonly gaps: readonly Gap[];
  /** What ended the run; `null` where it came to its end. */
  readonly error: string | null;
}

/** The document for a run that came to its end. */
export function summaryOf(
  result: ExportResult,
  rest:
    & Pick<JsonSummary, "exitCode" | "where" | "filters" | "tookMs" | "bytes">
    & {
      readonly resumeCommand: string;
    },
): JsonSummary {
  const { exported, skipped, failed, counts, gaps } = result;
  const isComplete = gaps.length === 0;
  return {
    state: isComplete ? "complete" : "incomplete",
    ...rest,
    resumeCommand: isComplete ? null : rest.resumeCommand,
    files: { exported, skipped, failed },
    records: counts,
    gaps,
    error: null,
  };
}

/** A terminal whose every line of text on stderr is a line of JSON. */
export function jsonTerminal(terminal: Terminal, clock: Clock): Terminal {
  const time = () => new Date(clock.now()).toISOString();
  const print = (line: JsonLine) => terminal.err(`${JSON.stringify(line)}\n`);
  return {
    ...terminal,
    errIsTerminal: false,
    color: false,
    err: (text) => {
      for (const line of text.split("\n")) {
        const [, word = "", message = line] =
          /^(debug|info|warn|error): (.*)$/.exec(line) ?? [];
        if (line === "") continue;
        const level = word === "" ? "INFO" : word.toUpperCase() as Level;
        print({ type: "log", time: time(), level, message });
      }
    },
    progress: (snapshot) =>
      print({ type: "progress", time: time(), ...snapshot as Snapshot }),
  };
}
