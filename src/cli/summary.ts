/** Writes the summary at the end of a run. */
import { type Scope, scopeText } from "../core/scope.ts";
import type { ExportResult } from "../exporters/pipeline.ts";
import { gapText, joinGaps } from "../core/gap.ts";
import {
  bytes,
  count,
  elapsed,
  escapeControls,
  pluralize,
  recordsText,
} from "../ui/text.ts";

/** What is known of a run besides its result. */
export interface RunInfo {
  /** The export's directory; `null` if nothing was saved. */
  readonly exportDir: string | null;
  /** The command that resumes the export; `null` if it cannot be resumed. */
  readonly resumeCommand: string | null;
  readonly settings: Scope;
  /** Bytes that this run wrote. */
  readonly bytes: number;
  readonly tookMs: number;
}

/** How many gaps are listed; `export.json` has all of them. */
const GAPS_SHOWN = 20;

/** Writes the summary, ending in a line break. */
export function summary(result: ExportResult, info: RunInfo): string {
  const { exported, skipped, failed } = result;
  const gaps = joinGaps(result.gaps);
  const { exportDir, resumeCommand, settings } = info;
  const lines = [
    `Export ${gaps.length === 0 ? "complete" : "INCOMPLETE"}: ${exportDir}`,
    `  Scope    ${escapeControls(scopeText(settings))}`,
    `  Files    ${count(exported)} exported, ${
      count(skipped)
    } skipped (complete already), ${count(failed)} failed`,
    `  Records  ${recordsText(result.counts)}`,
    `  Written  ${bytes(info.bytes)} in ${elapsed(info.tookMs)}`,
    `  Open     ${exportDir}/index.html in a browser`,
  ];
  if (gaps.length > 0) {
    lines.push(`  Missing  ${pluralize(gaps.length, "part")}:`);
    for (const gap of gaps.slice(0, GAPS_SHOWN)) {
      lines.push(`    ${escapeControls(gapText(gap, result.paths))}`);
    }
    if (gaps.length > GAPS_SHOWN) {
      const more = count(gaps.length - GAPS_SHOWN);
      lines.push(`    and ${more} more, all in ${exportDir}/export.json`);
    }
  }
  if (resumeCommand !== null && !settings.logs) {
    lines.push(`Without Logs; add them: ${resumeCommand} --logs`);
  }
  if (resumeCommand !== null && gaps.length > 0) {
    lines.push(`To resume: ${resumeCommand}`);
  }
  return lines.join("\n") + "\n";
}
