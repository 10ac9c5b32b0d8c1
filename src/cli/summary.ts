/** The summary at the end of a run. */
import type { ExportResult } from "../exporters/export_result.ts";
import { gapText } from "../tree/manifest.ts";
import {
  bytes,
  count,
  duration,
  escapeControls,
  pluralize,
  recordsText,
} from "../ui/text.ts";

/** What a summary tells beside the result. */
export interface SummaryOptions {
  /** The export's directory. */
  readonly where: string;
  readonly bytes: number;
  readonly tookMs: number;
  readonly resumeCommand: string;
  /** The filters, as they would be typed; `null` where there are none. */
  readonly filters: string | null;
}

/** Missing parts that are listed; `export.json` has all of them. */
const GAPS_SHOWN = 20;

/** The summary as text, ending in a line break. */
export function summary(result: ExportResult, options: SummaryOptions): string {
  const { gaps, exported, skipped, failed } = result;
  const lines = [
    gaps.length === 0
      ? `Export complete: ${options.where}`
      : `Export INCOMPLETE: ${options.where}`,
    ...options.filters === null ? [] : [`  Only     ${options.filters}`],
    `  Files    ${count(exported)} exported, ${
      count(skipped)
    } skipped (complete already), ${count(failed)} failed`,
    `  Records  ${recordsText(result.counts)}`,
    `  Written  ${bytes(options.bytes)} in ${took(options.tookMs)}`,
    `  Open     ${options.where}/index.html in a browser`,
  ];
  if (gaps.length > 0) {
    lines.push(`  Missing  ${pluralize(gaps.length, "part")}:`);
    for (const gap of gaps.slice(0, GAPS_SHOWN)) {
      lines.push(`    ${escapeControls(gapText(gap))}`);
    }
    if (gaps.length > GAPS_SHOWN) {
      const more = count(gaps.length - GAPS_SHOWN);
      lines.push(`    and ${more} more, all in ${options.where}/export.json`);
    }
    lines.push(`To go on: ${options.resumeCommand}`);
  }
  return lines.join("\n") + "\n";
}

function took(ms: number): string {
  return ms < 9_950 ? `${(ms / 1000).toFixed(1)} s` : duration(ms);
}
