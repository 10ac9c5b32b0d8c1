/**
 * Shows a File's Evaluations: their stats as a table, and a chart of each
 * Evaluator.
 */
import { isObject } from "../../core/text/json.ts";
import { count, pluralize } from "../../ui/text.ts";
import { chart, type Column, percent, type Result } from "./chart_view.ts";
import { html, type Markup } from "./html.ts";
import {
  type Fields,
  formatTime,
  newerFirst,
  numberIn,
  objectsIn,
  textIn,
} from "./values.ts";

/** An Evaluation, read from disk. */
export interface EvaluationRecord {
  readonly id: string;
  readonly evaluation: unknown;
  readonly stats: unknown;
  readonly runs: readonly unknown[];
  /** How many chunks of Logs there are. */
  readonly chunks: number;
}

/** Makes the section of the Evaluations. */
export function evaluationsView(
  records: readonly EvaluationRecord[],
): Markup {
  if (records.length === 0) return html``;
  const createdAt = ({ evaluation }: EvaluationRecord) =>
    textIn(evaluation, "created_at") ?? "";
  const sorted = records
    .toSorted((a, b) => newerFirst(createdAt(a), createdAt(b)));
  return html`<section aria-labelledby="evaluations">
<h2 id="evaluations">Evaluations</h2>
${sorted.map(evaluationView)}
</section>`;
}

function evaluationView(record: EvaluationRecord): Markup {
  const { id, evaluation, stats, chunks } = record;
  const name = textIn(evaluation, "name") ?? id;
  const created = formatTime(textIn(evaluation, "created_at"));
  const dir = `evaluations/${encodeURIComponent(id)}`;
  return html`<article class="evaluation">
<h3>${name}</h3>
<p class="quiet">${created} · ${pluralize(record.runs.length, "Run")} · ${
    textIn(stats, "status") ?? "no status"
  } · JSON: <a href="${dir}/evaluation.json">evaluation</a>, <a href="${dir}/stats.json">stats</a>, <a href="${dir}/runs/">Runs</a>${
    chunks > 0 && html`, <a href="${dir}/logs/">Logs</a>`
  }</p>
${resultsView(record)}
</article>`;
}

/** Shows an Evaluation's numbers as a table, and a chart for each Evaluator. */
export function resultsView(record: EvaluationRecord): Markup {
  const { id, evaluation, stats } = record;
  const name = textIn(evaluation, "name") ?? id;
  const rows = objectsIn(stats, "run_stats");
  const names = rows.map((row) => runName(row, record.runs));
  const columns = columnsOf(rows, evaluation);
  return html`${rows.length > 0 && statsTable(name, rows, names, columns)}
<div class="charts">${columns.map((column) => chart(column, names))}</div>`;
}

/** Names a Run by its Version and its Dataset. */
function runName(row: Fields, runs: readonly unknown[]): string {
  const id = textIn(row, "run_id") ?? "";
  const run = runs.find((one) => isObject(one) && one["id"] === id);
  const { version, dataset } = isObject(run) ? run : {} as Fields;
  const name = textIn(version, "version_name") ??
    textIn(version, "version_id") ?? id;
  const on = textIn(dataset, "name");
  return on === null ? name : `${name} on ${on}`;
}

function columnsOf(
  rows: readonly Fields[],
  evaluation: unknown,
): readonly Column[] {
  const ids = new Set(
    rows.flatMap((row) => objectsIn(row, "evaluator_stats"))
      .map((one) => textIn(one, "evaluator_version_id"))
      .filter((id) => id !== null),
  );
  const names = new Map(
    objectsIn(evaluation, "evaluators").map(({ version }) => [
      textIn(version, "version_id"),
      textIn(version, "name") ?? textIn(version, "path"),
    ]),
  );
  return [...ids].map((id) => {
    const stats = rows.map((row) =>
      objectsIn(row, "evaluator_stats").find((one) =>
        one["evaluator_version_id"] === id
      ) ?? null
    );
    const most = Math.max(
      ...stats.map((one) => Math.abs(numberIn(one, "mean") ?? 0)),
    );
    const results = stats.map((one) => one && resultOf(one, most));
    return { name: names.get(id) ?? id, results };
  });
}

/** @param most The largest mean of all Runs. */
function resultOf(stats: Fields, most: number): Result {
  const judged = numberIn(stats, "num_judgments") ?? 0;
  const notes = [
    noteOf(numberIn(stats, "num_errors"), "error"),
    noteOf(numberIn(stats, "num_nulls"), "null"),
  ].join("");
  const right = numberIn(stats, "num_true");
  if (right !== null) {
    const all = right + (numberIn(stats, "num_false") ?? 0);
    const share = shareOf(right, all);
    return {
      text: `${percent(share)} true (${count(right)} of ${count(all)})${notes}`,
      parts: [{ name: "true", share }],
    };
  }
  const options = stats["num_judgments_per_option"];
  if (isObject(options)) {
    const all = Object.values(options)
      .reduce<number>((sum, one) => sum + (Number(one) || 0), 0);
    const parts = Object.entries(options).map(([name, one]) => ({
      name,
      share: shareOf(Number(one) || 0, all),
    }));
    const words = parts.map(({ name, share }) => `${name} ${percent(share)}`);
    return { text: `${words.join(", ")} of ${count(all)}${notes}`, parts };
  }
  const mean = numberIn(stats, "mean");
  if (mean !== null) {
    const spread = numberIn(stats, "std");
    const around = spread === null ? "" : ` ± ${short(spread)}`;
    return {
      text: `mean ${short(mean)}${around} (${count(judged)})${notes}`,
      parts: [{ name: "mean", share: shareOf(Math.abs(mean), most) }],
    };
  }
  return { text: `${pluralize(judged, "judgment")}${notes}`, parts: [] };
}

function noteOf(value: number | null, one: string): string {
  return value === null || value === 0 ? "" : `, ${pluralize(value, one)}`;
}

function shareOf(part: number, all: number): number {
  return all > 0 ? Math.max(0, Math.min(1, part / all)) : 0;
}

function short(value: number): string {
  return String(Number(value.toPrecision(4)));
}

function statsTable(
  evaluation: string,
  rows: readonly Fields[],
  names: readonly string[],
  columns: readonly Column[],
): Markup {
  return html`
    <div class="scroll" role="region" tabindex="0"
      aria-label="Results of ${evaluation}">
      <table aria-label="Runs by Evaluator">
        <thead>
          <tr><th scope="col">Run</th><th scope="col" class="number">Logs</th>${columns
            .map(({ name }) => html`<th scope="col">${name}</th>`)}</tr>
        </thead>
        <tbody>
    ${rows.map((row, i) =>
      html`
        <tr><th scope="row">${names[i]!}</th><td class="number">${count(
          numberIn(row, "num_logs") ?? 0,
        )}</td>${columns.map(({ results }) =>
          html`<td>${results[i]?.text ?? ""}</td>`
        )}</tr>
      `
    )}</tbody>
      </table>
    </div>
  `;
}
