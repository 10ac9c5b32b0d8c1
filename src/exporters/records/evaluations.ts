/** Exports the Evaluations of a File: definition, stats, Runs and Logs. */
import {
  evaluationLogsList,
  evaluationsList,
  type IdInfo,
} from "../../api/client.ts";
import type { RawRecord } from "../../api/records.ts";
import { forEachConcurrent, runAll } from "../../core/concurrency.ts";
import { createDir, listDir } from "../../tree/write/atomic_file.ts";
import { isSafeId } from "../../tree/layout.ts";
import { exportPart, type FileContext, writeDocument } from "../context.ts";
import { setAsideOthers, writeDocuments } from "./documents.ts";
import { exportList } from "../list/export_list.ts";
import { readIndexList } from "../list/index_list.ts";

/** How many Evaluations of one File are read at once. */
const EVALUATIONS_AT_ONCE = 4;

/**
 * Exports the Evaluations.
 *
 * @throws {ApiError | NetworkError | ProtocolError} When they cannot be listed.
 */
export async function exportEvaluations(context: FileContext): Promise<void> {
  const { file, paths, stop, report, progress } = context;
  const evaluations: RawRecord<IdInfo>[] = [];
  const gaps = await readIndexList(
    context,
    evaluationsList(file),
    (records) => {
      evaluations.push(...records);
    },
  );
  report.gaps.push(...gaps);
  if (gaps.length === 0) {
    const ids = new Set(evaluations.map(({ info }) => info.id));
    await setAsideOthers(context, "evaluations", paths.evaluations, ids);
  }
  report.count("evaluations", evaluations.length);
  progress.expect(evaluations.length);
  await forEachConcurrent(
    stop,
    EVALUATIONS_AT_ONCE,
    evaluations,
    async (one) => {
      await exportEvaluation(context, one);
      progress.done(1);
    },
  );
}

/**
 * Adds the Logs to Evaluations that are on disk already.
 *
 * @throws {StorageError} When the disk fails.
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
  const { client, disk, stop } = context;
  const paths = context.paths.evaluation(info.id);
  const part = `evaluations/${info.id}`;
  await writeDocument(context, paths.evaluation, bytes, "evaluations");
  await runAll(stop, [
    () =>
      exportPart(context, `${part}/stats.json`, async () => {
        const stats = await client.stats(info.id);
        await writeDocument(context, paths.stats, stats.bytes);
      }),
    () =>
      exportPart(context, `${part}/runs`, async () => {
        const records = await client.runs(info.id);
        const dir = paths.runs;
        await createDir(disk, dir);
        const documents = { part: `${part}/runs`, dir, records };
        await writeDocuments(context, { ...documents, kind: "runs" });
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
  const spec = evaluationLogsList(context.file, id);
  await exportPart(context, spec.part, async () => {
    await exportList(context, { kind: "evaluationLogs", spec });
  });
}
