/**
 * Exports a File's Logs. A list of more than one page is read up to the export's
 * cut-off, so that Logs that arrive while it is read don't shift its pages.
 */
import { logsList } from "../api/client.ts";
import { openWalk } from "../api/open_walk.ts";
import type { Walk } from "../api/walk.ts";
import type { WalkStart } from "../api/walk_types.ts";
import type { IdInfo } from "../api/client.ts";
import { ApiError } from "../errors.ts";
import type { FileContext } from "./context.ts";
import { exportList } from "./list.ts";

/**
 * Exports the Logs.
 *
 * @throws {ApiError | NetworkError | ProtocolError} When they cannot be begun.
 */
export async function exportLogs(context: FileContext): Promise<void> {
  await exportList(context, {
    name: "logs",
    kind: "logs",
    spec: logsList(context.file, context.cutoff),
    open: (start) => openLogs(context, start),
  });
}

/** One page needs no cut-off: it is one answer, and nothing can shift in it. */
async function openLogs(
  context: FileContext,
  start: WalkStart,
): Promise<Walk<IdInfo>> {
  const { file, cutoff, observer, walk } = context;
  if (start.skip > 0) {
    return await openWalk(walk, logsList(file, cutoff), start);
  }
  const all = await openWalk(walk, logsList(file, null), start);
  if (all.pages <= 1) return all;
  all[Symbol.dispose]();
  const upToCutoff = await openWalk(walk, logsList(file, cutoff), {
    ...start,
    expected: all.found,
  }).catch((error) => {
    // A server that refuses the date is read without it.
    if (!(error instanceof ApiError) || error.retryable) throw error;
    return openWalk(walk, logsList(file, null), start);
  });
  const later = all.total - upToCutoff.total;
  if (later > 0) {
    observer.log(
      "WARN",
      `${later} Logs of ${file.id} were created after the cut-off ${cutoff} and are left out`,
    );
  }
  return upToCutoff;
}
