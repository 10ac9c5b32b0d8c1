/** Makes the frame of every page: its policy, its style, its navigation. */
import reportStyle from "../../report/style.css" with { type: "text" };
import {
  type Content,
  hashOf,
  html,
  Markup,
} from "../../report/components/html.ts";
import { LONGEST_SEARCH } from "../log_list.ts";
import ownStyle from "./style.css" with { type: "text" };
import script from "./page.js" with { type: "text" };

/** What a page shows. */
export interface BrowsePage {
  readonly title: string;
  /** The links to it from the overview. */
  readonly path?: ReadonlyArray<readonly [name: string, address: string]>;
  readonly body: Content;
}

const style = `${reportStyle}\n${ownStyle}`;

/** The policy of all pages: nothing but their own style and script, and embedded images. */
export const POLICY = [
  "default-src 'none'",
  `script-src '${hashOf(script)}'`,
  `style-src '${hashOf(style)}'`,
  "img-src data:",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** Writes the text of a page. */
export function browsePage({ title, path = [], body }: BrowsePage): string {
  const links = [["All Files", "/"] as const, ...path];
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
${html`<title>${title}</title>`.text}
<style>${style}</style>
</head>
<body>
${
    html`
      <header>
        <nav aria-label="Path">${links.map(([name, address], i) =>
          html`${i > 0 && " / "}<a href="${address}">${name}</a>`
        )}</nav>
        <form action="/logs"
          role="search"><label>Search all Logs <input type="search" name="q" maxlength="${LONGEST_SEARCH}" aria-keyshortcuts="/" autocomplete="off"></label> <button>Search</button></form>
      </header>
      <main>${body}</main>
    `.text
  }
<script>${script}</script>
</body>
</html>
`;
}

/** Makes an address with a query; leaves out what is `null` or empty. */
export function address(
  path: string,
  query: Readonly<Record<string, string | number | null>>,
): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== null && value !== "") params.set(name, String(value));
  }
  const text = params.toString();
  return text === "" ? path : `${path}?${text}`;
}

/** What can be chosen: its value, and what a person sees. */
export type Choice = readonly [value: string, text: string];

/** Shows a list of choices, with its label. */
export function selectView(
  { name, label, chosen }: {
    readonly name: string;
    readonly label: string;
    readonly chosen: string | undefined;
  },
  choices: readonly Choice[],
): Markup {
  const options = choices.map(([value, text]) =>
    html`<option value="${value}" ${
      value === chosen && html`selected`
    }>${text}</option>`
  );
  return html`<label>${label} <select name="${name}">${options}</select></label>`;
}

/** Makes a form that chooses two of a File's Versions. */
export function compareView(
  { action, label, button }: {
    /** Where the form leads. */
    readonly action: string;
    readonly label: string;
    readonly button: string;
  },
  versions: readonly Choice[],
  [from, to]: readonly [from: string | undefined, to: string | undefined],
): Markup {
  return html`
    <form class="filters" action="${action}"
      aria-label="${label}">${[
        selectView(
          { name: "from", label: "From Version", chosen: from },
          versions,
        ),
        selectView({ name: "to", label: "to Version", chosen: to }, versions),
      ]} <button>${button}</button></form>
  `;
}

/** Shows an id, with a button to copy it if scripts run. */
export function idView(id: string): Markup {
  return html`
    <code>${id}</code> <button type="button" class="copy"
      data-copy="${id}" hidden>Copy id</button>
  `;
}

/** Shows where a record is on disk, and links its JSON. */
export function sourceView(
  { dir, path, line, json }: {
    readonly dir: string;
    readonly path: string;
    readonly line: number | null;
    /** The address of its JSON. */
    readonly json: string | null;
  },
): Markup {
  return html`
    <p
      class="quiet">On disk: <code>${dir}/${path}</code>${line !== null &&
        `, line ${line}`}${json !== null && html`
        · <a href="${json}">JSON</a>
      `}</p>
  `;
}

/** Makes a section with its heading; nothing if there is no content. */
export function sectionView(
  title: string,
  content: Markup | null,
  style = "",
): Markup {
  if (content === null) return html``;
  const id = title.toLowerCase().replaceAll(" ", "-");
  return html`
    <section
      aria-labelledby="${id}"><h2 id="${id}" class="${style}">${title}</h2>${content}</section>
  `;
}

/** A row of a table: its cells, or all of it. */
export type Row = Markup | readonly Content[];

/** Makes a table that may be wider than the page. */
export function tableView(
  { label, head, rows, numbersFrom = Infinity, isNamed = false, stacks = "" }: {
    readonly label: string;
    readonly head: readonly Content[];
    readonly rows: readonly Row[];
    /** The first column of numbers; all after it are numbers too. */
    readonly numbersFrom?: number;
    /** Whether the first cell is a heading of its row. */
    readonly isNamed?: boolean;
    /** How rows are laid out on a narrow page. */
    readonly stacks?: string;
  },
): Markup {
  const style = (i: number) =>
    html`${i >= numbersFrom && html`class="number"`}`;
  const cell = (content: Content, i: number) =>
    i > 0
      ? html`<td ${style(i)} data-label="${head[i]!}">${content}</td>`
      : isNamed
      ? html`<th scope="row">${content}</th>`
      : html`<td>${content}</td>`;
  return html`
    <div class="scroll" role="region" tabindex="0" aria-label="${label}">
      <table class="${stacks}" aria-label="${label}">
        <thead>
          <tr>${head.map((title, i) =>
            html`<th scope="col" ${style(i)}>${title}</th>`
          )}</tr>
        </thead>
        <tbody>${rows.map((row) =>
          row instanceof Markup ? row : html`<tr>${row.map(cell)}</tr>`
        )}</tbody>
      </table>
    </div>
  `;
}
