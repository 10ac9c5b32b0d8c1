/**
 * Exports a File's Logs. A list of more than one page is frozen at the export's
 * cut-off, so that Logs that arrive while it is read don't shift its pages, and
 * what is newer is read behind it. A long one is read in time windows.
 */
import { type LogInfo, logsList } from "../api/client.ts";
import { ApiError, isListRecoverable } from "../core/errors.ts";
import { type ListReader, openList, wholeList } from "../lists/list_reader.ts";
import type { Cursor, PagingHints } from "../lists/list_types.ts";
import type { ListCheckpoint } from "../tree/checkpoint.ts";
import type { FileContext } from "./context.ts";
import {
  exportList,
  type OpenedList,
  type OpenRequest,
} from "./export_list.ts";
import { probeList } from "../lists/time_windows.ts";
import { LONG_LIST, planFrom, planLogs } from "./time_filter.ts";

/**
 * Exports the Logs.
 *
 * @throws {ApiError | NetworkError | ProtocolError} When they cannot be opened.
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

/** Opens a list in the way that its checkpoint says. */
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
    // Version 0.1.0 kept the cut-off only, and read nothing behind it.
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
    // The API may refuse dates now.
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
  // One page needs no cut-off: it is one response, and nothing can shift in it.
  const isOnePage = whole.isAskedFor && cursor.offset === 0;
  if (isOnePage && !times.isFiltered || whole.total === 0) {
    return { spec, reader: whole };
  }
  const { total, hints } = whole;
  let cutoff: string | null;
  try {
    cutoff = times.cutoff ?? newestOf(await whole.peek());
  } finally {
    // It must not hold memory that the next reader may have to wait for.
    whole[Symbol.dispose]();
  }
  const isShort = total <= LONG_LIST && !times.isFiltered;
  const frozen = isShort && cutoff !== null
    ? await openFrozen(context, { total, cutoff }, cursor, hints)
    : null;
  if (frozen !== null) return frozen;
  const plan = await planLogs(reader.session, file, times, total, cutoff);
  if (plan === null) warnOfIgnoredDates(context);
  const segments = plan?.segments ?? wholeList(spec);
  const planned = await openList(reader, segments, cursor, { hints });
  return { spec, ...plan, reader: planned };
}

/**
 * Opens a short list up to its cut-off, as most are: none of its Logs is newer.
 *
 * @returns It; `null` where that is not so, or cannot be seen.
 */
async function openFrozen(
  { file, reader }: FileContext,
  { total, cutoff }: { readonly total: number; readonly cutoff: string },
  cursor: Cursor,
  hints: PagingHints,
): Promise<OpenedList<LogInfo> | null> {
  const spec = logsList(file, null, cutoff);
  const windows = [{ after: null, until: cutoff, offset: 0, count: total }];
  const counting = probeList(reader.session, logsList(file, cutoff, null));
  // Awaited below; a rejection before that must not end the process.
  counting.catch(() => {});
  let opened: ListReader<LogInfo> | null = null;
  try {
    const segments = [{ spec, offset: 0, count: total }];
    opened = await openList(reader, segments, cursor, { hints });
    const newer = await counting;
    if (newer.total === 0 && !opened.sourceChanged) {
      return { spec, windows, reader: opened };
    }
  } catch (error) {
    if (!isListRecoverable(error)) throw error;
  }
  opened?.[Symbol.dispose]();
  return null;
}

/** Finds an instant just behind the newest of some Logs. */
function newestOf(
  logs: ReadonlyArray<{ readonly info: LogInfo }>,
): string | null {
  const instants = logs.flatMap(({ info: { createdAt } }) => {
    const hasZone = /(Z|[+-]\d{2}:?\d{2})$/.test(createdAt ?? "");
    const ms = Date.parse(hasZone ? createdAt! : `${createdAt}Z`);
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
