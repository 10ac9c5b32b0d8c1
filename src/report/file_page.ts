/** Makes the page of one File. */
import type { Counts } from "../core/observer.ts";
import { type Gap, gapText, joinGaps } from "../core/gap.ts";
import { recordsText } from "../ui/text.ts";
import { count } from "../ui/text.ts";
import {
  type EvaluationRecord,
  evaluationsView,
} from "./components/evaluation_view.ts";
import diffLines from "./diff_lines.js" with { type: "text" };
import ownScript from "./file_page.js" with { type: "text" };
import {
  html,
  type Markup,
  pageTemplate,
  type PageText,
  shown,
} from "./components/html.ts";
import { logsView } from "./components/log_view.ts";
import { pairsView } from "./components/pairs_view.ts";
import type { ShownLog } from "./read_logs.ts";
import style from "./style.css" with { type: "text" };
import { type Fields, formatTime, textIn } from "./components/values.ts";
import {
  deployedBy,
  versionsView,
  type VersionView,
} from "./components/version_view.ts";

/** What a page is made from. */
export interface FileData {
  readonly id: string;
  readonly type: string;
  /** `null` if unknown. */
  readonly path: string | null;
  /** `file.json`. */
  readonly file: unknown;
  readonly state: string;
  readonly gaps: readonly Gap[];
  readonly counts: Counts;
  /** `deployments.json`. */
  readonly deployments: readonly Fields[];
  /** The newest first. */
  readonly versions: readonly VersionView[];
  readonly evaluations: readonly EvaluationRecord[];
  readonly logs: readonly ShownLog[];
  /** Chunks of Logs. */
  readonly chunks: number;
  /** Chunks of Datapoints, by Version. */
  readonly datapoints: ReadonlyMap<string, number>;
}

// The script of a page is not a module.
const script = `${diffLines.replace(/^export /gm, "")}\n${ownScript}`;
const pageText = pageTemplate({ style, script });

/** Writes a File's page. */
export function filePage(data: FileData): PageText {
  const { id, path, file, counts } = data;
  const name = path?.split("/").at(-1) || textIn(file, "name") || id;
  const deployed = deployedBy(data.deployments);
  const { versions } = data;
  const names = new Map(versions.map(({ id, name }) => [id, name]));
  const comparable = versions.filter(({ isShown }) => isShown);
  const total = counts.logs ?? 0;
  const body = html`<header>
<nav aria-label="Where"><a href="../../index.html">All Files</a> / ${
    (path ?? name).split("/").slice(0, -1).map((one) =>
      html`
        ${one} /
      `
    )
  }</nav>
<h1>${name} <span class="badge">${data.type}</span></h1>
<p class="quiet"><code>${id}</code>${
    createdView(file)
  } · <a href="file.json">JSON</a></p>
${descriptionView(file)}
</header>
<main>
${gapsView(data)}
<p>${recordsText(counts)}</p>
${deploymentsView(data.deployments, names)}
${datapointsView(data.datapoints, names)}
${versionsView(versions, deployed)}
${compareView(comparable)}
${evaluationsView(data.evaluations)}
${logsView(data.logs, { total, chunks: data.chunks })}
</main>`;
  const texts = comparable.map(({ id, name, text }) => ({
    id,
    name: shown(name),
    text: shown(text),
  }));
  const compared = comparable.length > 1 ? texts : [];
  return pageText({ title: name, body, data: compared });
}

function createdView(file: unknown): Markup {
  const created = formatTime(textIn(file, "created_at"));
  return html`${created !== "" && ` · created ${created}`}`;
}

/** Shows what people wrote about a File. */
export function descriptionView(file: unknown): Markup {
  const texts = [textIn(file, "description"), textIn(file, "readme")];
  return html`${
    texts.map((text) =>
      text !== null && html`<p class="prose" dir="auto">${text}</p>`
    )
  }`;
}

function gapsView({ state, gaps }: FileData): Markup {
  if (state === "complete" && gaps.length === 0) return html``;
  return html`
    <section class="gaps" aria-labelledby="gaps">
      <h2 id="gaps">This File is not complete</h2>
      <ul>${joinGaps(gaps).map((gap) =>
        html`<li>${gapText({ ...gap, fileId: null })}</li>`
      )}${gaps.length === 0 &&
        html`<li>Its export was not finished.</li>`}</ul>
    </section>
  `;
}

function deploymentsView(
  deployments: readonly Fields[],
  names: ReadonlyMap<string, string>,
): Markup {
  return pairsView(
    "Deployments",
    deployments.map((one) => {
      const id = textIn(one, "version_id") ?? "no Version";
      const isDefault = textIn(one, "environment_tag") === "default";
      const version = `${names.get(id) ?? id}${isDefault ? " (default)" : ""}`;
      return [textIn(one, "environment_name") ?? "", version];
    }),
  );
}

function datapointsView(
  datapoints: ReadonlyMap<string, number>,
  names: ReadonlyMap<string, string>,
): Markup {
  return pairsView(
    "Datapoints",
    [...datapoints].map(([id, chunks]) => {
      const dir = `datapoints/${encodeURIComponent(id)}/`;
      const link = html`<a href="${dir}">${count(chunks)} × JSONL</a>`;
      return [names.get(id) ?? id, link];
    }),
  );
}

function compareView(versions: readonly VersionView[]): Markup {
  if (versions.length < 2) return html``;
  const options = (chosen: number) =>
    versions.map(({ name, createdAt }, i) =>
      html`
        <option value="${i}" ${i === chosen && html`
          selected
        `}>${name} ${formatTime(createdAt || null)}</option>
      `
    );
  return html`
    <section aria-labelledby="compare">
      <h2 id="compare">Compare Versions</h2>
      <p class="controls"><label>From <select id="from">${options(
        1,
      )}</select></label>
    <label>to <select id="to">${options(0)}</select></label></p>
      <p id="difference" role="status"></p>
      <div class="scroll" role="region" tabindex="0" aria-label="Differences">
        <table class="diff" aria-labelledby="compare">
          <tbody id="diff"></tbody>
        </table>
      </div>
    </section>
  `;
}
