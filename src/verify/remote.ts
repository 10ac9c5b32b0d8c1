/**
 * Compares an export with the API, list by list: how many records each holds
 * there and here. It requests only counts.
 */
import {
  Client,
  datapointsList,
  evaluationLogsList,
  evaluationsList,
  type FileInfo,
  filesList,
  type IdInfo,
  logsList,
} from "../api/client.ts";
import type { TreeExport } from "../tree/read/tree_reader.ts";
import { probeList } from "../lists/time_windows.ts";
import type { Session } from "../api/session/session.ts";
import type { ListSpec } from "../api/list_spec.ts";
import { openList, wholeList } from "../lists/list_reader.ts";
import type { ReaderContext } from "../lists/reader_context.ts";
import { forEachConcurrent, type Stop } from "../core/concurrency.ts";
import { isRecoverable } from "../core/errors.ts";
import { TimeFilter } from "../exporters/records/time_filter.ts";
import { NO_FILTERS, wantsFile } from "../core/filters.ts";
import {
  byHand,
  FETCH,
  LATER,
  type Problem,
  Problems,
  RESUME,
} from "./problems.ts";
import type { Verdict, VerifiedFile } from "./verify.ts";

/** What comparing needs. */
export interface RemoteOptions {
  readonly reader: ReaderContext;
  readonly stop: Stop;
  readonly verdict: Verdict;
}

/** How many Files are compared at once. */
const AT_ONCE = 8;

/**
 * Compares an export with the API.
 *
 * @returns What differs, in a stable order.
 * @throws {AuthError} When the API refuses the key.
 * @throws {ApiError | NetworkError | ProtocolError} When the Files cannot be listed.
 */
export async function compareWithApi(
  { reader, stop, verdict }: RemoteOptions,
): Promise<readonly Problem[]> {
  const { files, exports } = verdict;
  const byDir = new Map(exports.map(({ dir }) => [dir, new Problems(dir)]));
  const problemsOf = ({ dir }: TreeExport) => byDir.get(dir)!;
  const problems = problemsOf(exports[0]!);
  const listed = new Map<string, FileInfo>();
  using list = await openList(reader, wholeList(filesList(null)));
  for await (const batch of list) {
    if (batch.kind !== "records") continue;
    for (const { info } of batch.records) listed.set(info.id, info);
  }
  const mismatch = list.checkConsistency();
  if (mismatch !== null) {
    problems.add("files", `cannot be compared completely: ${mismatch}`, LATER);
  }
  await forEachConcurrent(stop, AT_ONCE, files, async (file) => {
    const { id, from } = file;
    const info = listed.get(id);
    if (info === undefined) {
      return problemsOf(from).add(
        `files/${id}`,
        "is no longer listed by the API",
        byHand("nothing: this export is the only copy"),
      );
    }
    const { cutoff = null, filters = NO_FILTERS } = from.manifest?.settings ??
      {};
    const times = new TimeFilter(cutoff, filters);
    const { session } = reader;
    const comparing = { session, problems: problemsOf(from), times };
    await compareFile(comparing, info, file);
  });
  // Ignores Files outside the scope of the export: they are not missing.
  const known = new Set(exports.flatMap(({ fileIds }) => fileIds));
  const wants = (file: FileInfo) =>
    exports.some(({ manifest }) => {
      const { directoryId = null, filters = NO_FILTERS } = manifest?.settings ??
        {};
      return directoryId === null && wantsFile(filters, file);
    });
  for (const [id, file] of listed) {
    if (known.has(id) || !wants(file)) continue;
    problems.add(
      `files/${id}`,
      `is listed by the API (${file.path ?? "no path"}) but not in this export`,
      RESUME,
    );
  }
  return [...byDir.values()].flatMap((one) => one.sorted());
}

interface Comparing {
  readonly session: Session;
  readonly problems: Problems;
  readonly times: TimeFilter;
}

async function compareFile(
  { session, problems, times }: Comparing,
  info: FileInfo,
  { logs, lists }: VerifiedFile,
): Promise<void> {
  const client = new Client(session);
  const compare = async (
    name: string,
    ask: () => Promise<number>,
    isEnough = (here: number, there: number) => here === there,
  ) => {
    const path = `files/${info.id}/${name}`;
    const here = lists.get(name) ?? 0;
    try {
      const there = await ask();
      if (isEnough(here, there)) return;
      problems.add(path, `holds ${here} records, the API has ${there}`, FETCH);
    } catch (error) {
      if (!isRecoverable(error)) throw error;
      problems.add(path, `cannot be compared: ${error.message}`, LATER);
    }
  };
  const count = async (spec: ListSpec<IdInfo>) =>
    (await probeList(session, spec)).total;
  await compare("versions", async () => (await client.versions(info)).length);
  if (info.type !== "dataset") {
    await compare("evaluations", () => count(evaluationsList(info)));
  }
  for (const name of lists.keys()) {
    const [top, id = "", part] = name.split("/");
    if (top === "datapoints") {
      await compare(name, () => count(datapointsList(info, id)));
    } else if (top === "evaluations" && part === "runs") {
      await compare(name, async () => (await client.runs(id)).length);
    } else if (top === "evaluations" && part === "logs" && logs) {
      await compare(name, () => count(evaluationLogsList(info, id)));
    }
  }
  if (!logs || info.type === "dataset") return;
  const { after, until } = times.wanted;
  // Ignores Logs that are newer than the export.
  const before = times.cutoff === null
    ? 0
    : await count(logsList(info, null, times.cutoff)).catch(() => 0);
  await compare(
    "logs",
    () => count(logsList(info, after, until)),
    (here, there) =>
      here === there ||
      !times.isFiltered && before > 0 && before <= here && here <= there,
  );
}
