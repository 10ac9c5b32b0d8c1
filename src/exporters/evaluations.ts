/** Exports the Evaluations of a File: definition, stats, Runs and Logs. */
import { evaluationLogsList, evaluationsList } from "../api/client.ts";
import type { IdInfo } from "../api/client.ts";
import type { RawRecord } from "../api/records.ts";
import { forEachConcurrent, runAll } from "../core/concurrency.ts";
import { requests, Task } from "../core/work.ts";
import { isSafeId } from "../tree/layout.ts";
import { listDir, prune, writeFile } from "../tree/atomic_file.ts";
import { exportPart, type FileContext } from "./context.ts";
import { writeDocuments } from "./documents.ts";
import { exportList } from "./export_list.ts";
import { readIndexList } from "./index_list.ts";

/** Evaluations of one File to be read at once. */
const EVALUATIONS_AT_ONCE = 4;

/** What an Evaluation takes beside its Logs: its stats, its Runs. */
const REQUESTS_EACH = 2;

/**
 * Exports the Evaluations.
 *
 * @throws {ApiError | NetworkError | ProtocolError} When they cannot be listed.
 */
export async function exportEvaluations(context: FileContext): Promise<void> {
  const { disk, file, paths, stop, report } = context;
  const evaluations: RawRecord<IdInfo>[] = [];
  const whole = await readIndexList(context, {
    spec: evaluationsList(file),
    take: (records) => void evaluations.push(...records),
    addGap: (reason, where) => report.addGap("evaluations", reason, where),
  });
  if (whole) {
    const ids = evaluations.map(({ info }) => info.id);
    await prune(disk, paths.evaluations, new Set(ids));
  }
  report.add("evaluations", evaluations.length);
  using task = new Task(context.work);
  task.expected(requests(REQUESTS_EACH * evaluations.length));
  await forEachConcurrent(
    stop,
    EVALUATIONS_AT_ONCE,
    evaluations,
    async (one) => {
      await exportEvaluation(context, one);
      task.done(requests(REQUESTS_EACH));
    },
  );
}

/**
 * Adds the Logs to Evaluations that are on disk already.
 *
 * @throws {StorageError} When the disk refuses.
 */
export async function addEvaluationLogs(context: FileContext): Promise<void> {
  const { disk, paths, stop } = context;
  const entries = await listDir(disk, paths.evaluations) ?? [];
  const ids = entries.map(({ name }) => name).filter(isSafeId);
  await forEachConcurrent(stop, EVALUATIONS_AT_ONCE, ids, async (id) => {
    await exportEvaluationLogs(context, id);
  });
}

async function exportEvaluation(
  context: FileContext,
  { info, bytes }: RawRecord<IdInfo>,
): Promise<void> {
  const { disk, observer, stop } = context;
  const paths = context.paths.evaluation(info.id);
  const part = `evaluations/${info.id}`;
  await writeFile(disk, paths.evaluation, bytes);
  observer.written("evaluations", 1, bytes.length);
  await runAll(stop, [
    () =>
      exportPart(context, `${part}/stats.json`, async () => {
        const stats = await context.client.stats(info.id);
        await writeFile(disk, paths.stats, stats.bytes);
        observer.written("document", 1, stats.bytes.length);
      }),
    () =>
      exportPart(context, `${part}/runs`, async () => {
        const records = await context.client.runs(info.id);
        const dir = paths.runs;
        await disk.ensureDir(dir);
        const runs = {
          part: `${part}/runs`,
          kind: "runs",
          dir,
          records,
        } as const;
        await writeDocuments(context, runs);
      }),
    async () => {
      if (context.logs) await exportEvaluationLogs(context, info.id);
    },
  ]);
}

async function exportEvaluationLogs(
  context: FileContext,
  id: string,
): Promise<void> {
  const name = `evaluations/${id}/logs` as const;
  const spec = evaluationLogsList(id);
  await exportPart(context, name, async () => {
    await exportList(context, { name, kind: "evaluationLogs", spec });
  });
}
