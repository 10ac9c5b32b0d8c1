/**
 * Shows the Datapoints of a Dataset's Version, and what changed between two
 * Versions.
 */
import { isObject, parseExactly } from "../../core/text/json.ts";
import { html, type Markup } from "../../report/components/html.ts";
import { messagesView } from "../../report/components/message_view.ts";
import { beginning, readable } from "../../report/components/values.ts";
import type { VersionView } from "../../report/components/version_view.ts";
import type { SqlRow } from "../../database/sqlite.ts";
import { count, pluralize } from "../../ui/text.ts";
import { address, compareView, idView, type Row, tableView } from "./page.ts";
import { fileAddress, type Site } from "../site.ts";

/** Datapoints on one page. */
const PAGE = 50;
/** Texts are cut after this, in characters. */
const CUT = 600;
/** How many changed Datapoints are listed. */
const CHANGES = 200;

/** Makes the sections of a Dataset. */
export function datasetView(
  site: Site,
  id: string,
  versions: readonly VersionView[],
  params: URLSearchParams,
): Markup {
  const counts = site.all(
    `SELECT version_id, count(*) AS n FROM datapoints WHERE file_id = ?
     GROUP BY version_id`,
    id,
  );
  const sizes = new Map(counts.map((row) => [
    String(row["version_id"]),
    Number(row["n"]),
  ]));
  const names = new Map(versions.map((one) => [one.id, one.name]));
  const ids = [...new Set([...names.keys(), ...sizes.keys()])];
  const chosen = params.get("version") ?? ids.find((one) => sizes.has(one)) ??
    "";
  const links = ids.map((one) =>
    html`<li><a href="${
      address(fileAddress(id), { version: one })
    }#datapoints" ${one === chosen && html`aria-current="true"`}>${
      names.get(one) ?? one
    }</a> ${pluralize(sizes.get(one) ?? 0, "Datapoint")}</li>`
  );
  const after = Number(params.get("after") ?? 0) || 0;
  const rows = site.all(
    `SELECT rowid AS row, * FROM datapoints
     WHERE file_id = ? AND version_id = ? AND rowid > ? ORDER BY rowid LIMIT ?`,
    id,
    chosen,
    after,
    PAGE + 1,
  );
  const next = rows.length > PAGE
    ? address(fileAddress(id), {
      version: chosen,
      after: rows[PAGE - 1]!["row"]!,
    })
    : null;
  return html`<section aria-labelledby="datapoints"><h2 id="datapoints">Datapoints</h2>
<ul>${links}</ul>
${
    tableView({
      label: `Datapoints of ${names.get(chosen) ?? chosen}`,
      stacks: "logs",
      head: ["Datapoint", "Inputs", "Target"],
      rows: rows.slice(0, PAGE).map(datapointRow),
    })
  }
<nav class="pages" aria-label="Pages of Datapoints">${
    after > 0 &&
    html`<a href="${
      address(fileAddress(id), { version: chosen })
    }#datapoints">First</a>`
  }${next !== null && html`<a href="${next}#datapoints">Next</a>`}</nav>
${changesView(site, id, ids, names, params)}
</section>`;
}

function datapointRow(row: SqlRow): Row {
  const value = parseExactly(String(row["json"]));
  const json = address("/json", { table: "datapoints", row: row["row"]! });
  const place = `${row["disk_path"]}, line ${row["disk_line"]}`;
  return [
    html`${
      idView(String(row["id"] ?? ""))
    }<p class="quiet">${place} · <a href="${json}">JSON</a></p>`,
    askedView(value),
    fieldsView(isObject(value) ? value["target"] : null),
  ];
}

/** Shows what a Datapoint asks: its inputs and messages. */
function askedView(datapoint: unknown): Markup {
  const { inputs, messages } = isObject(datapoint) ? datapoint : {};
  return html`${fieldsView(inputs)}${
    messagesView(Array.isArray(messages) ? messages : [], CUT)
  }`;
}

/** Shows the fields of an object, each as text. */
export function fieldsView(value: unknown): Markup {
  if (!isObject(value)) {
    const text = readable(value);
    return html`${
      text !== "" && html`<pre dir="auto">${beginning(text, CUT).text}</pre>`
    }`;
  }
  const fields = Object.entries(value).map(([name, one]) =>
    html`
      <dt>${name}</dt>
      <dd>
        <pre dir="auto">${beginning(readable(one), CUT).text}</pre>
      </dd>
    `
  );
  return html`${fields.length > 0 && html`<dl>${fields}</dl>`}`;
}

function changesView(
  site: Site,
  id: string,
  ids: readonly string[],
  names: ReadonlyMap<string, string>,
  params: URLSearchParams,
): Markup {
  if (ids.length < 2) return html``;
  const from = params.get("from") ?? ids[1]!;
  const to = params.get("to") ?? ids[0]!;
  const heading = html`<h3 id="changes">What changed between two Versions</h3>${
    compareView(
      {
        action: `${fileAddress(id)}#changes`,
        label: "Compare Datapoints",
        button: "Compare Datapoints",
      },
      ids.map((one) => [one, names.get(one) ?? one]),
      [from, to],
    )
  }`;
  if (params.get("from") === null) return heading;
  const rows = site.all(
    `SELECT a.id, a.json AS before, b.json AS after FROM datapoints a
     LEFT JOIN datapoints b ON b.file_id = ?1 AND b.version_id = ?3 AND b.id = a.id
     WHERE a.file_id = ?1 AND a.version_id = ?2 AND b.json IS NOT a.json
     UNION ALL SELECT b.id, NULL, b.json FROM datapoints b
     WHERE b.file_id = ?1 AND b.version_id = ?3 AND NOT EXISTS (
       SELECT 1 FROM datapoints a WHERE a.file_id = ?1 AND a.version_id = ?2
       AND a.id = b.id)`,
    id,
    from,
    to,
  );
  const added = rows.filter(({ before }) => before === null).length;
  const gone = rows.filter(({ after }) => after === null).length;
  return html`${heading}
<p role="status">${count(added)} new, ${count(gone)} gone, ${
    count(rows.length - added - gone)
  } changed.</p>
${
    tableView({
      label: "Changed Datapoints",
      head: ["Datapoint", "Before", "Now"],
      rows: rows.slice(0, CHANGES).map(({ id, before, after }) => [
        html`<code>${id ?? ""}</code>`,
        ...[sideView(before), sideView(after)],
      ]),
    })
  }
${
    rows.length > CHANGES &&
    html`<p>and ${count(rows.length - CHANGES)} more</p>`
  }`;
}

function sideView(json: SqlRow[string] | undefined): Markup {
  if (typeof json !== "string") {
    return html`<span class="quiet">not there</span>`;
  }
  const value = parseExactly(json);
  return html`${askedView(value)}${
    fieldsView(isObject(value) ? value["target"] : null)
  }`;
}
