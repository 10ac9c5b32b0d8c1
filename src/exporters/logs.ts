/**
 * Exports a File's Logs. A list of more than one page is read up to the export's
 * cut-off, so that Logs that arrive while it is read don't shift its pages; a
 * long one is read in windows of time, since deep pages are slow.
 */
import { type IdInfo, logsList } from "../api/client.ts";
import { probeList } from "../lists/time_windows.ts";
import { openWalk } from "../lists/list_reader.ts";
import type { Expected, WalkStart } from "../lists/list_types.ts";
import { WindowWalk } from "../lists/window_reader.ts";
import type { DateWindow } from "../core/gap.ts";
import type { ListState } from "../tree/checkpoint.ts";
import type { FileContext } from "./context.ts";
import { type OpenedList, SourceChanged } from "./fill_gaps.ts";
import { exportList } from "./export_list.ts";

/** A list of more Logs than this is read in windows of time. */
const LONG_LIST = 20_000;

/**
 * Exports the Logs.
 *
 * @throws {ApiError | NetworkError | ProtocolError} When they cannot be begun.
 */
export async function exportLogs(context: FileContext): Promise<void> {
  const { file, cutoff: { wanted } } = context;
  let byDate = true;
  await exportList(context, {
    name: "logs",
    kind: "logs",
    spec: logsList(file, null, null),
    // Where dates were honoured, so is the beginning.
    specOf: (after, until) =>
      logsList(file, until === null ? after : after ?? wanted.after, until),
    open: async (start, saved) => {
      const opened = saved !== undefined && start.skip > 0
        ? await continueLogs(context, start, saved)
        : await beginLogs(context, start, byDate);
      context.work.known();
      return opened;
    },
    onDisorder: () => void (byDate = false),
  });
}

async function continueLogs(
  context: FileContext,
  start: WalkStart,
  { rest, until }: ListState,
): Promise<OpenedList<IdInfo>> {
  const { file, cutoff: { wanted } } = context;
  const spec = until === undefined
    ? logsList(file, null, null)
    : logsList(file, wanted.after, until);
  const walk = rest === undefined
    ? await openWalk(context.walk, spec, start)
    : await openWindows(context, start, rest);
  return until === undefined ? { walk } : { walk, until };
}

async function beginLogs(
  context: FileContext,
  start: WalkStart,
  byDate: boolean,
): Promise<OpenedList<IdInfo>> {
  const { file, cutoff, walk } = context;
  if (start.skip > 0 || cutoff.isFiltered) {
    return await readWantedLogs(context, start, byDate);
  }
  // Asked along with the first page, so that nothing waits for it.
  const asked = cutoff.range(walk.session, file);
  asked.catch(() => {});
  const all = await openWalk(walk, logsList(file, null, null), start);
  // One page needs no cut-off: it is one answer, and nothing can shift in it.
  if (all.isAskedFor) return { walk: all };
  const range = await asked;
  if (range === null) return { walk: all };
  all[Symbol.dispose]();
  const { until } = range;
  const upTo = byDate && all.total > LONG_LIST
    ? await openWindows(context, start, range, all.found)
    : await openWalk(walk, logsList(file, null, until), {
      ...start,
      expected: all.found,
    });
  warnOfLater(context, all.total - upTo.total);
  return { walk: upTo, until };
}

/** Reads what is wanted, behind what is on disk already. */
async function readWantedLogs(
  context: FileContext,
  start: WalkStart,
  byDate: boolean,
): Promise<OpenedList<IdInfo>> {
  const { file, cutoff, walk } = context;
  const range = await cutoff.range(walk.session, file);
  const { after, until } = range ?? { after: null, until: null };
  const plain = await openWalk(walk, logsList(file, after, until), start);
  if (range === null) {
    warnOfIgnoredDates(context);
    return { walk: plain };
  }
  const known = { until: range.until };
  if (!byDate || plain.total <= LONG_LIST) return { walk: plain, ...known };
  plain[Symbol.dispose]();
  return { walk: await openWindows(context, start, range), ...known };
}

/** Walks what is left of a list, window by window. */
async function openWindows(
  context: FileContext,
  start: WalkStart,
  left: Partial<DateWindow>,
  found?: Expected,
): Promise<WindowWalk<IdInfo>> {
  const { file, walk } = context;
  const { after = null, until = null, before = 0 } = left;
  const list = (after: string | null, until: string | null) =>
    logsList(file, after, until);
  const spec = list(after, until);
  const head = await probeList(walk.session, spec);
  const same = left.count === undefined || left.count === head.total;
  if (!same || start.skip < before) throw new SourceChanged();
  const whole = { ...head, after, until, before, count: head.total };
  const known = found ??
    { total: 0, most: spec.pageSize, fixed: false, pageBytes: 256 * 1024 };
  return new WindowWalk(walk, { list, whole, start, known });
}

function warnOfIgnoredDates({ file, cutoff, observer }: FileContext): void {
  if (!cutoff.isFiltered) return;
  observer.log(
    "WARN",
    `the API ignores dates: all Logs of ${file.id} are exported, whatever their time`,
  );
}

function warnOfLater({ file, cutoff, observer }: FileContext, later: number) {
  if (later <= 0) return;
  observer.log(
    "WARN",
    `${later} Logs of ${file.id} were created after the cut-off ${cutoff.wanted.until} and are left out`,
  );
}
