/** Makes the overview: what the export is, what is missing, and its Files. */
import { type Gap, gapText, joinGaps } from "../../core/gap.ts";
import { html, type Markup } from "../../report/components/html.ts";
import { formatTime, textIn } from "../../report/components/values.ts";
import { HARMLESS } from "../../database/result_text.ts";
import { count, pluralize } from "../../ui/text.ts";
import type { SqlRow } from "../../database/sqlite.ts";
import {
  address,
  browsePage,
  type Choice,
  type Row,
  selectView,
  tableView,
} from "./page.ts";
import { fileAddress, type Site } from "../site.ts";

/** Files on one page. */
const PAGE_FILES = 500;
/** Gaps that are shown at once. */
const GAPS = 20;
/** Problems on their page. */
const PROBLEMS = 1000;

/** Makes the page at `/`. */
export function overviewPage(site: Site, params: URLSearchParams): string {
  const name = params.get("name")?.trim() ?? "";
  const type = params.get("type") ?? "";
  const after = params.get("after") ?? "";
  const words = name.toLowerCase().split(/\s+/).filter((word) => word !== "");
  const isWanted = [
    ...words.map(() => "instr(lower(coalesce(path, '') || ' ' || id), ?) > 0"),
    ...type === "" ? [] : ["type = ?"],
  ];
  const values = [...words, ...type === "" ? [] : [type]];
  const where = isWanted.length === 0 ? "1" : isWanted.join(" AND ");
  const total = site.count(
    `SELECT count(*) FROM files WHERE ${where}`,
    ...values,
  );
  const rows = site.all(
    `SELECT id, path, type, state, coalesce(path, id) AS key,
     (SELECT count(*) FROM versions v WHERE v.file_id = f.id) AS versions,
     (SELECT group_concat(DISTINCT environment_name) FROM deployments d
       WHERE d.file_id = f.id) AS deployed,
     (SELECT count(*) FROM logs l WHERE l.file_id = f.id) AS logs,
     (SELECT count(*) FROM evaluations e WHERE e.file_id = f.id) AS evaluations,
     (SELECT count(*) FROM datapoints p WHERE p.file_id = f.id) AS datapoints
     FROM files f WHERE ${where} AND coalesce(path, id) > ?
     ORDER BY coalesce(path, id) LIMIT ${PAGE_FILES + 1}`,
    ...values,
    after,
  );
  const shown = rows.slice(0, PAGE_FILES);
  const next = rows.length > PAGE_FILES
    ? address("/", { name, type, after: String(shown.at(-1)!["key"]) })
    : null;
  const body = html`
    <h1>Humanloop export</h1>
    ${exportsView(site)}
    ${gapsView(site)}
    <form class="filters"
      aria-label="Files"><label>Files by name, path or id <input type="search" name="name" value="${name}"></label>
    ${selectView(
      { name: "type", label: "Type", chosen: type },
      types(site),
    )} <button>Filter</button></form>
    <p role="status">${pluralize(
      total,
      "File",
    )} · <a href="/logs">all Logs</a></p>
    ${tableView({
      label: "Files",
      stacks: "stacks",
      numbersFrom: 4,
      head: [
        ...["Path", "Type", "State", "Deployed to", "Versions", "Logs"],
        ...["Evaluations", "Datapoints"],
      ],
      rows: rowsView(shown),
    })}
    ${next !== null &&
      html`<nav class="pages" aria-label="Pages"><a href="${next}">Next</a></nav>`}
  `;
  return browsePage({ title: "Humanloop export", body });
}

/** Makes the rows of Files, with a heading for every Directory. */
function rowsView(rows: readonly SqlRow[]): readonly Row[] {
  let above = "";
  return rows.flatMap((row) => {
    const path = String(row["key"]).replace(/^\/+/, "");
    const dir = path.slice(0, Math.max(0, path.lastIndexOf("/")));
    const isOther = dir !== above;
    above = dir;
    const own = fileRow(row, path.slice(dir === "" ? 0 : dir.length + 1));
    const heading = html`
      <tr class="dir">
        <th scope="rowgroup" colspan="8">${dir || "/"}</th>
      </tr>
    `;
    return isOther ? [heading, own] : [own];
  });
}

