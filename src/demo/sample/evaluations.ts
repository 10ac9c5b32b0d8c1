/** The sample's Datapoints and Evaluations. */
import type { DemoEvaluation } from "../workspace.ts";
import { sequence } from "../workspace.ts";
import { jsonText, raw } from "../raw_json.ts";
import { CLASSIFIER, EXACT, GOLDEN, LENGTH, TONE } from "./files.ts";
import type { SampleFile, Value } from "./make_file.ts";
import { makeLog } from "./logs.ts";
import { makeId, MIRA, pick, timeAt } from "./parts.ts";

const LABELS = ["billing", "shipping", "address", "bug", "other"];

/** The Datapoint at a place of a Dataset's Version. */
export function makeDatapoint(dataset: SampleFile, index: number): Value {
  return {
    id: makeId("dp", `${dataset.path}#${index}`),
    inputs: { ticket: `Ticket no. ${index}: ¿dónde está mi pedido?` },
    messages: [{ role: "user", content: `Ticket no. ${index}` }],
    target: {
      label: pick(LABELS, index),
      confidence: raw((0.5 + index % 50 / 100).toFixed(3)),
      tags: ["eta", "größe"],
      meta: { lang: "es", weight: raw("1E+2") },
    },
  };
}

/** An Evaluation of a File: a Run for each of two Versions, over one Dataset. */
export function makeEvaluation(
  file: SampleFile,
  name: string,
  cases: number,
): DemoEvaluation {
  const id = makeId("evr", file.path + name);
  const judges = [EXACT, LENGTH, TONE];
  const runs = file.versions.slice(0, 2).map((version, i) => ({
    id: makeId("run", `${id}#${i}`),
    version,
  }));
  const evaluation = {
    id,
    runs_count: runs.length,
    evaluators: judges.map((judge) => ({
      version: judge.versions[0],
      orchestrated: judge !== TONE,
      added_at: timeAt(150_000),
    })),
    name,
    file_id: file.id,
    created_at: timeAt(150_000),
    created_by: MIRA,
    updated_at: timeAt(150_060),
    url: `https://app.humanloop.com/project/${file.id}/evaluations/${id}/stats`,
  };
  const runText = (run: typeof runs[number], i: number) =>
    jsonText({
      id: run.id,
      dataset: GOLDEN.versions[0],
      version: run.version,
      orchestrated: true,
      added_at: timeAt(150_001 + i),
      created_at: timeAt(150_001 + i),
      created_by: MIRA,
      status: "completed",
      control: i === 0,
    });
  const stats = {
    run_stats: runs.map((run, i) => statsOf(run, cases, i)),
    status: "completed",
    progress: `Total Logs: ${cases * runs.length}\nTotal Judgments: ${cases}`,
    report: "| Run | Exact label |\n|-----|-------------|\n| v7  | 0.91 ✅ |\n",
  };
  return {
    id,
    text: jsonText(evaluation),
    stats: jsonText(stats),
    runs: runs.map((run, i) => ({ id: run.id, text: runText(run, i) })),
    logs: sequence(cases * runs.length, (index) => {
      const run = runs[index % runs.length]!;
      const log = { ...makeLog(file, index), [file.type]: run.version };
      return jsonText({
        run_id: run.id,
        datapoint: makeDatapoint(GOLDEN, Math.floor(index / runs.length)),
        log: {
          ...log,
          id: makeId("log", `${id}#${index}`),
          evaluator_logs: [],
        },
        evaluator_logs: [{
          ...makeLog(EXACT, index),
          judgment: index % 7 !== 0,
        }],
      });
    }),
  };
}

function statsOf(
  run: { readonly id: string; readonly version: Value },
  cases: number,
  i: number,
): Value {
  const common = {
    total_logs: cases,
    num_judgments: cases,
    num_nulls: 0,
    num_errors: 0,
  };
  const evaluator = (file: SampleFile) => ({
    evaluator_version_id: file.versions[0]!["version_id"],
    ...common,
  });
  const right = Math.floor(cases * (0.8 + i / 10));
  return {
    run_id: run.id,
    version_id: run.version["version_id"],
    batch_id: null,
    num_logs: cases,
    status: "completed",
    evaluator_stats: [
      { ...evaluator(EXACT), num_true: right, num_false: cases - right },
      {
        ...evaluator(LENGTH),
        mean: raw("182.50"),
        sum: raw(`${cases * 182}.0`),
        std: raw("1.25e1"),
        percentiles: { "50": raw("180.0"), "95": 240 },
      },
      {
        ...evaluator(TONE),
        num_judgments_per_option: { friendly: right, curt: cases - right },
      },
    ],
  };
}

/** The Evaluations of each File. */
export function evaluationsOf(file: SampleFile): readonly DemoEvaluation[] {
  if (file !== CLASSIFIER) return [];
  return [
    makeEvaluation(file, "June regression", 600),
    makeEvaluation(file, "Kürzere Etiketten", 12),
  ];
}
