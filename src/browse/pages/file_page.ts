/**
 * Makes the page of a File: Versions and their numbers, Deployments,
 * differences, Logs over time.
 */
import { percent } from "../../report/components/chart_view.ts";
import { html, type Markup } from "../../report/components/html.ts";
import { descriptionView } from "../../report/file_page.ts";
import { formatTime, textIn } from "../../report/components/values.ts";
import {
  deployedBy,
  readVersions,
  versionsView,
  type VersionView,
} from "../../report/components/version_view.ts";
import { count, pluralize } from "../../ui/text.ts";
import type { SqlRow } from "../../database/sqlite.ts";
import { datasetView } from "./dataset_page.ts";
import { diffView } from "./diff.ts";
import {
  address,
  browsePage,
  compareView,
  idView,
  sectionView,
  sourceView,
  tableView,
} from "./page.ts";
import {
  dollars,
  fileAddress,
  NotFound,
  parsed,
  seconds,
  type Site,
  type VersionNumbers,
} from "../site.ts";

/** Bars of the chart over time. */
const BARS = 48;
const CHART = { width: 720, height: 90 };

/** Makes the page at `/files/ID`. */
export function filePage(
  site: Site,
  id: string,
  params: URLSearchParams,
): string {
  const row = site.row("SELECT * FROM files WHERE id = ?", id);
  const file = parsed(row);
  const name = String(row["path"] ?? row["id"]);
  const versions = versionsOf(site, id);
  const deployed = deployedBy(
    site.all("SELECT * FROM deployments WHERE file_id = ?", id),
  );
  const numbers = [...site.numbersOf(id).values()];
  const logs = numbers.reduce((sum, one) => sum + one.logs, 0);
  const body = html`<h1>${name} <span class="badge">${
    row["type"] ?? "File"
  }</span></h1>
<p>${idView(id)}</p>
${descriptionView(file)}
<p class="quiet">${
    [
      row["created_at"] && `created ${formatTime(textIn(row, "created_at"))}`,
      row["state"],
    ].filter((one) => one).join(" · ")
  }</p>
${
    logs > 0 &&
    html`<p><a href="${address("/logs", { file: id })}">${
      pluralize(logs, "Log")
    }</a></p>`
  }
${chartView(site, id, numbers)}
${numbersView(site, id, versions, deployed)}
${evaluationsView(site, id)}
${row["type"] === "dataset" && datasetView(site, id, versions, params)}
${compareForm(id, versions)}
${
    versionsView(versions, deployed, (version) =>
      address("/json", { table: "versions", file: id, version }))
  }
${
    sourceView({
      ...{ dir: site.dir(row), path: String(row["disk_path"]), line: null },
      json: row["json"] === null
        ? null
        : address("/json", { table: "files", id }),
    })
  }`;
  return browsePage({ title: name, path: [[name, fileAddress(id)]], body });
}

function numbersView(
  site: Site,
  id: string,
  versions: readonly VersionView[],
  deployed: ReadonlyMap<string, readonly string[]>,
): Markup {
  const numbers = site.numbersOf(id);
  if (versions.length === 0 && numbers.size === 0) return html``;
  const names = new Map(versions.map((one) => [one.id, one.name]));
  const others = [...numbers.keys()].filter((one) => !names.has(one));
  const paths = new Map(
    site.all(
      "SELECT version_id, disk_path FROM versions WHERE file_id = ?",
      id,
    ).map((row) => [row["version_id"], row["disk_path"]]),
  );
  const rows = [...names.keys(), ...others].map((version) => {
    const one = numbers.get(version);
    const logs = one?.logs ?? 0;
    const share = one && logs > 0 ? one.errors / logs : 0;
    const link = (query: Readonly<Record<string, string>>, text: number) =>
      html`<a href="${address("/logs", { file: id, version, ...query })}">${
        count(text)
      }</a>`;
    const badges = (deployed.get(version) ?? [])
      .map((name) =>
        html`
          <span class="badge">${name}</span>
        `
      );
    const path = paths.get(version) ?? "not in the export";
    return [
      html`${names.get(version) ?? (version || "unknown")}${badges}`,
      html`${version !== "" && idView(version)}<p class="quiet">${path}</p>`,
      logs > 0 && link({}, logs),
      seconds(one?.latency),
      share > 0 &&
      html`${link({ error: "1" }, one!.errors)} (${percent(share)})`,
      dollars(one?.cost),
    ];
  });
  return sectionView(
    "Numbers of each Version",
    tableView({
      label: "Table of Versions",
      isNamed: true,
      numbersFrom: 2,
      head: [
        ...["Version", "Id, on disk", "Logs", "Latency (mean)", "Errors"],
        "Cost",
      ],
      rows,
    }),
  );
}

