/**
 * Shows a File's Versions, newest first, and what is needed to compare any two.
 */
import { isObject, parseExactly } from "../core/json.ts";
import { fieldsOf, templateText } from "../prompts/prompt_text.ts";
import { html, type Markup } from "./html.ts";
import { messagesView, withVariables } from "./message_view.ts";
import {
  type Fields,
  formatTime,
  newerFirst,
  readable,
  textIn,
} from "./values.ts";

/** A Version, read from disk. */
export interface VersionRecord {
  readonly id: string;
  /** The JSON on disk. */
  readonly json: string;
}

/** A Version, as the page shows it. */
export interface VersionView {
  readonly id: string;
  /** Its name, or its id. */
  readonly name: string;
  /** When it was created, as the API sent it. */
  readonly createdAt: string;
  /** Whether it is shown, and can be compared, or linked only. */
  readonly isShown: boolean;
  readonly fields: Fields;
  /** It as text, to be compared with others. */
  readonly text: string;
}

/** Where a Version is deployed: the names of environments, by its id. */
export type Deployed = ReadonlyMap<string, readonly string[]>;

/**
 * Of more than this, in characters of JSON, the older Versions are linked only:
 * a page is to be opened.
 */
const MOST_TEXT = 16_000_000;

/** Fields that hold code or prose, to be shown as they are. */
const PROSE = ["source_code", "code", "instructions", "readme", "description"];

/** Reads Versions, newest first. */
export function readVersions(
  records: readonly VersionRecord[],
): readonly VersionView[] {
  const versions = records.map(({ id, json }) => {
    const value = parseExactly(json);
    const fields = isObject(value) ? value : {};
    return {
      id,
      name: textIn(fields, "version_name") ?? id,
      createdAt: textIn(fields, "created_at") ?? "",
      fields,
      text: textIn(fields, "raw_file_content") ?? definitionText(fields),
      length: json.length,
    };
  }).toSorted((a, b) => newerFirst(a.createdAt, b.createdAt));
  let length = 0;
  return versions.map((version) => {
    length += version.length;
    return { ...version, isShown: length <= MOST_TEXT };
  });
}

/** Returns what a Version is, without its id and the like. */
function definitionText(fields: Fields): string {
  const lines = parametersOf(fields)
    .map(([name, value]) => `${name}: ${readable(value)}`);
  return [...lines, "", templateText(fields["template"])].join("\n").trim();
}

/**
 * The section of the Versions; the first that is deployed, or the newest, open.
 *
 * @param address Where the JSON of a Version is.
 */
export function versionsView(
  versions: readonly VersionView[],
  deployed: Deployed,
  address: (id: string) => string = versionAddress,
): Markup {
  const open = versions.find(({ id }) => deployed.has(id)) ?? versions[0];
  return html`<section aria-labelledby="versions">
<h2 id="versions">Versions</h2>
${versions.length === 0 && html`<p>None.</p>`}
${
    versions.map((version) =>
      versionView(
        version,
        deployed.get(version.id) ?? [],
        { isOpen: version === open, address },
      )
    )
  }
</section>`;
}

/** Where a Version's JSON is, from the page of its File. */
function versionAddress(id: string): string {
  return `versions/${encodeURIComponent(id)}`;
}

function versionView(
  { id, name, createdAt, fields, isShown }: VersionView,
  environments: readonly string[],
  { isOpen, address }: {
    readonly isOpen: boolean;
    readonly address: (id: string) => string;
  },
): Markup {
  const note = textIn(fields, "version_description");
  const by = fields["created_by"];
  const who = textIn(by, "full_name") ?? textIn(by, "email_address");
  const title = html`<b>${name}</b>${
    environments.map((one) =>
      html`
        <span class="badge">${one}</span>
      `
    )
  } <span class="quiet">${formatTime(createdAt || null)}${
    who && `, ${who}`
  }</span>`;
  const link = html`<a href="${address(id)}">JSON of <code>${id}</code></a>`;
  if (!isShown) return html`<p class="version">${title} ${link}</p>`;
  return html`
    <details class="version" ${isOpen && html`open`}>
      <summary>${title}</summary>
      ${note && html`<p dir="auto">${note}</p>`}
      ${templateView(fields["template"])}
      ${parametersView(fields)}
      <p class="quiet">${link}</p>
    </details>
  `;
}

function templateView(template: unknown): Markup {
  if (Array.isArray(template)) return messagesView(template);
  if (typeof template !== "string" || template === "") return html``;
  return html`<pre dir="auto">${withVariables(template)}</pre>`;
}

/** Returns what the heading and the template do not show. */
const SHOWN = [
  ...["path", "id", "version_id", "version_name", "version_description"],
  ...["type", "tags", "readme", "description"],
];

function parametersOf(fields: Fields): ReturnType<typeof fieldsOf> {
  return fieldsOf(fields).filter(([name]) => !SHOWN.includes(name));
}

function parametersView(fields: Fields): Markup {
  const rows = parametersOf(fields)
    .flatMap(([name, value]) => parameterRows(name, value));
  if (rows.length === 0) return html``;
  return html`
    <table class="parameters" aria-label="Parameters">
      <tbody>${rows}</tbody>
    </table>
  `;
}

/** Makes the row of a parameter; those within a specification each for itself. */
function parameterRows(name: string, value: unknown): readonly Markup[] {
  if (name === "spec" && isObject(value)) {
    return Object.entries(value)
      .filter(([, inner]) => readable(inner) !== "")
      .flatMap(([inner, one]) => parameterRows(inner, one));
  }
  const text = readable(value);
  const isBlock = PROSE.includes(name) || text.includes("\n");
  return [
    html`
      <tr>
        <th scope="row">${name}</th>
        <td>${isBlock ? html`<pre dir="auto">${text}</pre>` : text}</td>
      </tr>
    `,
  ];
}
