/** Shows the trace that a Log is in: its steps as a tree, with a timeline. */
import { microseconds } from "../../database/log_fields.ts";
import type { SqlRow } from "../../database/sqlite.ts";
import { html, type Markup } from "../../report/components/html.ts";
import { textIn } from "../../report/components/values.ts";
import { count, pluralize } from "../../ui/text.ts";
import { sectionView, tableView } from "./page.ts";
import { dollars, logAddress, seconds, type Site } from "../site.ts";

/** The most steps of a trace that are shown. */
const STEPS = 1000;
/** The most levels of a trace that are indented. */
const DEPTHS = 6;

/** One step of a trace. */
interface Step {
  readonly row: SqlRow;
  readonly depth: number;
}

/**
 * Shows the trace of a Log as a tree with a timeline; nothing if it is in none.
 */
export function traceView(site: Site, row: SqlRow): Markup {
  const traceId = textIn(row, "trace_id");
  if (traceId === null) return html``;
  const rows = site.all(
    `SELECT l.number, l.id, l.type, l.file_id, l.latency, l.cost, l.error,
     l.time, l.trace_parent_id, f.path, substr(l.start_time, 1, 40) AS started,
     substr(l.end_time, 1, 40) AS ended
     FROM logs l LEFT JOIN files f ON f.id = l.file_id
     WHERE l.trace_id = ?1 OR l.id = ?1 ORDER BY l.time, l.number LIMIT ${
      STEPS + 1
    }`,
    traceId,
  );
  if (rows.length < 2) return html``;
  const shown = rows.slice(0, STEPS).map((row) => [row, spanOf(row)] as const);
  const starts = shown.flatMap(([, span]) => span === null ? [] : [span[0]]);
  // Steps whose time nothing says begin with the first.
  const from = starts.length === 0
    ? 0
    : starts.reduce((a, b) => Math.min(a, b));
  const spans = new Map(
    shown.map(([row, span]) =>
      [row, span ?? [from, from + tookOf(row)] as const] as const
    ).toSorted(([, [a]], [, [b]]) => a - b),
  );
  const steps = stepsOf([...spans.keys()]);
  const to = [...spans.values()].reduce((a, [, b]) => Math.max(a, b), from);
  const length = Math.max(1, to - from);
  const rowsView = steps.map(({ row: one, depth }) => {
    const [start, end] = spans.get(one)!;
    const x = Math.round((start - from) / length * 1000);
    const width = Math.max(6, Math.round((end - start) / length * 1000));
    const isCurrent = one["number"] === row["number"];
    const name = html`${one["path"] ?? one["file_id"] ?? one["id"] ?? "Log"}`;
    return html`
      <tr ${isCurrent && html`class="current"`}>
        <td
          class="depth${Math.min(depth, DEPTHS - 1)}">${isCurrent
            ? html`<b aria-current="page">${name}</b>`
            : html`<a href="${
              logAddress(one)
            }">${name}</a>`} <span class="badge">${one["type"] ??
            "log"}</span>${one["error"] !== null && html`
            <span class="bad">error</span>
          `}</td>
        <td>
          <svg viewBox="0 0 1000 40" preserveAspectRatio="none" aria-hidden="true">
            <rect class="ground" width="1000" height="40" />
            <rect class="part${one["error"] === null
              ? 0
              : 1}" x="${x}" width="${width}"
              height="40" />
          </svg>
        </td>
        <td class="number">${seconds(
          (end - start) / 1e6 || one["latency"],
        )}</td>
        <td class="number">${dollars(one["cost"])}</td>
      </tr>
    `;
  });
  const body = html`<p class="quiet">${pluralize(steps.length, "Log")}, ${
    seconds(length / 1e6)
  }${rows.length > STEPS && `; only the first ${count(STEPS)} are shown`}</p>
${
    tableView({
      label: "Steps of the trace",
      numbersFrom: 2,
      stacks: "trace",
      head: ["Step", "Timeline", "Took", "Cost"],
      rows: rowsView,
    })
  }`;
  return sectionView("Trace", body);
}

/** Sorts the Logs of a trace in the order of its tree. */
function stepsOf(rows: readonly SqlRow[]): readonly Step[] {
  const ids = new Set(rows.map(({ id }) => id));
  const children = new Map<SqlRow[string], SqlRow[]>();
  for (const row of rows) {
    const parent = row["trace_parent_id"] ?? null;
    const above = ids.has(parent) && parent !== row["id"] ? parent : null;
    children.set(above, [...children.get(above) ?? [], row]);
  }
  const steps: Step[] = [];
  const shown = new Set<SqlRow>();
  const rest = (children.get(null) ?? []).map((row) => ({ row, depth: 0 }))
    .reverse();
  for (let step = rest.pop(); step !== undefined; step = rest.pop()) {
    if (shown.has(step.row)) continue;
    shown.add(step.row);
    steps.push(step);
    const below = step.row["id"] === null ? [] : children.get(step.row["id"]!);
    const depth = step.depth + 1;
    rest.push(...(below ?? []).map((row) => ({ row, depth })).reverse());
  }
  // Adds the Logs in cycles of parents, which no other Log leads to.
  const others = rows.filter((row) => !shown.has(row));
  return [...steps, ...others.map((row) => ({ row, depth: 0 }))];
}

/** Returns how long a step took, in microseconds. */
function tookOf(row: SqlRow): number {
  return Number(row["latency"] ?? 0) * 1e6;
}

/** Returns when a step began and ended, in microseconds; `null` if unknown. */
function spanOf(row: SqlRow): readonly [start: number, end: number] | null {
  const took = tookOf(row);
  const end = microseconds(textIn(row, "ended"));
  const start = microseconds(textIn(row, "started")) ??
    (end === null ? Number(row["time"]) : end - took);
  if (start === 0) return null;
  return [start, Math.max(start, end ?? start + took)];
}