function chartView(
  site: Site,
  id: string,
  numbers: readonly VersionNumbers[],
): Markup {
  const times = numbers.flatMap(({ firstTime, lastTime }) =>
    firstTime === null || lastTime === null ? [] : [firstTime, lastTime]
  );
  const from = times.reduce((a, b) => Math.min(a, b), Infinity);
  const to = times.reduce((a, b) => Math.max(a, b), 0);
  if (to <= from) return html``;
  const step = Math.ceil((to - from + 1) / BARS);
  // Counts bar by bar, since a query with GROUP BY would have to sort.
  const rows = site.all(
    `SELECT value AS bar, (SELECT count(*) FROM logs INDEXED BY logs_time
     WHERE time >= ?1 + value * ?2 AND time < ?1 + (value + 1) * ?2
     AND file_id = ?3) AS n FROM json_each(?4) WHERE n > 0`,
    ...[from, step, id],
    JSON.stringify(Array.from({ length: BARS }, (_, i) => i)),
  );
  const most = rows.reduce((max, { n }) => Math.max(max, Number(n)), 1);
  const width = CHART.width / BARS;
  const day = (time: number) =>
    new Date(time / 1000).toISOString().slice(0, 10);
  const bars = rows.map(({ bar, n }) => {
    const i = Number(bar);
    const height = Math.max(1, Math.round(Number(n) / most * CHART.height));
    return html`
      <rect class="part0" x="${i * width + 1}" y="${CHART.height -
        height}" width="${width - 2}"
        height="${height}">
        <title>${pluralize(Number(n), "Log")} from ${day(
          from + i * step,
        )}</title>
      </rect>
    `;
  });
  const label = `Logs from ${day(from)} to ${day(to)}, at most ${
    count(most)
  } a bar`;
  return html`
    <figure>
      <figcaption>Logs over time</figcaption>
      <div class="scroll" tabindex="0" role="region" aria-label="Chart">
        <svg role="img" aria-label="${label}"
          viewBox="0 0 ${CHART.width} ${CHART.height}" width="${CHART.width}"
          height="${CHART.height}">${bars}</svg>
      </div>
      <p class="quiet">${label}</p>
    </figure>
  `;
}

function evaluationsView(site: Site, id: string): Markup {
  const rows = site.all(
    `SELECT id, name, created_at, status, (SELECT count(*) FROM runs r
     WHERE r.evaluation_id = e.id) AS runs FROM evaluations e
     WHERE file_id = ? ORDER BY created_at DESC`,
    id,
  );
  if (rows.length === 0) return html``;
  const items = rows.map((row) => {
    const link = `/evaluations/${encodeURIComponent(String(row["id"]))}`;
    const notes = [
      formatTime(textIn(row, "created_at")),
      pluralize(Number(row["runs"]), "Run"),
      String(row["status"] ?? "no status"),
    ].join(" · ");
    return html`<li><a href="${link}">${
      row["name"] ?? row["id"]!
    }</a> <span class="quiet">${notes}</span></li>`;
  });
  return sectionView("Evaluations", html`<ul>${items}</ul>`);
}

function versionsOf(site: Site, id: string): readonly VersionView[] {
  const rows = site.all(
    "SELECT version_id, json FROM versions WHERE file_id = ?",
    id,
  );
  return readVersions(rows.map(({ version_id, json }) => ({
    ...{ id: String(version_id), json: String(json) },
  })));
}

function compareForm(
  id: string,
  versions: readonly VersionView[],
  [from, to] = [versions[1]?.id, versions[0]?.id],
): Markup {
  if (versions.length < 2) return html``;
  return compareView(
    {
      action: `${fileAddress(id)}/diff`,
      label: "Compare Versions",
      button: "Compare",
    },
    versions.map((
      { id, name, createdAt },
    ) => [id, `${name} ${formatTime(createdAt || null)}`]),
    [from, to],
  );
}

/** Makes the page at `/files/ID/diff`. */
export function diffPage(
  site: Site,
  id: string,
  params: URLSearchParams,
): string {
  const row = site.row("SELECT id, path FROM files WHERE id = ?", id);
  const versions = versionsOf(site, id);
  const named = (name: string) => {
    const version = versions.find(({ id }) => id === params.get(name));
    if (version === undefined) throw new NotFound();
    return version;
  };
  const [from, to] = [named("from"), named("to")];
  const name = String(row["path"] ?? id);
  const body = html`<h1>From ${from.name} to ${to.name}</h1>
${compareForm(id, versions, [from.id, to.id])}
${diffView(from.text, to.text)}`;
  return browsePage({
    title: `${name}: Versions compared`,
    path: [[name, fileAddress(id)]],
    body,
  });
}

/** Answers `/json`: a record as the export holds it. */
export function jsonOf(site: Site, params: URLSearchParams): string {
  const value = (name: string) => params.get(name);
  const table = value("table") ?? "";
  const queries: Readonly<
    Record<string, readonly [sql: string, ...names: string[]]>
  > = {
    logs: ["SELECT json FROM logs WHERE number = ?", "number"],
    files: ["SELECT json FROM files WHERE id = ?", "id"],
    versions: [
      "SELECT json FROM versions WHERE file_id = ? AND version_id = ?",
      ...["file", "version"],
    ],
    evaluations: ["SELECT json FROM evaluations WHERE id = ?", "id"],
    stats: ["SELECT stats AS json FROM evaluations WHERE id = ?", "id"],
    runs: [
      "SELECT json FROM runs WHERE evaluation_id = ? AND id = ?",
      ...["evaluation", "id"],
    ],
    evaluation_logs: [
      "SELECT json FROM evaluation_logs WHERE rowid = ?",
      "row",
    ],
    datapoints: ["SELECT json FROM datapoints WHERE rowid = ?", "row"],
  };
  if (!Object.hasOwn(queries, table)) throw new NotFound();
  const [sql, ...names] = queries[table]!;
  const row: SqlRow = site.row(sql, ...names.map(value));
  if (row["json"] === null) throw new NotFound();
  return String(row["json"]);
}
