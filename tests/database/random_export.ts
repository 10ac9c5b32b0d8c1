/** Exports with all that one may hold, and much that none should, by a seed. */
import { dirname, join } from "@std/path";
import { type Dice, diceOf } from "../simulate/dice.ts";

/** Words of every script, to be searched for. */
export const WORDS: readonly string[] = [
  ...["refund", "refunded", "Straße", "naïve", "Ünïcode", "x1", "2025"],
  ...["退款", "我想退款谢谢", "配送先の住所", "カード", "배송지", "주소를"],
  ...["จัดส่งไม่ได้", "ส่ง", "طلبي", "مرحبا", "שלום", "посылка", "हिन्दी"],
  ...["📦", "🎉🎉", "❤️", "👩🏽‍🚀", "a-b", "c_d", "don't", "e=mc2"],
];
export const ENVIRONMENTS = ["production", "staging", "Prüf & <b>"] as const;
export const USERS = ["ann", "bob@example.com", "%_'\"", "用户"] as const;
export const EVALUATORS = ["ev_1", "ev_2"] as const;
export const PROMPTS = ["pr_1", "pr_2", "fl_1", "ag_1", "tl_1"] as const;
const TYPES: Readonly<Record<string, string>> = {
  ...{ pr: "prompt", fl: "flow", ag: "agent", tl: "tool", ev: "evaluator" },
  ds: "dataset",
};
/** Spelled as they are here, not as `JSON.stringify` would. */
const SPELLINGS = ["12345678901234567890", "1E+400", "-0.0", "1.50", "1e-7"];
const TIMES = [
  ...["2025-06-01T10:00:00.123456", "2025-06-01T12:00:00Z", "yesterday"],
  ...["2025-06-01T23:30:00-05:00", "2025-06-02T01:00:00.5+02:00", ""],
  ...["2025-06-03 00:00:00", "1969-07-20T20:17:40Z", "0001-01-01T00:00:00"],
  ...["9999-12-31T23:59:59.999999Z", "2025-06-02T10:00:00.123456789+0530"],
];

type Value = Record<string, unknown>;

/** Makes records by a seed. */
class Records {
  #logs = 0;
  #made: string[] = [];

  constructor(readonly dice: Dice) {}

  /** What one field is: mostly as it should be, else anything. */
  odd<T>(value: T): unknown {
    const { dice } = this;
    if (!dice.oneIn(9)) return value;
    return dice.oneOf([
      ...[null, undefined, "", 7, true, [], {}, ["x"], { a: 1 }, "\ud83d"],
      ...["a\0b", "<script>alert(1)</script>", ...SPELLINGS.map(raw)],
    ]);
  }

  text(): string {
    const { dice } = this;
    return Array.from(
      { length: 1 + dice.below(5) },
      () => dice.oneOf(WORDS),
    ).join(dice.oneOf([" ", ", ", "\n"]));
  }

  time(): string {
    const { dice } = this;
    if (dice.oneIn(4)) return dice.oneOf(TIMES);
    const day = String(1 + dice.below(4)).padStart(2, "0");
    const hour = String(dice.below(24)).padStart(2, "0");
    return `2025-06-${day}T${hour}:00:00.${dice.below(9)}00000`;
  }

