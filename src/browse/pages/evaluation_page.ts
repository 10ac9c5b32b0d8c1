/**
 * Makes the page of an Evaluation: Datapoints as rows, Runs as columns, and
 * where they disagree.
 */
import { isObject } from "../../core/text/json.ts";
import { resultsView } from "../../report/components/evaluation_view.ts";
import { html, type Markup } from "../../report/components/html.ts";
import { outputView } from "../../report/components/log_view.ts";
import { formatTime, textIn } from "../../report/components/values.ts";
import type { SqlRow } from "../../database/sqlite.ts";
import { pluralize } from "../../ui/text.ts";
import { fieldsView } from "./dataset_page.ts";
import {
  address,
  browsePage,
  type Choice,
  idView,
  type Row,
  selectView,
  sourceView,
  tableView,
} from "./page.ts";
import { fileAddress, parsed, type Site } from "../site.ts";

/** Datapoints on one page. */
const PAGE = 25;
/** The last page that is asked for: a larger number is no integer for SQLite. */
const MOST_PAGES = 1_000_000_000;
/** Texts are cut after this, in characters. */
const CUT = 300;

/** The key of a row: the Datapoint, or the record if there is none. */
const KEY = "coalesce(e.datapoint_id, 'record ' || e.rowid)";

/** Makes the page at `/evaluations/ID`. */
export function evaluationPage(
  site: Site,
  id: string,
  params: URLSearchParams,
): string {
  const row = site.row("SELECT * FROM evaluations WHERE id = ?", id);
  const runs = site.all(
    `SELECT r.*, v.name AS version FROM runs r LEFT JOIN versions v
     ON v.file_id = r.file_id AND v.version_id = r.version_id
     WHERE r.evaluation_id = ? ORDER BY r.control DESC, r.created_at, r.id`,
    id,
  );
  // Runs that the export lacks, or that a record does not name.
  const others = site.all(
    `SELECT DISTINCT run_id AS id FROM evaluation_logs WHERE evaluation_id = ?1
     AND (run_id IS NULL OR run_id NOT IN
       (SELECT id FROM runs WHERE evaluation_id = ?1)) ORDER BY run_id`,
    id,
  );
  const name = String(row["name"] ?? id);
  const fileId = String(row["file_id"]);
  const file = site.first("SELECT path FROM files WHERE id = ?", fileId);
  const path = String(file?.["path"] ?? fileId);
  const record = {
    ...{ id, evaluation: parsed(row), stats: parsed(row, "stats"), chunks: 0 },
    runs: runs.map((run) => parsed(run)),
  };
  const body = html`<h1>${name}</h1>
<p>${idView(id)}</p>
<p class="quiet">${
    [
      formatTime(textIn(row, "created_at")),
      pluralize(runs.length, "Run"),
      String(row["status"] ?? "no status"),
    ].filter((one) => one !== "").join(" · ")
  }</p>
<div class="evaluation">${resultsView(record)}</div>
${runsView(runs)}
${judgmentsView(site, id)}
${datapointsView(site, id, [...runs, ...others], params)}
${
    sourceView({
      ...{ dir: site.dir(row), path: String(row["disk_path"]), line: null },
      json: row["json"] === null
        ? null
        : address("/json", { table: "evaluations", id }),
    })
  }`;
  return browsePage({ title: name, path: [[path, fileAddress(fileId)]], body });
}

function runsView(runs: readonly SqlRow[]): Markup {
  const rows = runs.map((run) => {
    const dataset = String(run["dataset_id"] ?? "");
    const version = String(run["dataset_version_id"] ?? "");
    const json = address("/json", {
      ...{ table: "runs", evaluation: run["evaluation_id"]!, id: run["id"]! },
    });
    const control = run["control"] === 1 ? " (control)" : "";
    return [
      `${runName(run)}${control}`,
      idView(String(run["id"])),
      run["status"] ?? "",
      dataset !== "" &&
      html`<a href="${
        address(fileAddress(dataset), { version })
      }">${dataset}</a>`,
      html`<code>${run["disk_path"]!}</code> · <a href="${json}">JSON</a>`,
    ];
  });
  return html`<details><summary>Runs</summary>${
    tableView({
      label: "Runs",
      isNamed: true,
      head: ["Version", "Id", "Status", "Dataset", "On disk"],
      rows,
    })
  }</details>`;
}

