/** The sample's Logs, each made from its number alone. */
import { raw } from "../raw_json.ts";
import { AGENT, CLASSIFIER, EXACT, FLOW, LOOKUP } from "./files.ts";
import type { SampleFile, Value } from "./make_file.ts";
import { chance, makeId, pick, timeAt } from "./parts.ts";

const TICKETS = [
  "My card was charged twice.",
  "Wo bleibt mein Paket? Es sollte gestern kommen.",
  "配送先の住所を変更したいです。",
  "The app says “error 42” – what now?",
  'Your bot answered {"records": [1, 2]} and nothing else.',
  "C:\\temp\\log.txt is full\nof\ttabs",
  "Where is my parcel? 📦",
];
const LABELS = ["billing", "shipping", "address", "bug", "other"];
/** Values that a careless JSON round trip changes. */
const FRAGILE = [
  "12345678901234567890",
  "1.0",
  "1E+400",
  "-0.0",
  "1.0000000000000000001",
  '"\\ud83d lone"',
  '{"a":1,"a":2}',
  '"\\u0041\\/\\u00e9"',
  "[1e5,0.10]",
];

/** The Log's Version: newer Logs were made by newer Versions. */
function versionOf(file: SampleFile, index: number): Value {
  const { versions, logs } = file;
  const place = Math.floor(index * versions.length / Math.max(1, logs));
  return versions[Math.min(place, versions.length - 1)]!;
}

/** Id of the Log at a place of a File's list, newest first. */
export function logId(file: SampleFile, index: number): string {
  if (file === FLOW && index % 4 === 0) return `order-${9000 + index}-run/3`;
  return makeId("log", `${file.path}#${index}`);
}

/**
 * The Log at a place of a File's list.
 *
 * @param index From 0, newest first.
 */
export function makeLog(file: SampleFile, index: number): Value {
  const createdAt = 199_000 - index * 7;
  const seed = index * 13 + file.path.length;
  const ticket = pick(TICKETS, seed);
  const id = logId(file, index);
  return {
    id,
    [file.type]: versionOf(file, index),
    start_time: timeAt(createdAt),
    end_time: timeAt(createdAt + 0.03),
    created_at: timeAt(createdAt + 0.04),
    inputs: { ticket },
    output: pick(LABELS, seed + 1),
    error: null,
    stdout: null,
    provider_latency: raw((chance(seed) * 3).toFixed(4) + "0"),
    provider_request: { model: "gpt-4o", n: raw("1") },
    provider_response: { id: `chatcmpl-${index}` },
    source: "sdk",
    metadata: {
      tenant: pick(["acme", "globex", "ünïcode GmbH"], seed + 2),
      fragile: raw(FRAGILE[index % FRAGILE.length]!),
    },
    user: `u-${index % 97}`,
    environment: index % 5 === 0 ? "staging" : "production",
    save: true,
    log_id: null,
    source_datapoint_id: null,
    batches: [],
    trace_id: null,
    trace_flow_id: null,
    trace_parent_id: null,
    trace_children: [],
    evaluator_logs: [],
    ...fieldsOf(file, index, ticket),
  };
}

function fieldsOf(file: SampleFile, index: number, ticket: string): Value {
  const seed = index * 17;
  if (file.type === "prompt" || file.type === "agent") {
    return {
      messages: [{ role: "user", content: ticket }],
      output_message: { role: "assistant", content: pick(LABELS, seed) },
      finish_reason: "stop",
      tool_choice: null,
      prompt_tokens: 40 + index % 60,
      reasoning_tokens: null,
      output_tokens: 7,
      prompt_cost: raw("9.15e-06"),
      output_cost: raw("4.20e-06"),
      ...(file === CLASSIFIER && index < 400
        ? { evaluator_logs: [makeLog(EXACT, index)] }
        : {}),
    };
  }
  if (file === FLOW) {
    return {
      messages: [{ role: "user", content: ticket }],
      output_message: null,
      log_status: index === 0 ? "incomplete" : "complete",
      trace_id: logId(FLOW, index),
      trace_flow_id: FLOW.id,
    };
  }
  if (file === EXACT) {
    return {
      parent_id: logId(CLASSIFIER, index),
      judgment: index % 3 !== 0,
      marked_completed: false,
      output: null,
      output_message: null,
      parent: null,
    };
  }
  if (file === LOOKUP) {
    return {
      inputs: { order_id: String(9000 + index) },
      output: '{"status":"paid"}',
      output_message: null,
      trace_id: logId(FLOW, index),
      trace_flow_id: FLOW.id,
      trace_parent_id: logId(FLOW, index),
    };
  }
  return {};
}

/** A Log with the Logs that happened within it. */
export function withChildren(file: SampleFile, index: number): Value {
  const log = makeLog(file, index);
  if (file === FLOW) {
    return { ...log, trace_children: [makeLog(LOOKUP, index)] };
  }
  if (file !== AGENT) return log;
  const call = { ...makeLog(LOOKUP, index), trace_parent_id: log["id"] };
  return { ...log, trace_children: index % 2 === 0 ? [call] : [] };
}
