/**
 * Counts what an export would fetch, by one small request a list: how many
 * records there are, how many requests they take, and about how many bytes.
 * Writes nothing.
 */
import {
  Client,
  datapointsList,
  evaluationLogsList,
  evaluationsList,
  type FileInfo,
  filesList,
  logsList,
} from "../api/client.ts";
import { probeList } from "../lists/time_windows.ts";
import type { Session } from "../api/session/session.ts";
import { fetchPage } from "../lists/page.ts";
import { listLabel, type ListSpec } from "../api/list_spec.ts";
import { pageFrom } from "../lists/page_address.ts";
import type { ReaderContext } from "../lists/reader_context.ts";
import { forEachConcurrent, type Stop } from "../core/concurrency.ts";
import { releaseLarge } from "../core/text/bytes.ts";
import { isRecoverable } from "../core/errors.ts";
import { TimeFilter } from "../exporters/records/time_filter.ts";
import { gapText, joinGaps } from "../core/gap.ts";
import { logOnly } from "../core/observer.ts";
import { readIndexList } from "../exporters/list/index_list.ts";
import { chooseFiles, directoryPath } from "../exporters/listing.ts";
import type { Settings } from "../tree/manifest.ts";

/** What a plan counts, in the order in which it is shown. */
export const PLAN_KEYS = [
  "files",
  "versions",
  "datapoints",
  "evaluations",
  "evaluationLogs",
  "logs",
  "requests",
  "bytes",
] as const;

/**
 * The records of one type of File, or of all; about how many requests an export
 * of them takes; and about how many bytes, estimated from ten records of each
 * list.
 */
export type PlanRow = { readonly [key in typeof PLAN_KEYS[number]]: number };

/** A plan. */
export interface Plan {
  readonly byType: Readonly<Record<string, PlanRow>>;
  readonly total: PlanRow;
  /** Requests that the plan itself took. */
  readonly asked: number;
  /** How long an export may take, in milliseconds, estimated from these. */
  readonly tookMs: number;
  /** What could not be counted, and why. */
  readonly unknown: readonly string[];
}

/** What planning needs. */
export interface PlanOptions {
  readonly reader: ReaderContext;
  readonly stop: Stop;
  readonly concurrency: number;
  readonly now: () => number;
}

const AT_ONCE = 8;
/** Records of a list that its bytes are estimated from. */
const SAMPLE = { page: 1, size: 10 };
/**
 * Requests that freeze a list of Logs of more than one page: its first page, two
 * counts, and what is newer than the cut-off.
 */
const FREEZE_REQUESTS = 4;
const EMPTY = rowOf(() => 0);

/**
 * Plans an export of these settings.
 *
 * @throws {UsageError} When the Directory is unknown.
 * @throws {AuthError} When the API refuses the key.
 * @throws {ApiError | NetworkError | ProtocolError} When the Files cannot be listed.
 */
export async function planExport(
  { directoryId, filters, cutoff, logs }: Settings,
  { reader, stop, concurrency, now }: PlanOptions,
): Promise<Plan> {
  const path = await directoryPath(new Client(reader.session), directoryId);
  const wantsFile = await chooseFiles(reader, path, filters);
  const wanted = { logs, times: new TimeFilter(cutoff, filters) };
  const files: FileInfo[] = [];
  let bytes = 0;
  let listed = 0;
  const context = { reader, observer: logOnly(() => {}) };
  const gaps = await readIndexList(context, filesList(path), (records) => {
    listed += records.length;
    const some = records.filter(({ info }) => wantsFile(info));
    for (const record of some) bytes += record.bytes.length;
    files.push(...some.map(({ info }) => info));
  });
  const byType: Record<string, PlanRow> = Object.create(null);
  const listing = requestsFor(listed, filesList(path).pageSize);
  // Counts the request for the Directories, which an export makes too.
  let total = sum(EMPTY, { requests: listing + 1, bytes });
  const unknown = joinGaps(gaps).map((gap) => gapText(gap));
  let asked = listing;
  let waitedMs = 0;
  await forEachConcurrent(stop, AT_ONCE, files, async (file) => {
    const counting = new Counting(reader.session, now, unknown);
    const row = await countFile(counting, file, wanted);
    byType[file.type] = sum(byType[file.type] ?? EMPTY, row);
    total = sum(total, row);
    asked += counting.asked;
    waitedMs += counting.waitedMs;
  });
  const each = asked > listing ? waitedMs / (asked - listing) : 0;
  return {
    byType,
    total,
    asked,
    tookMs: Math.round(each * total.requests / concurrency),
    unknown: unknown.toSorted(),
  };
}

