/** Makes the page of Logs: filters, their number, and one page of them. */
import { html, type Markup } from "../../report/components/html.ts";
import {
  inputView,
  judgmentsView,
  outputView,
} from "../../report/components/log_view.ts";
import { formatTime, textIn } from "../../report/components/values.ts";
import { pluralize } from "../../ui/text.ts";
import type { SqlRow } from "../../database/sqlite.ts";
import {
  keyOf,
  type LogQuery,
  LONGEST_SEARCH,
  readLogQuery,
} from "../log_list.ts";
import {
  address,
  browsePage,
  type Choice,
  type Row,
  selectView,
  tableView,
} from "./page.ts";
import {
  dollars,
  fileAddress,
  logAddress,
  parsed,
  seconds,
  type Site,
} from "../site.ts";

/** Texts of a list are cut after this, in characters. */
const CUT = 400;
/** The most other results of a search, of each kind. */
const ELSEWHERE = 10;
/** How many Datapoints a search looks through. */
const DATAPOINTS = 50_000;
/** The most choices in a list. */
const CHOICES = 1000;

/** Makes the page at `/logs`. */
export function logListPage(site: Site, params: URLSearchParams): string {
  const query = readLogQuery(params);
  const { count, rows, hasPrevious, hasNext } = site.logs.find(query);
  const file = query.file === ""
    ? null
    : site.first("SELECT id, path FROM files WHERE id = ?", query.file);
  const logs = rows.map((row) => ({
    ...site.row("SELECT * FROM logs WHERE number = ?", row["number"]!),
    key: row["key"]!,
  }));
  const isFirst = query.after === "" && query.before === "" &&
    query.last === "";
  const plain = { ...query, after: "", before: "", last: "" };
  const link = (text: string, more: Partial<LogQuery>) =>
    html`<a href="${address("/logs", { ...plain, ...more })}">${text}</a>`;
  const names = new Map<string, ReadonlyMap<string, string>>();
  const versionName = (row: SqlRow) => {
    const fileId = String(row["file_id"] ?? "");
    if (!names.has(fileId)) names.set(fileId, site.versionNames(fileId));
    const id = String(row["version_id"] ?? "");
    return names.get(fileId)!.get(id) ?? id;
  };
  const pages = (label: string) =>
    html`
      <nav class="pages"
        aria-label="${label}">${hasPrevious &&
          link("First", {})}${hasPrevious &&
          link("Previous", { before: keyOf(logs[0] ?? {}) })}${hasNext &&
          link("Next", { after: keyOf(logs.at(-1) ?? {}) })}${hasNext &&
          link("Last", { last: "1" })}</nav>
    `;
  const body = html`<h1>Logs${
    file !== null && html`
      of ${file["path"] ?? file["id"]!}
    `
  }</h1>
${filtersView(site, query)}
<p role="status">${pluralize(count, "Log")}</p>
${isFirst && query.q !== "" && elsewhereView(site, query.q)}
${pages("Pages")}
${
    tableView({
      label: "Logs",
      stacks: "logs",
      head: ["Time (UTC)", "Input", "Output", "Judgments"],
      rows: logs.map((row) =>
        logRow(row, versionName(row), query.file === "" ? site : null)
      ),
    })
  }
${pages("Pages, once more")}`;
  const path = file === null
    ? []
    : [[String(file["path"] ?? file["id"]), fileAddress(query.file)] as const];
  return browsePage({ title: "Logs", path, body });
}

