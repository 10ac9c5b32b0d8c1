/** Makes the sample's Datapoints and Evaluations, in which the Runs disagree. */
import { type DemoEvaluation, sequence } from "../workspace.ts";
import {
  CLASSIFIER,
  EVALUATORS,
  GOLDEN,
  MIRA,
  type SampleFile,
} from "./files.ts";
import { type Answer, makeJudgment, makeLog } from "./logs.ts";
import { makeId, pick, timeAt } from "./parts.ts";
import records from "./records.json" with { type: "json" };
import { arrayOf, template } from "./template.ts";
import workspace from "./workspace.json" with { type: "json" };

/** When the Evaluations started, in minutes into 2025. */
const START = 150_000;
const { labels } = workspace;
const fillDatapoint = template(records.datapoint);
const fillEvaluationLog = template(records.evaluationLog);

/**
 * Returns the Datapoint at an index of a Dataset, from 0; each Version holds
 * the first ones.
 */
export function makeDatapoint(dataset: SampleFile, index: number): string {
  return fillDatapoint({
    id: datapointId(dataset, index),
    index,
    ticket: ticketText(index),
    label: pick(labels, index),
    confidence: (0.5 + index % 50 / 100).toFixed(3),
  });
}

const datapointId = (dataset: SampleFile, index: number) =>
  makeId("dp", `${dataset.path}#${index}`);
const ticketText = (index: number) =>
  `Ticket no. ${index}: ¿dónde está mi pedido?`;

/**
 * Returns the Evaluations of a File: a Run for each of two Versions, over one
 * Dataset.
 */
export function evaluationsOf(file: SampleFile): readonly DemoEvaluation[] {
  return file === CLASSIFIER ? workspace.evaluations.map(makeEvaluation) : [];
}

function makeEvaluation(
  { name, cases, sampleEvery, stats }: typeof workspace.evaluations[number],
): DemoEvaluation {
  const id = makeId("evr", CLASSIFIER.path + name);
  const runs = CLASSIFIER.versions.slice(0, 2).map((version, i) => {
    const run = { id: makeId("run", `${id}#${i}`), versionId: version.id };
    return {
      ...run,
      version,
      text: template(records.run)({
        ...run,
        dataset: GOLDEN.versions[0]!.text,
        version: version.text,
        added: timeAt(START + 1 + i),
        user: MIRA,
        control: i === 0,
      }),
      stats: template({
        ...records.runStats,
        evaluator_stats: EVALUATORS.map(({ versions }, evaluator) => ({
          evaluator_version_id: versions[0]!.id,
          ...stats[i]![evaluator],
        })),
      })({ ...run, cases }),
    };
  });
  const evaluators = EVALUATORS.map(({ versions, human = false }) =>
    template(records.evaluator)({
      version: versions[0]!.text,
      orchestrated: !human,
      added: timeAt(START),
    })
  );
  const makeEvaluationLog = (index: number) => {
    const run = index % runs.length;
    const at = Math.floor(index / runs.length);
    const answer = answerOf(id, at, run);
    const judges = EVALUATORS.filter(({ sampled }) =>
      !sampled || at % sampleEvery === 0
    );
    return fillEvaluationLog({
      runId: runs[run]!.id,
      datapoint: makeDatapoint(GOLDEN, at),
      log: makeLog(CLASSIFIER, index, {
        ...answer,
        version: runs[run]!.version,
        datapointId: datapointId(GOLDEN, at),
        judgments: [],
      }),
      judgments: arrayOf(
        judges.map((one) => makeJudgment(one, index, answer)),
      ),
    });
  };
  return {
    id,
    text: template(records.evaluation)({
      id,
      name,
      fileId: CLASSIFIER.id,
      runsCount: runs.length,
      evaluators: arrayOf(evaluators),
      created: timeAt(START),
      updated: timeAt(START + 60),
      user: MIRA,
    }),
    stats: template(records.stats)({
      runs: arrayOf(runs.map(({ stats }) => stats)),
      logs: cases * runs.length,
    }),
    runs,
    logs: sequence(cases * runs.length, makeEvaluationLog),
  };
}

/**
 * Returns what a Run answered in a case; where one is wrong or fails, the other
 * is right.
 */
function answerOf(evaluationId: string, at: number, run: number): Answer {
  const label = pick(labels, at);
  const isWrong = run === 0 ? at % 5 === 0 : at % 10 === 3;
  const others = labels.filter((one) => one !== label);
  const output = isWrong ? pick(others, at) : label;
  return {
    id: makeId("log", `${evaluationId}#${at * 2 + run}`),
    ticket: {
      text: ticketText(at),
      label,
      english: label,
      reply: label,
      topics: at % 4 === run ? ["delivery", "urgent"] : ["delivery"],
    },
    output: run === 1 && at % 50 === 43 ? null : output,
  };
}
