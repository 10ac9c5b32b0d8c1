/** Makes the sample's Logs and traces, each made from its number alone. */
import {
  AGENT,
  CLASSIFIER,
  EVALUATORS,
  EXACT,
  FLOW,
  LOOKUP,
  REPLY,
  type SampleFile,
  type SampleVersion,
  TRANSLATOR,
} from "./files.ts";
import { chance, makeId, pick, timeAt } from "./parts.ts";
import records from "./records.json" with { type: "json" };
import { arrayOf, template } from "./template.ts";
import workspace from "./workspace.json" with { type: "json" };

const { errors, fragile, labels, tenants, tickets, critiques } = workspace;

/** What a customer asked, and what would answer it. */
export type Ticket = typeof tickets[number];

/** A Log's id, and what was answered to what. */
export interface Answer {
  readonly id: string;
  readonly ticket: Ticket;
  /** `null` where the call failed. */
  readonly output: string | null;
}

/** What makes a Log another than the one at its index of its File's list. */
interface Changes extends Partial<Answer> {
  readonly version?: SampleVersion;
  readonly datapointId?: string;
  /** Texts of the Logs of Evaluators. */
  readonly judgments?: readonly string[];
  /** An Evaluator's: the Log that it judged. */
  readonly judged?: Answer;
}

/** So many of the newest Classifier Logs were judged, and every 20th by all Evaluators. */
const JUDGED = 400;
const JUDGED_BY_ALL = 20;
/** Files whose Logs are parts of a Flow's trace, in the order of their calls. */
const PARTS = [TRANSLATOR, AGENT, LOOKUP, REPLY];

const TEMPLATES = new Map(
  Object.entries(records.logs).map(([type, own]) => {
    const isAnswer = type === "prompt" || type === "agent";
    const common = { ...records.log, ...(isAnswer && records.answer) };
    return [type, template({ ...common, ...own })];
  }),
);

/** Makes the id of the Log at an index of a File's list, newest first. */
export function logId(file: SampleFile, index: number): string {
  if (file === FLOW && index % 4 === 0) return `order-${9000 + index}-run/3`;
  return makeId("log", `${file.path}#${index}`);
}

/**
 * Returns the Log at an index of a File's list, as JSON text.
 *
 * @param index From 0, newest first.
 * @param children Texts of the Logs that happened within it.
 */
export function makeLog(
  file: SampleFile,
  index: number,
  changes: Changes = {},
  children: readonly string[] = [],
): string {
  const answer = { ...answerOf(file, index), ...changes };
  const { id, ticket, output } = answer;
  const {
    version = versionOf(file, index),
    judgments = judgmentsOf(file, index),
    judged = file === EXACT ? answerOf(CLASSIFIER, index) : null,
  } = changes;
  const failed = (judged ?? answer).output === null;
  const parent = parentOf(file, index);
  const isTraced = parent !== null || file === FLOW;
  const minutes = 199_000 - index * 7;
  const [start, end] = secondsOf(file, index);
  const promptTokens = 40 + index % 60 + (ticket.photo ? 85 : 0);
  const outputTokens = failed ? null : Math.ceil((output ?? "").length / 4);
  const [promptPrice, outputPrice] = version.n > 2 ? [250, 1000] : [15, 60];
  return TEMPLATES.get(file.type)!({
    id,
    index,
    version: version.text,
    start: timeAt(minutes + start / 60),
    end: timeAt(minutes + end / 60),
    created: timeAt(minutes + 0.04),
    latency: `${(end - start).toFixed(4)}0`,
    ticket: ticket.text,
    content: contentOf(ticket),
    output,
    message: failed ? null : { role: "assistant", content: output },
    finish: failed ? null : "stop",
    error: failed ? errors[file.type as keyof typeof errors] : null,
    promptTokens,
    outputTokens,
    promptCost: `${promptTokens * promptPrice}e-08`,
    outputCost: failed ? null : `${outputTokens! * outputPrice}e-08`,
    tenant: pick(tenants, index),
    fragile: fragile[index % fragile.length],
    user: index % 97,
    environment: index % 5 === 0 ? "staging" : "production",
    datapointId: changes.datapointId,
    traceId: isTraced ? logId(FLOW, index) : null,
    flowId: isTraced ? FLOW.id : null,
    parentId: parent && logId(parent, index),
    children: arrayOf(children),
    order: 9000 + index,
    toolOutput: answerOf(LOOKUP, index).output ?? errors.tool,
    status: index === 0 ? "incomplete" : "complete",
    judgments: arrayOf(judgments),
    judgedId: judged?.id,
    judgment: judged && judge(file, judged, index),
  });
}