/** Lists Files, Versions, Evaluations and Datapoints that match a search. */
function elsewhereView(site: Site, q: string): Markup {
  const text = q.replaceAll('"', "").replace(/[\\%_]/g, "\\$&");
  const pattern = `%${text}%`;
  const like = (column: string) => `${column} LIKE ?1 ESCAPE '\\'`;
  const path = `(SELECT coalesce(path, id) FROM files WHERE id = file_id)`;
  const files = site.all(
    `SELECT id, coalesce(path, id) AS name FROM files
     WHERE ${like("path")} OR id = ?2 LIMIT ${ELSEWHERE}`,
    pattern,
    q,
  ).map(({ id, name }) => [fileAddress(String(id)), name] as const);
  const versions = site.all(
    `SELECT file_id, version_id, ${path} || ': ' || coalesce(name, version_id)
     AS name FROM versions WHERE ${like("json")} LIMIT ${ELSEWHERE}`,
    pattern,
  ).map((row) =>
    [`${fileAddress(String(row["file_id"]))}#versions`, row["name"]] as const
  );
  const evaluations = site.all(
    `SELECT id, coalesce(name, id) AS name FROM evaluations
     WHERE ${like("name")} OR id = ?2 LIMIT ${ELSEWHERE}`,
    pattern,
    q,
  ).map(({ id, name }) =>
    [`/evaluations/${encodeURIComponent(String(id))}`, name] as const
  );
  const datapoints = site.all(
    `SELECT file_id, version_id, rowid AS row, ${path} || ': ' ||
     coalesce(id, 'Datapoint') AS name FROM datapoints
     WHERE rowid <= ${DATAPOINTS} AND ${like("json")} LIMIT ${ELSEWHERE}`,
    pattern,
  ).map((row) =>
    [
      `${
        address(fileAddress(String(row["file_id"])), {
          version: row["version_id"]!,
          after: Number(row["row"]) - 1,
        })
      }#datapoints`,
      row["name"],
    ] as const
  );
  const kinds = {
    Files: files,
    Versions: versions,
    Evaluations: evaluations,
    Datapoints: datapoints,
  };
  const lists = Object.entries(kinds).filter(([, links]) => links.length > 0)
    .map(([kind, links]) =>
      html`
        <dt>${kind}</dt>
        <dd>${links.map(([link, name], i) =>
          html`${i > 0 && ", "}<a href="${link}">${name ?? link}</a>`
        )}${links.length === ELSEWHERE && " and perhaps more"}</dd>
      `
    );
  return html`${lists.length > 0 && html`<dl class="elsewhere">${lists}</dl>`}`;
}

function logRow(row: SqlRow, version: string, site: Site | null): Row {
  const log = parsed(row);
  const file = site?.first(
    "SELECT path FROM files WHERE id = ?",
    row["file_id"] ?? null,
  );
  const notes = [
    file?.["path"] ?? null,
    version,
    ...[row["environment"], row["user"], row["source"]],
    ...[seconds(row["latency"]), dollars(row["cost"])],
  ].filter((note) => note !== null && note !== "");
  const time = formatTime(
    textIn(row, "created_at") ?? textIn(log, "start_time"),
  );
  const link = html`<a href="${logAddress(row)}"><time>${
    time || "no time"
  }</time></a>`;
  const clip = (content: Markup) => html`<div class="clip">${content}</div>`;
  return [
    html`${link}<p class="quiet">${notes.join(" · ")}</p>`,
    clip(inputView(log, CUT)),
    clip(outputView(log, CUT)),
    judgmentsView(log),
  ];
}

function filtersView(site: Site, query: LogQuery): Markup {
  const field = (name: keyof LogQuery, label: string, type = "text") =>
    html`<label>${label} <input type="${type}" name="${name}" value="${
      query[name]
    }" ${name === "q" && html`maxlength="${LONGEST_SEARCH}"`}></label>`;
  const select = (
    name: keyof LogQuery,
    label: string,
    choices: readonly Choice[],
  ) => {
    const chosen = query[name];
    const isKnown = choices.some(([value]) => value === chosen);
    const all = isKnown ? choices : [[chosen, chosen] as const, ...choices];
    return selectView({ name, label, chosen }, all);
  };
  const any = ["", "any"] as const;
  const files = site.choices(
    `SELECT id AS value, coalesce(path, id) AS text
    FROM files WHERE type IS NOT 'dataset' ORDER BY path LIMIT ${CHOICES}`,
  );
  const versions = query.file === ""
    ? null
    : [...site.versionNames(query.file)];
  const environments = site.choices(
    `SELECT DISTINCT environment_name AS value, environment_name AS text
     FROM deployments WHERE environment_name IS NOT NULL LIMIT ${CHOICES}`,
  );
  const evaluators = site.choices(
    `SELECT id AS value, coalesce(path, id) AS text FROM files
     WHERE type = 'evaluator' ORDER BY path LIMIT ${CHOICES}`,
  );
  return html`<form action="/logs" class="filters" aria-label="Filters">
${field("q", `Text: words, begin*, "a phrase"`, "search")}
${select("file", "File", [any, ...files])}
${
    versions === null
      ? field("version", "Version id")
      : select("version", "Version", [any, ...versions])
  }
${select("environment", "Environment", [any, ...environments])}
${field("user", "User")}
${field("from", "From", "date")}
${field("to", "To", "date")}
${select("error", "Error", [any, ["1", "with"], ["0", "without"]])}
${select("evaluator", "Judged by", [any, ...evaluators])}
${field("judgment", "Judgment")}
${
    select("sort", "Sort by", [["time", "time"], ["latency", "latency"], [
      "cost",
      "cost",
    ]])
  }
${
    select("order", "Order", [["desc", "largest, newest first"], [
      "asc",
      "smallest, oldest first",
    ]])
  }
<button>Filter</button> <a href="/logs">Clear</a>
</form>`;
}