/** Sums up the judgments in the export; the numbers above are the API's. */
function judgmentsView(site: Site, id: string): Markup {
  const rows = site.all(
    `SELECT s.*, v.name AS version FROM judgment_stats s
     LEFT JOIN runs r
     ON r.evaluation_id = s.evaluation_id AND r.id = s.run_id LEFT JOIN versions v
     ON v.file_id = r.file_id AND v.version_id = r.version_id
     WHERE s.evaluation_id = ?`,
    id,
  );
  if (rows.length === 0) return html``;
  return html`<details><summary>Judgments that the export holds</summary>${
    tableView({
      label: "Judgments by Run and Evaluator",
      numbersFrom: 2,
      head: [
        ...["Run", "Evaluator", "Judgments", "True", "False", "Mean"],
        "Errors",
      ],
      rows: rows.map((row) => [
        row["version"] ?? row["run_id"] ?? "",
        row["evaluator"] ?? row["evaluator_id"] ?? "",
        ...["judgments", "num_true", "num_false", "mean", "errors"].map(
          (column) => {
            const value = row[column];
            return typeof value === "number"
              ? Number(value.toPrecision(4))
              : "";
          },
        ),
      ]),
    })
  }</details>`;
}

function runName(run: SqlRow): string {
  return String(
    run["version"] ?? run["version_id"] ?? run["id"] ?? "not named",
  );
}

function datapointsView(
  site: Site,
  id: string,
  runs: readonly SqlRow[],
  params: URLSearchParams,
): Markup {
  const evaluators = site.choices(
    `SELECT DISTINCT j.evaluator_id AS value, coalesce(f.path, j.evaluator_id) AS text
     FROM judgments j LEFT JOIN files f ON f.id = j.evaluator_id
     WHERE j.evaluation_id = ? AND j.run_id IS NOT NULL
     AND j.evaluator_id IS NOT NULL`,
    id,
  );
  const text = (name: string) => params.get(name) ?? "";
  const sort = text("sort") === "disk" ? "disk" : "disagreement";
  const page = Math.min(
    MOST_PAGES,
    Math.max(0, Math.floor(Number(text("page")) || 0)),
  );
  const [worse, from, to] = [text("worse"), text("from"), text("to")];
  const isFiltered = worse !== "" && from !== "" && to !== "";
  const { rows, total } = rowsOf(site, id, {
    ...{ sort, page },
    regression: isFiltered ? { evaluator: worse, from, to } : null,
  });
  const link = (label: string, number: number) =>
    html`<a href="${
      address(`/evaluations/${encodeURIComponent(id)}`, {
        ...{ sort, worse, from, to },
        page: number,
      })
    }">${label}</a>`;
  const runChoices = runs.map((
    run,
    i,
  ): Choice => [String(run["id"] ?? ""), `Run ${i + 1}: ${runName(run)}`]);
  const run = (name: string, chosen: string, other: number) =>
    selectView(
      { name, label: name, chosen: chosen || runChoices[other]?.[0] },
      runChoices,
    );
  const form = html`
    <form class="filters"
      aria-label="Datapoints">${[
        selectView({ name: "sort", label: "Sort by", chosen: sort }, [
          ["disagreement", "where Runs disagree"],
          ["disk", "the order of the export"],
        ]),
        selectView(
          { name: "worse", label: "Only regressions of", chosen: worse },
          [["", "no Evaluator: show all"], ...evaluators],
        ),
        ...[run("from", from, 0), run("to", to, 1)],
      ]} <button>Show</button></form>
  `;
  return html`<section aria-labelledby="datapoints"><h2 id="datapoints">Datapoints</h2>
${form}
<p role="status">${pluralize(total, "Datapoint")}${
    isFiltered && " where the second Run is worse than the first"
  }</p>
${
    tableView({
      label: "Datapoints by Run",
      isNamed: true,
      head: [
        "Datapoint",
        ...runs.map((run, i) => html`Run ${i + 1}: ${runName(run)}`),
      ],
      rows: rows.map((row) => datapointRow(site, id, row, runs)),
    })
  }
<nav class="pages" aria-label="Pages">${
    page > 0 && link("Previous", page - 1)
  }${(page + 1) * PAGE < total && link("Next", page + 1)}</nav></section>`;
}

/** Which Datapoints to list. */
interface RowsQuery {
  readonly sort: "disagreement" | "disk";
  readonly page: number;
  readonly regression: {
    readonly evaluator: string;
    readonly from: string;
    readonly to: string;
  } | null;
}