function fileRow(row: SqlRow, name: string): Row {
  const id = String(row["id"]);
  const state = row["state"] ?? "";
  return [
    html`
      <a href="${fileAddress(id)}">${name}</a><p
        class="quiet"><code>${id}</code></p>
    `,
    row["type"] ?? "",
    html`<span class="${
      state === "complete" ? "good" : "bad"
    }">${state}</span>`,
    row["deployed"] ?? "",
    ...["versions", "logs", "evaluations", "datapoints"].map((column) => {
      const value = Number(row[column]);
      return value > 0 && count(value);
    }),
  ];
}

function types(site: Site): readonly Choice[] {
  const known = site.choices(`SELECT DISTINCT type AS value, type AS text
    FROM files WHERE type IS NOT NULL ORDER BY type`);
  return [["", "any"], ...known];
}

function exportsView(site: Site): Markup {
  const rows = site.all("SELECT * FROM export ORDER BY number");
  return html`${
    rows.map((row) =>
      html`<p class="quiet"><code>${row["dir"]!}/${row["prefix"]!}</code> ${
        [
          row["state"],
          row["started_at"] &&
          `started ${formatTime(textIn(row, "started_at"))} UTC`,
          row["with_logs"] === null
            ? null
            : row["with_logs"] === 1
            ? "with Logs"
            : "without Logs",
          row["api_url"],
        ].filter((one) => one !== null && one !== "").join(" · ")
      }</p>`
    )
  }`;
}

/** Counts exports that are not finished, and Files that are not complete. */
const UNFINISHED = `SELECT
  (SELECT count(*) FROM export WHERE state IN ('running', 'interrupted')) +
  (SELECT count(*) FROM files WHERE ifnull(state, '') <> 'complete')`;

const UNREAD = `SELECT count(*) FROM problems
  WHERE kind NOT IN (SELECT value FROM json_each(?))`;

function gapsView(site: Site): Markup {
  const gaps = site.all("SELECT gaps FROM export ORDER BY number")
    .flatMap(({ gaps }) => joinGaps(JSON.parse(String(gaps)) as Gap[]));
  const problems = site.count("SELECT coalesce(sum(rows), 0) FROM problems");
  const isComplete = gaps.length === 0 && site.count(UNFINISHED) === 0;
  const link = html`<p><a href="/problems">${
    pluralize(
      problems,
      "row",
    )
  } in the table of problems</a></p>`;
  if (isComplete && site.count(UNREAD, JSON.stringify([...HARMLESS])) === 0) {
    return html`${problems > 0 && link}`;
  }
  return html`
    <section class="gaps" aria-labelledby="gaps">
      <h2 id="gaps">${isComplete
        ? "Not all of this export could be read"
        : "This export is not complete"}</h2>
      <ul>${gaps.slice(0, GAPS).map((gap) =>
        html`<li>${gapText(gap)}</li>`
      )}${gaps.length > GAPS &&
        html`<li>and ${count(gaps.length - GAPS)} more</li>`}</ul>
      ${link}
    </section>
  `;
}

/** Makes the page at `/problems`. */
export function problemsPage(site: Site): string {
  const rows = site.all(`SELECT kind, "table", "column", value, rows, reason,
    disk_path, disk_line, substr(text, 1, 500) AS text FROM problems
    ORDER BY kind, disk_path, disk_line LIMIT ${PROBLEMS}`);
  const body = html`
    <h1>Problems</h1>
    <p
      class="quiet">The first ${count(
        PROBLEMS,
      )}; the table <code>problems</code> of the database holds all.</p>
    ${tableView({
      label: "Problems",
      head: ["Kind", "Table", "Value", "Rows", "Reason", "On disk"],
      rows: rows.map((row) => {
        const { kind, table, column, value, reason, text } = row;
        const line = row["disk_line"] === null
          ? ""
          : `, line ${row["disk_line"]}`;
        const there = html`
          <details>
            <summary>what stands there</summary>
            <pre dir="auto">${text ?? ""}</pre>
          </details>
        `;
        return [
          ...[kind!, `${table ?? ""} ${column ?? ""}`, value ?? ""],
          count(Number(row["rows"])),
          [reason!, typeof text === "string" && there],
          `${row["disk_path"] ?? ""}${line}`,
        ];
      }),
    })}
  `;
  return browsePage({ title: "Problems", body });
}
