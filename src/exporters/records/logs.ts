/**
 * Exports a File's Logs. A list of more than one page is frozen at the export's
 * cut-off, so that Logs that arrive while it is read do not shift its pages,
 * and newer Logs are read behind it. A long list is read in time windows.
 */
import { type LogInfo, logsList } from "../../api/client.ts";
import { ApiError } from "../../core/errors.ts";
import { instantMs } from "../../core/instant.ts";
import { countInWindows } from "../../core/ranges.ts";
import { type Cursor, openList, wholeList } from "../../lists/list_reader.ts";
import type { ListCheckpoint } from "../../tree/checkpoint.ts";
import type { FileContext } from "../context.ts";
import {
  exportList,
  type OpenedList,
  type OpenRequest,
} from "../list/export_list.ts";
import { probeList } from "../../lists/time_windows.ts";
import { LONG_LIST, planFrom, planLogs } from "./time_filter.ts";

/**
 * Exports the Logs.
 *
 * @throws {ApiError | NetworkError | ProtocolError} When the list cannot be
 * opened.
 */
export async function exportLogs(context: FileContext): Promise<void> {
  const { file, progress } = context;
  await exportList<LogInfo>(context, {
    kind: "logs",
    spec: logsList(file, null, null),
    open: async (request) => {
      const { checkpoint, cursor, end } = request;
      const opened = checkpoint === undefined
        ? await openNew(context, cursor)
        : await openKnown(context, checkpoint, cursor, end);
      progress.allKnown();
      return opened;
    },
  });
}

/** Opens a list as its checkpoint describes it. */
async function openKnown(
  context: FileContext,
  checkpoint: ListCheckpoint,
  cursor: Cursor,
  end: OpenRequest["end"],
): Promise<OpenedList<LogInfo>> {
  const { file, reader, times } = context;
  const { until, windows } = checkpoint;
  try {
    const { session } = reader;
    const plain = logsList(file, null, null);
    // Version 0.1.0 kept only the cut-off, and read nothing behind it.
    const plan = windows !== undefined
      ? planFrom(file, times, windows)
      : until === undefined
      ? null
      : await planLogs(
        ...[session, file, times] as const,
        ...[(await probeList(session, plain)).total, until] as const,
      );
    if (plan !== null) {
      const opened = await openList(reader, plan.segments, cursor, { end });
      return { ...plan, reader: opened };
    }
  } catch (error) {
    // The API may refuse dates by now.
    if (!(error instanceof ApiError) || error.retryable) throw error;
  }
  const spec = logsList(file, null, null);
  const opened = await openList(reader, wholeList(spec), cursor, { end });
  return { spec, reader: opened };
}

/** Opens a list that no checkpoint describes, from a cursor on. */
async function openNew(
  context: FileContext,
  cursor: Cursor,
): Promise<OpenedList<LogInfo>> {
  const { file, reader, times } = context;
  const spec = logsList(file, null, null);
  const whole = await openList(reader, wholeList(spec), cursor);
  // One page needs no cut-off: nothing can shift within one response.
  const isOnePage = whole.isAskedFor && cursor.offset === 0;
  if (isOnePage && !times.isFiltered || whole.total === 0) {
    return { spec, reader: whole };
  }
  try {
    const { total } = whole;
    const cutoff = times.cutoff ?? instantAfterNewest(await whole.peek());
    // Most lists have no Log newer than the cut-off, so reading continues as if
    // this one had none, while the counts are requested that show it.
    const isLikely = !times.isFiltered && !times.isIgnored &&
      cutoff !== null && total <= LONG_LIST;
    // Starts the counts first: pages would wait for them in memory.
    const planning = planLogs(reader.session, file, times, total, cutoff);
    if (isLikely) {
      const frozen = logsList(file, null, cutoff);
      whole.continueAs(frozen);
    }
    const plan = await planning;
    if (
      isLikely && plan?.windows.length === 1 &&
      countInWindows(plan.windows) === total
    ) {
      return { ...plan, reader: whole };
    }
    // Frees its memory, which the next reader may have to wait for.
    whole[Symbol.dispose]();
    if (plan === null) warnOfIgnoredDates(context);
    const segments = plan?.segments ?? wholeList(spec);
    const planned = await openList(reader, segments, cursor);
    return { spec, ...plan, reader: planned };
  } catch (error) {
    whole[Symbol.dispose]();
    throw error;
  }
}

/** Returns the instant just after the newest of some Logs. */
function instantAfterNewest(
  logs: ReadonlyArray<{ readonly info: LogInfo }>,
): string | null {
  const instants = logs.flatMap(({ info: { createdAt } }) => {
    const ms = instantMs(createdAt ?? "");
    return Number.isNaN(ms) ? [] : [ms];
  });
  if (instants.length === 0) return null;
  return new Date(Math.max(...instants) + 1).toISOString();
}

function warnOfIgnoredDates({ file, times, observer }: FileContext): void {
  if (!times.isFiltered) return;
  const name = file.path === null ? file.id : `${file.path} (${file.id})`;
  observer.log(
    "WARN",
    `the API ignores dates: all Logs of ${name} are exported, whatever their time`,
  );
}
