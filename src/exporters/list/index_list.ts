/**
 * Reads a list whose records become files of their own (Files, Evaluations): it
 * is read from its beginning in every run, again if it changes meanwhile, and
 * what cannot be read is a gap.
 */
import type { ListSpec } from "../../api/list_spec.ts";
import { listLabel } from "../../api/list_spec.ts";
import type { RawRecord } from "../../api/records.ts";
import type { Gap } from "../../core/gap.ts";
import { openList, wholeList } from "../../lists/list_reader.ts";
import type { RunContext } from "../context.ts";
import { SafeIds } from "../records/safe_ids.ts";

/** How often a list is read before it is given up. */
export const MAX_READINGS = 3;

/**
 * Reads a list, and again if it changes meanwhile, up to three times.
 *
 * @param spec The list.
 * @param take Takes records whose ids are safe in paths, in order, each once.
 * @param opened The list at its beginning, if it is being opened already.
 * @returns What is missing.
 * @throws {ApiError | NetworkError | ProtocolError} When it cannot be opened.
 */
export async function readIndexList<T extends { readonly id: string }>(
  context: Pick<RunContext, "reader" | "observer">,
  spec: ListSpec<T>,
  take: (records: readonly RawRecord<T>[]) => void | Promise<void>,
  opened = openList(context.reader, wholeList(spec)),
): Promise<readonly Gap[]> {
  const { fileId, part } = spec;
  const seen = new Set<string>();
  const ids = new SafeIds();
  const refused: Gap[] = [];
  let opening = opened;
  for (let readings = 1;; readings++) {
    using reader = await opening;
    const gaps: Gap[] = [];
    for await (const batch of reader) {
      if (batch.kind === "gap") {
        gaps.push(batch.gap);
        continue;
      }
      const fresh: RawRecord<T>[] = [];
      for (const record of batch.records) {
        const { id } = record.info;
        if (seen.has(id)) continue;
        seen.add(id);
        const reason = ids.refusal(id);
        if (reason === null) fresh.push(record);
        else refused.push({ fileId, part, reason });
      }
      await take(fresh);
    }
    const mismatch = reader.checkConsistency();
    if (mismatch === null) return [...refused, ...gaps];
    if (readings === MAX_READINGS) {
      const reason = `${mismatch}; resume to read it again`;
      return [...refused, ...gaps, { fileId, part, reason }];
    }
    const label = listLabel(spec);
    context.observer.log("WARN", `reading the ${label} again: ${mismatch}`);
    opening = openList(context.reader, wholeList(spec));
  }
}
