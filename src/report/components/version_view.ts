/**
 * Shows a File's Versions, newest first, and makes what comparing two needs.
 */
import {
  isObject,
  parseExactly,
  withExactNumbers,
} from "../../core/text/json.ts";
import { fieldsOf, templateText } from "../../prompts/prompt_text.ts";
import { html, type Markup } from "./html.ts";
import { messagesView, withVariables } from "./message_view.ts";
import { type Pair, pairsView } from "./pairs_view.ts";
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
  /** The parsed JSON, if no one else uses it. */
  readonly value?: unknown;
}

/** A Version, as the page shows it. */
export interface VersionView {
  readonly id: string;
  /** Its name, or its id. */
  readonly name: string;
  /** When it was created, as the API sent it. */
  readonly createdAt: string;
  /** Whether it is shown and can be compared, or is only linked. */
  readonly isShown: boolean;
  readonly fields: Fields;
  /** Its text, to compare it with others. */
  readonly text: string;
}

/** Where a Version is deployed: the names of environments, by its id. */
export type Deployed = ReadonlyMap<string, readonly string[]>;

/** Groups Deployments by Version. */
export function deployedBy(deployments: readonly Fields[]): Deployed {
  const deployed = new Map<string, string[]>();
  for (const one of deployments) {
    const version = textIn(one, "version_id");
    if (version === null) continue;
    const name = textIn(one, "environment_name") ??
      textIn(one, "environment_id") ?? "deployed";
    deployed.set(version, [...deployed.get(version) ?? [], name]);
  }
  return deployed;
}

/**
 * Beyond this, in characters of JSON, older Versions are only linked: a browser
 * has to open the page.
 */
const MOST_TEXT = 4_000_000;

/** A Version, and how long its JSON is, in characters. */
interface SizedView extends VersionView {
  readonly length: number;
}

/** Reads Versions, newest first. */
export function readVersions(
  records: readonly VersionRecord[],
): readonly VersionView[] {
  return newestFirst(records.map(viewOf));
}

/**
 * Takes Versions one by one. Of those that are too much for a page, it keeps
 * only what a line shows.
 */
export class NewestVersions {
  #views: readonly SizedView[] = [];
  #added: SizedView[] = [];
  #addedLength = 0;

  /** Adds a Version. */
  add(record: VersionRecord): void {
    this.#added.push(viewOf(record));
    this.#addedLength += record.json.length;
    if (this.#addedLength > MOST_TEXT) this.list();
  }

  /** Returns the Versions, newest first. */
  list(): readonly VersionView[] {
    this.#views = newestFirst([...this.#views, ...this.#added])
      .map((view) => view.isShown ? view : headingOf(view));
    this.#added = [];
    this.#addedLength = 0;
    return this.#views;
  }
}

function viewOf({ id, json, value }: VersionRecord): SizedView {
  const exact = value === undefined
    ? parseExactly(json)
    : withExactNumbers(json, value);
  const fields = isObject(exact) ? exact : {};
  return {
    id,
    name: textIn(fields, "version_name") ?? id,
    createdAt: textIn(fields, "created_at") ?? "",
    isShown: true,
    fields,
    text: textIn(fields, "raw_file_content") ?? definitionText(fields),
    length: json.length,
  };
}

function newestFirst(views: readonly SizedView[]): readonly SizedView[] {
  let length = 0;
  return views.toSorted((a, b) => newerFirst(a.createdAt, b.createdAt))
    .map((view) => {
      length += view.length;
      return { ...view, isShown: length <= MOST_TEXT };
    });
}

/** Keeps only what a line shows. */
function headingOf(view: SizedView): SizedView {
  const { version_description, created_by } = view.fields;
  return { ...view, fields: { version_description, created_by }, text: "" };
}

/** Fields that hold code or prose, to be shown as they are. */
const PROSE = ["source_code", "code", "instructions", "readme", "description"];

/** Returns the definition of a Version, without its id and the like. */
function definitionText(fields: Fields): string {
  const lines = parametersOf(fields)
    .map(([name, value]) => `${name}: ${readable(value)}`);
  return [...lines, "", templateText(fields["template"])].join("\n").trim();
}

/**
 * Makes the section of the Versions; the first that is deployed, or the newest,
 * is open.
 *
 * @param address Makes the address of a Version's JSON.
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

/** Returns the address of a Version's JSON, from the page of its File. */
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

/** Returns the fields that the heading and the template do not show. */
const SHOWN = [
  ...["path", "id", "version_id", "version_name", "version_description"],
  ...["type", "tags", "readme", "description"],
];

function parametersOf(fields: Fields): ReturnType<typeof fieldsOf> {
  return fieldsOf(fields).filter(([name]) => !SHOWN.includes(name));
}

function parametersView(fields: Fields): Markup {
  const pairs = parametersOf(fields)
    .flatMap(([name, value]) => parameterPairs(name, value));
  return pairsView("Parameters", pairs, { isShown: false });
}

/** Shows a parameter; those in a specification one by one. */
function parameterPairs(name: string, value: unknown): readonly Pair[] {
  if (name === "spec" && isObject(value)) {
    return Object.entries(value)
      .flatMap(([inner, one]) => parameterPairs(inner, one));
  }
  const text = readable(value);
  const isBlock = PROSE.includes(name) || text.includes("\n");
  return [[name, isBlock ? html`<pre dir="auto">${text}</pre>` : text]];
}