function rowsOf(
  site: Site,
  id: string,
  { sort, page, regression }: RowsQuery,
): { readonly rows: readonly SqlRow[]; readonly total: number } {
  const judged = `FROM evaluation_logs e LEFT JOIN judgments j
    ON j.log_id = e.log_id AND (j.run_id IS NULL
      OR j.run_id = e.run_id AND j.evaluation_id = e.evaluation_id)
    WHERE e.evaluation_id = ?1`;
  const grouped = regression === null
    ? `SELECT key, min(at) AS at, sum(values_ - 1) AS disagreement FROM (
        SELECT ${KEY} AS key, min(e.rowid) AS at,
        max(1, count(DISTINCT j.judgment)) AS values_
        ${judged} GROUP BY key, j.evaluator_id) GROUP BY key`
    : `SELECT ${KEY} AS key, min(e.rowid) AS at, 1 AS disagreement ${judged}
       AND j.evaluator_id = ?2 AND e.run_id IN (?3, ?4) GROUP BY key
       HAVING min(CASE e.run_id WHEN ?4 THEN j.number END) <
         max(CASE e.run_id WHEN ?3 THEN j.number END)`;
  const values = regression === null
    ? [id]
    : [id, regression.evaluator, regression.from, regression.to];
  const counted = regression === null
    ? `SELECT DISTINCT ${KEY} FROM evaluation_logs e WHERE e.evaluation_id = ?1`
    : grouped;
  const total = site.count(`SELECT count(*) FROM (${counted})`, ...values);
  const order = sort === "disk" ? "at" : "disagreement DESC, at";
  const rows = site.all(
    `SELECT * FROM (${grouped}) ORDER BY ${order}
     LIMIT ${PAGE} OFFSET ${page * PAGE}`,
    ...values,
  );
  return { rows, total };
}

function datapointRow(
  site: Site,
  id: string,
  row: SqlRow,
  runs: readonly SqlRow[],
): Row {
  const records = site.all(
    `SELECT e.rowid AS row, e.* FROM evaluation_logs e
     WHERE e.evaluation_id = ?1 AND (e.datapoint_id = ?2
       OR e.datapoint_id IS NULL AND ${KEY} = ?2) ORDER BY e.rowid`,
    id,
    row["key"]!,
  );
  const first = parsed(records[0] ?? {});
  const datapoint = isObject(first["datapoint"]) ? first["datapoint"] : {};
  const disagreement = Number(row["disagreement"]);
  const cells = runs.map((run) => {
    const own = records.filter((one) => one["run_id"] === run["id"]);
    return own.map((one) => cellView(site, one));
  });
  const named = html`${
    disagreement > 0 && html`<span class="badge">Runs disagree</span>`
  }${fieldsView(datapoint["inputs"])}${
    datapoint["target"] !== undefined &&
    html`<details><summary>Target</summary>${
      fieldsView(datapoint["target"])
    }</details>`
  }<p class="quiet"><code>${
    textIn(datapoint, "id") ?? "no Datapoint"
  }</code></p>`;
  return [named, ...cells];
}

function cellView(site: Site, record: SqlRow): Markup {
  const { log } = parsed(record);
  const judgments = site.all(
    `SELECT j.judgment, j.error, coalesce(f.name, f.path, j.evaluator_id) AS name,
     j.type, j.number FROM judgments j LEFT JOIN files f ON f.id = j.evaluator_id
     WHERE j.log_id = ? AND (j.run_id IS NULL
       OR j.run_id = ? AND j.evaluation_id = ?) ORDER BY name`,
    ...[record["log_id"]!, record["run_id"]!, record["evaluation_id"]!],
  );
  return html`
    ${isObject(log) && outputView(log, CUT)}<dl>${judgments.map((
      { name, judgment, error, type, number },
    ) =>
      html`
        <dt>${name ?? "Evaluator"}</dt>
        <dd class="${type === "boolean"
          ? number === 1 ? "good" : "bad"
          : ""}">${judgment ?? (error ? `error: ${error}` : "none")}</dd>
      `
    )}</dl><p
      class="quiet">${record["log_id"] !== null &&
        html`
          <a href="${address("/log", {
            id: record["log_id"]!,
          })}">Log</a> ·
        `}<a href="${address("/json", {
          table: "evaluation_logs",
          row: record["row"]!,
        })}">JSON</a> · line ${record["disk_line"]!}</p>
  `;
}
