/**
 * Makes what `--json` prints: one document on stdout at the end of a run, and on
 * stderr one line of JSON for each log line and each state of the progress.
 * Programs may rely on these types.
 */
import type { ExportResult } from "../exporters/pipeline.ts";
import type { Counts, Level } from "../core/observer.ts";
import type { Gap } from "../core/gap.ts";
import type { Clock, Terminal } from "../core/runtime/runtime.ts";
import type { Snapshot } from "../ui/progress.ts";
import { filtersText } from "../core/filters.ts";
import { type Scope, scopeText } from "../core/scope.ts";
import type { State } from "./exit_codes.ts";
import type { RunInfo } from "./summary.ts";

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
  readonly state: State;
  readonly exitCode: number;
  /** The export's directory; `null` if nothing was saved. */
  readonly exportDir: string | null;
  /** The command that resumes the export; `null` if it cannot be resumed. */
  readonly resumeCommand: string | null;
  /** What was asked for, in words. */
  readonly scope: string;
  readonly logs: boolean;
  /** `null` for the whole workspace. */
  readonly directoryId: string | null;
  /** The filters, as they would be typed; `null` if there are none. */
  readonly filters: string | null;
  readonly tookMs: number;
  /** Bytes that this run wrote. */
  readonly bytes: number;
  /** Files; `null` if the run did not finish. */
  readonly files: {
    readonly exported: number;
    readonly skipped: number;
    readonly failed: number;
  } | null;
  /** Records of the whole export by kind; `null` as above. */
  readonly records: Counts | null;
  /** Everything that is missing, as far as known. */
  readonly gaps: readonly Gap[];
  /** What ended the run; `null` if it finished. */
  readonly error: string | null;
}

/** Makes the document for a run that finished. */
export function summaryOf(
  { exported, skipped, failed, counts, gaps }: ExportResult,
  info: RunInfo,
  exitCode: number,
): JsonSummary {
  const isComplete = gaps.length === 0;
  return {
    ...runOf(info),
    state: isComplete ? "complete" : "incomplete",
    exitCode,
    resumeCommand: isComplete ? null : info.resumeCommand,
    files: { exported, skipped, failed },
    records: counts,
    gaps,
    error: null,
  };
}

/** Makes the document for a run that did not finish. */
export function failedSummary(
  info: RunInfo,
  failure: Pick<JsonSummary, "state" | "exitCode" | "error">,
): JsonSummary {
  const resumeCommand = info.exportDir === null ? null : info.resumeCommand;
  const nothing = { files: null, records: null, gaps: [] };
  return { ...runOf(info), ...failure, ...nothing, resumeCommand };
}

/** Returns the fields that the document of any run has. */
function runOf({ exportDir, tookMs, bytes, settings }: RunInfo) {
  return { exportDir, ...scopeOf(settings), tookMs, bytes };
}

/** Returns the fields of a scope. */
export function scopeOf(
  scope: Scope,
): Pick<JsonSummary, "scope" | "logs" | "directoryId" | "filters"> {
  const { logs, directoryId, filters } = scope;
  const text = scopeText(scope);
  return { scope: text, logs, directoryId, filters: filtersText(filters) };
}

/**
 * Makes a terminal that prints every line of text on stderr as a line of JSON.
 */
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