  id(): unknown {
    const { dice } = this;
    if (dice.oneIn(15)) {
      return dice.oneOf([
        ...[null, undefined, "", 5, "x".repeat(3000), "a b&c?d#e/f", "\ud83d"],
        ...['<"id">', "日本", "a\0b", "log+1", "%41"],
      ]);
    }
    if (dice.oneIn(12) && this.#made.length > 0) return dice.oneOf(this.#made);
    const id = `log_${++this.#logs}`;
    this.#made.push(id);
    return id;
  }

  version(fileId: string): Value {
    const { dice } = this;
    const version = `${fileId}_v${dice.below(4)}`;
    return {
      ...{ id: fileId, version_id: this.odd(version), name: fileId },
      ...{ model: this.odd("gpt-4o"), path: `dir/${fileId}` },
    };
  }

  log(fileId: string, depth = 0): Value {
    const { dice } = this;
    const type = TYPES[fileId.slice(0, 2)]!;
    const began = this.time();
    const nested = (kind: "trace_children" | "evaluator_logs") => {
      if (depth > 2 || !dice.oneIn(depth === 0 ? 5 : 2)) {
        return this.odd(dice.oneOf([[], null, undefined]));
      }
      return Array.from({ length: 1 + dice.below(3) }, () => {
        if (dice.oneIn(20)) return dice.oneOf([null, 7, "x", []]);
        const of = kind === "evaluator_logs"
          ? dice.oneOf(EVALUATORS)
          : dice.oneOf(PROMPTS);
        return this.log(of, depth + 1);
      });
    };
    return {
      id: this.id(),
      [type]: this.odd(this.version(fileId)),
      created_at: this.odd(began),
      start_time: this.odd(began),
      end_time: this.odd(this.time()),
      provider_latency: this.odd(dice.oneOf([null, dice.below(50) / 8])),
      prompt_cost: this.odd(dice.oneOf([undefined, dice.below(9) / 1e7])),
      output_cost: this.odd(dice.oneOf([undefined, dice.below(9) / 64])),
      prompt_tokens: this.odd(dice.below(100)),
      environment: this.odd(dice.oneOf([null, ...ENVIRONMENTS])),
      user: this.odd(dice.oneOf([null, ...USERS])),
      source: this.odd("api"),
      inputs: this.odd({ q: this.text(), more: this.odd([this.text()]) }),
      output: this.odd(this.text()),
      error: this.odd(dice.oneIn(5) ? this.text() : null),
      metadata: this.odd({ note: this.text() }),
      ...type === "evaluator"
        ? { judgment: this.odd(dice.oneOf([true, false, 1.5, "good", null])) }
        : {},
      trace_children: nested("trace_children"),
      evaluator_logs: nested("evaluator_logs"),
    };
  }
}

function raw(source: string): unknown {
  return (JSON as typeof JSON & { rawJSON(text: string): unknown })
    .rawJSON(source);
}

/** What `odd` leaves out is undefined; a key may come twice. */
function lineOf(dice: Dice, record: unknown): string {
  const json = JSON.stringify(record);
  return dice.oneIn(15) ? json.replace("{", `{"id":"first", `) : json;
}

function linesOf(dice: Dice, records: readonly unknown[]): string {
  const lines = records.map((record) =>
    dice.oneIn(25)
      ? dice.oneOf([
        ...[`{"id":"log_inf","x":Infinity}`, "", "[1]", "nonsense", "null"],
        ...["{", `{"id":"nul\0"}`, '"text"', ` ${lineOf(dice, record)}\r`],
      ])
      : lineOf(dice, record)
  );
  const end = dice.oneIn(6) ? "" : "\n";
  return lines.length === 0 ? "" : lines.join("\n") + end;
}

/** Makes the files of some exports, each by paths below its directory. */
export function randomExports(
  seed: number,
): readonly ReadonlyMap<string, string>[] {
  const dice = diceOf(seed, "exports");
  const records = new Records(dice);
  const exports = Array.from({ length: 1 + dice.below(3) }, () => {
    const files = new Map<string, string>();
    for (const id of [...PROMPTS, ...EVALUATORS, "ds_1"]) {
      if (!dice.oneIn(4)) addFile(files, id, records);
    }
    if (files.size === 0) addFile(files, "pr_1", records);
    return files;
  });
  return exports;
}

function addFile(
  files: Map<string, string>,
  id: string,
  records: Records,
): void {
  const { dice } = records;
  const root = `files/${id}`;
  const document = (name: string, value: unknown) => {
    if (dice.oneIn(25)) return;
    const text = dice.oneIn(25) ? "{ nonsense" : JSON.stringify(value, null, 1);
    files.set(`${root}/${name}`, text);
  };
  const type = TYPES[id.slice(0, 2)]!;
  const at = () => records.time();
  const versions = [0, 1, 2].map((n) => `${id}_v${n}`);
  const head = { id, name: id, path: `dir/${id}`, type, created_at: at() };
  document("file.json", records.odd(head));
  document(
    "deployments.json",
    versions.slice(1).map((version_id, i) => ({
      ...{ version_id, environment_id: `env_${i}` },
      environment_name: records.odd(ENVIRONMENTS[i]),
    })),
  );
  for (const version of versions) {
    document(`versions/${version}`, {
      ...{ ...head, version_id: version, created_at: at() },
      version_name: records.odd(`${version} name`),
    });
  }
  if (type === "dataset") {
    for (const [n, version] of versions.entries()) {
      const datapoints = Array.from({ length: 70 }, (_, i) => ({
        id: dice.oneIn(20) ? records.odd(`dp_${i + n}`) : `dp_${i + n}`,
        inputs: { q: i % 7 === n ? `changed ${n}` : `question ${i + n}` },
        messages: i % 11 === n ? [{ role: "user", content: `m${n}` }] : null,
        target: records.odd({ answer: `answer ${i + n}` }),
      }));
      files.set(
        `${root}/datapoints/${version}/1.jsonl`,
        linesOf(dice, datapoints),
      );
    }
    return;
  }
  const logs = Array.from({ length: dice.below(150) }, () => records.log(id));
  const half = Math.ceil(logs.length / 2);
  files.set(`${root}/logs/1.jsonl`, linesOf(dice, logs.slice(0, half)));
  files.set(`${root}/logs/2.jsonl`, linesOf(dice, logs.slice(half)));
  if (type === "evaluator") return;
  for (let n = 0; n < dice.below(3); n++) addEvaluation(n);

  function addEvaluation(n: number): void {
    const evaluation = `evr_${id}_${n}`;
    const below = `evaluations/${evaluation}`;
    document(`${below}/evaluation.json`, {
      ...{ id: evaluation, name: records.odd(`Evaluation ${n}`) },
      file_id: id,
    });
    document(`${below}/stats.json`, { status: "completed", run_stats: [] });
    // A Run may be in several Evaluations.
    const runs = [`run_${id}`, `run_${id}_${n}`];
    for (const [i, run] of runs.entries()) {
      document(`${below}/runs/${run}`, {
        ...{ id: run, version: { id, version_id: `${id}_v${i}` } },
        ...{ dataset: { id: "ds_1", version_id: "ds_1_v0" }, control: i === 0 },
      });
    }
    const lines = Array.from({ length: 40 }, (_, i) => ({
      run_id: records.odd(dice.oneOf(runs)),
      datapoint: records.odd({
        ...{ id: `dp_${i % 20}`, inputs: { q: `question ${i}` } },
      }),
      log: records.odd(records.log(id, 1)),
      evaluator_logs: records.odd(
        dice.oneIn(3) ? [] : EVALUATORS.map((one) => ({
          ...records.log(one, 3),
          judgment: dice.oneOf([true, false]),
        })),
      ),
    }));
    files.set(`${root}/${below}/logs/1.jsonl`, linesOf(dice, lines));
  }
}

/** Writes the files of an export. */
export async function writeExport(
  dir: string,
  files: ReadonlyMap<string, string>,
): Promise<void> {
  for (const [name, text] of files) {
    await Deno.mkdir(dirname(join(dir, name)), { recursive: true });
    await Deno.writeTextFile(join(dir, name), text);
  }
}