/** Returns the Log at an index of a File's list, with those that happened within it. */
export function withChildren(file: SampleFile, index: number): string {
  const children = PARTS.filter((part) => parentOf(part, index) === file)
    .map((part) => withChildren(part, index));
  return makeLog(file, index, {}, children);
}

/** Returns the Log of an Evaluator that judged another Log. */
export function makeJudgment(
  evaluator: SampleFile,
  index: number,
  judged: Answer,
): string {
  const id = makeId("log", `${judged.id}/${evaluator.path}`);
  const { ticket } = judged;
  const version = evaluator.versions[0]!;
  return makeLog(evaluator, index, { id, ticket, version, judged });
}

function judge(
  { returns, options = [] }: SampleFile,
  { output, ticket }: Answer,
  seed: number,
): unknown {
  if (output === null) return null;
  if (returns === "boolean") return output === ticket.label;
  if (returns === "number") return output.length;
  if (returns === "select") return options[chance(seed) < 0.7 ? 0 : 1];
  return returns === "multi_select" ? ticket.topics : pick(critiques, seed);
}

function judgmentsOf(file: SampleFile, index: number): readonly string[] {
  if (file !== CLASSIFIER || index >= JUDGED) return [];
  const answer = answerOf(file, index);
  const others = EVALUATORS.filter((one) => one !== EXACT);
  return [
    makeLog(EXACT, index),
    ...(index % JUDGED_BY_ALL === 0 ? others : [])
      .map((one) => makeJudgment(one, index, answer)),
  ];
}

/** Picks the Version of a Log: newer Logs were made by newer Versions. */
function versionOf({ versions, logs }: SampleFile, index: number) {
  const newest = Math.floor(index * versions.length / Math.max(1, logs));
  return versions[Math.min(newest, versions.length - 1)]!;
}

function answerOf(file: SampleFile, index: number): Answer {
  // All parts of a trace are about one ticket, and a judgment about its Log's.
  const about = file === EXACT ? CLASSIFIER : parentOf(file, index) && FLOW;
  const ticket = pick(tickets, index * 13 + (about ?? file).path.length);
  const output = outputOf(file, index, ticket);
  return { id: logId(file, index), ticket, output };
}

function outputOf(
  file: SampleFile,
  index: number,
  { label, english, reply }: Ticket,
): string | null {
  if (file === LOOKUP) return index % 8 === 7 ? null : '{"status":"paid"}';
  if (file.type === "evaluator" || index % 53 === 52) return null;
  if (file === TRANSLATOR) return english;
  if (file !== CLASSIFIER) return reply;
  return chance(index) < 0.85 ? label : pick(labels, index * 17);
}

function contentOf({ text, photo }: Ticket): unknown {
  if (photo === undefined) return text;
  const image = { url: photo, detail: "low" };
  return [{ type: "text", text }, { type: "image_url", image_url: image }];
}

/** Returns the File whose Log at the same index called this one. */
function parentOf(file: SampleFile, index: number): SampleFile | null {
  if (!PARTS.includes(file) || index >= file.logs) return null;
  return file === LOOKUP && index < AGENT.logs ? AGENT : FLOW;
}

/** Returns the seconds from a Log's moment to its start and its end. */
function secondsOf(
  { seconds = [0, 2] }: SampleFile,
  index: number,
): readonly [number, number] {
  const pace = 0.5 + chance(index * 17) / 2;
  return [seconds[0]! * pace, seconds[1]! * pace];
}