/** Counts lists, and measures the requests. */
class Counting {
  asked = 0;
  waitedMs = 0;

  constructor(
    readonly session: Session,
    readonly now: () => number,
    readonly unknown: string[],
  ) {}

  /**
   * Makes one request; if it fails, returns `null` and adds a line to
   * `unknown`.
   */
  async ask<T>(label: string, work: () => Promise<T>): Promise<T | null> {
    const startMs = this.now();
    this.asked++;
    try {
      return await work();
    } catch (error) {
      if (!isRecoverable(error)) throw error;
      this.unknown.push(`${label}: ${error.message}`);
      return null;
    } finally {
      this.waitedMs += this.now() - startMs;
    }
  }

  /**
   * Counts the records of a list, and estimates their bytes from the first ten.
   */
  async head<T>(spec: ListSpec<T>): Promise<{ total: number; bytes: number }> {
    const head = await this.ask(listLabel(spec), async () => {
      try {
        const { total, records } = await fetchPage(this.session, spec, SAMPLE);
        const bytes = records.reduce((sum, one) => sum + one.bytes.length, 0);
        releaseLarge(records.map((one) => one.bytes));
        return { total, bytes: bytes / Math.max(records.length, 1) };
      } catch (error) {
        if (!isRecoverable(error)) throw error;
        // One of the ten may be a record that the server cannot serve.
        this.asked++;
        return await probeList(this.session, spec);
      }
    });
    const { total, bytes } = head ?? { total: 0, bytes: 0 };
    return { total, bytes: Math.round(total * bytes) };
  }
}

async function countFile(
  counting: Counting,
  file: FileInfo,
  { logs, times }: { readonly logs: boolean; readonly times: TimeFilter },
): Promise<PlanRow> {
  const { session } = counting;
  const client = new Client(session);
  const versions = await counting.ask(
    `Versions of ${file.id}`,
    () => client.versions(file),
  ) ?? [];
  let row = sum(EMPTY, {
    files: 1,
    versions: versions.length,
    requests: 1,
    bytes: versions.reduce((bytes, one) => bytes + one.bytes.length, 0),
  });
  const add = (more: Partial<PlanRow>) => void (row = sum(row, more));
  if (file.type === "dataset") {
    for (const { info } of versions) {
      const spec = datapointsList(file, info.id);
      const { total, bytes } = await counting.head(spec);
      const requests = requestsFor(total, spec.pageSize);
      add({ datapoints: total, requests, bytes });
    }
    return row;
  }
  const spec = evaluationsList(file);
  const page = await counting.ask(
    listLabel(spec),
    () => fetchPage(session, spec, { page: 1, size: spec.pageSize }),
  );
  const evaluations = page?.total ?? 0;
  const requests = requestsFor(evaluations, spec.pageSize) + 2 * evaluations;
  add({ evaluations, requests });
  for (const { info } of logs ? page?.records ?? [] : []) {
    const list = evaluationLogsList(file, info.id);
    const { total, bytes } = await counting.head(list);
    const requests = requestsFor(total, list.pageSize);
    add({ evaluationLogs: total, requests, bytes });
  }
  if (!logs) return row;
  const { after, until } = times.wanted;
  const list = logsList(file, after, until);
  const { total, bytes } = await counting.head(list);
  const freezing = total > list.pageSize ? FREEZE_REQUESTS : 0;
  const pages = requestsFor(total, list.pageSize);
  add({ logs: total, requests: pages + freezing, bytes });
  return row;
}

/** Counts the pages of a list by the rule of an export. */
function requestsFor(total: number, most: number): number {
  let pages = 1;
  for (let offset = most; offset < total; pages++) {
    const { page, size } = pageFrom(offset, most, { total });
    offset = page * size;
  }
  return pages;
}

function sum(a: PlanRow, b: Partial<PlanRow>): PlanRow {
  return rowOf((key) => a[key] + (b[key] ?? 0));
}

function rowOf(value: (key: keyof PlanRow) => number): PlanRow {
  return Object.fromEntries(
    PLAN_KEYS.map((key) => [key, value(key)]),
  ) as PlanRow;
}
