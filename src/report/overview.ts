/**
 * Makes `index.html`: all Files of an export, with a search by path, name, id
 * or type.
 */
import { type Gap, gapText, joinGaps } from "../core/gap.ts";
import { count, pluralize } from "../ui/text.ts";
import {
  html,
  type Markup,
  pageTemplate,
  type PageText,
  shown,
} from "./components/html.ts";
import script from "./overview.js" with { type: "text" };
import style from "./style.css" with { type: "text" };
import { formatTime } from "./components/values.ts";

/** A row of the table. */
export interface OverviewFile {
  readonly id: string;
  readonly type: string;
  /** `null` where it is not known. */
  readonly path: string | null;
  readonly state: string;
  readonly versions: number;
  /** Names of the environments that it is deployed to. */
  readonly deployed: readonly string[];
  readonly logs: number;
  readonly evaluations: number;
  readonly datapoints: number;
  /** Whether there is a page of its own. */
  readonly hasPage: boolean;
}

/** What the page is made from. */
export interface OverviewData {
  /** `complete`, `incomplete`; `null` if unknown. */
  readonly state: string | null;
  /** When the export started (ISO 8601). */
  readonly startedAt: string | null;
  /** The filters, as they would be typed. */
  readonly filters: string | null;
  readonly withLogs: boolean | null;
  readonly files: readonly OverviewFile[];
  /** Paths of Directories, empty ones included. */
  readonly directories: readonly string[];
  readonly gaps: readonly Gap[];
}

/** How many gaps are shown; the others on demand. */
const GAPS_SHOWN = 20;

const COLUMNS: ReadonlyArray<readonly [key: string, title: string]> = [
  ["path", "Path"],
  ["type", "Type"],
  ["state", "State"],
  ["versions", "Versions"],
  ["deployed", "Deployed to"],
  ["logs", "Logs"],
  ["evaluations", "Evaluations"],
  ["datapoints", "Datapoints"],
];
const NUMBERS = ["versions", "logs", "evaluations", "datapoints"];

const pageText = pageTemplate({ style, script });

/** Writes the page. */
export function overviewPage(data: OverviewData): PageText {
  const { files, directories } = data;
  const body = html`
    <header>
      <h1>Humanloop export</h1>
      <p class="quiet">${aboutText(data)}</p>
    </header>
    <main>
    ${gapsView(data)}
    <div class="controls" role="search">
    <label>Search <input type="search" id="query" autocomplete="off" spellcheck="false" placeholder="name, path or id" aria-keyshortcuts="/"></label>
    ${typesView(files)}
    </div>
    <p id="status" role="status"></p>
    <div class="scroll" role="region" tabindex="0" aria-label="Files"><table class="stacks">
    <caption class="unseen">Files</caption>
    <thead><tr>${COLUMNS.map(([key, title]) =>
      html`
        <th scope="col" data-key="${key}"
          ${NUMBERS.includes(key) && html`
            class="number"
          `}><button type="button">${title}</button></th>
      `
    )}</tr></thead>
    <tbody id="rows"></tbody>
    </table></div>
    <p><button type="button" id="more" hidden>Show more</button></p>
    <noscript><p>This list needs JavaScript, which the page brings itself; each File has a page of its own in <a href="files/">files</a>.</p></noscript>
    </main>
  `;
  const rows = files.map((file) => ({
    ...file,
    path: shown(file.path?.replace(/^\/+|\/+$/g, "") || file.id),
    type: shown(file.type),
    deployed: shown(file.deployed.join(", ")),
  }));
  return pageText({
    title: "Humanloop export",
    body,
    data: { files: rows, directories: directories.map(shown) },
  });
}

function aboutText(
  { state, startedAt, filters, withLogs, files }: OverviewData,
): string {
  return [
    pluralize(files.length, "File"),
    startedAt === null ? null : `started ${formatTime(startedAt)} UTC`,
    withLogs === null ? null : withLogs ? "with Logs" : "without Logs",
    state,
    filters === null ? null : `only ${filters}`,
  ].filter((part) => part !== null).join(" · ");
}

function gapsView({ state, files, gaps }: OverviewData): Markup {
  const unfinished = files.filter((file) => file.state !== "complete");
  const isWhole = gaps.length === 0 && unfinished.length === 0;
  if (isWhole && (state === "complete" || state === null)) return html``;
  const paths = new Map(files.map(({ id, path }) => [id, path]));
  const withGaps = new Set(gaps.map(({ fileId }) => fileId));
  const lines = [
    ...joinGaps(gaps).map((gap) => {
      const path = gap.fileId === null ? null : paths.get(gap.fileId);
      return html`<li>${path ? `${path}: ` : ""}${gapText(gap)}</li>`;
    }),
    ...unfinished.filter(({ id }) => !withGaps.has(id)).map(({ id, path }) =>
      html`<li>${path ?? id}: its export was not finished</li>`
    ),
  ];
  const more = lines.length - GAPS_SHOWN;
  return html`<section class="gaps" aria-labelledby="gaps">
<h2 id="gaps">This export is not complete</h2>
<ul>${lines.slice(0, GAPS_SHOWN)}${
    lines.length === 0 && html`<li>The run was not finished.</li>`
  }</ul>
${
    more > 0 &&
    html`
      <details>
        <summary>and ${count(more)} more</summary>
        <ul>${lines.slice(GAPS_SHOWN)}</ul>
      </details>
    `
  }
<p>To resume: <code>hl-export --resume</code> and this directory.</p>
</section>`;
}

function typesView(files: readonly OverviewFile[]): Markup {
  const counts = new Map<string, number>();
  for (const { type } of files) counts.set(type, (counts.get(type) ?? 0) + 1);
  const types = [...counts].sort(([a], [b]) => a < b ? -1 : 1);
  return html`<fieldset id="types"><legend>Types</legend>${
    types.map(([type, files]) =>
      html`
        <label><input type="checkbox" value="${type}"> ${type} <span class="quiet">${count(
          files,
        )}</span></label>
      `
    )
  }</fieldset>`;
}
