/**
 * Reads a `.prompt` or `.agent` file by Humanloop's description of the format, as
 * one would who has only the file: by tags, not by how lines are indented.
 */
/** What a file says. */
export interface ParsedPrompt {
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly template: unknown;
}

/** A tag with what is in it. */
interface Element {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  /** `null` for a tag without an end. */
  readonly inner: string | null;
}

const CHILD = /^\s*<(text|image|tool)(?![\w-])/;

/** Splits a file into what is between the lines of hyphens, and what follows. */
export function splitPrompt(text: string): readonly [string, string] {
  const head = /^---\n(.*?)^---\n/ms.exec(text);
  if (head === null) throw new Error(`no front matter: ${text}`);
  return [head[1]!, text.slice(head[0].length)];
}

/** Reads a file; integers are bigints. */
export function parsePrompt(text: string): ParsedPrompt {
  const [head, body] = splitPrompt(text);
  const parameters = Object.fromEntries(
    head.split(/^(?=\w+: )/m).filter((entry) => entry !== "")
      .map((entry) => {
        const [name = ""] = /^\w+/.exec(entry)!;
        return [name, readValue(entry.slice(name.length + 2, -1))];
      }),
  );
  return { parameters, template: readTemplate(body, parameters) };
}

/** Reads what follows the front matter. */
export function readTemplate(
  body: string,
  { endpoint = "chat" }: Readonly<Record<string, unknown>>,
): unknown {
  return endpoint === "chat" ? readElements(body).map(readMessage) : body;
}

/** Reads a value: a word that no reader of YAML takes for anything else, or JSON. */
function readValue(text: string): unknown {
  const isWord = /^[a-z][\w./-]*$/i.test(text) &&
    !/^(true|false|yes|no|on|off|y|n|null)$/i.test(text);
  return isWord ? text : JSON.parse(text, integers);
}

/** Makes bigints of the integers of a JSON text, for `JSON.parse`. */
export function integers(
  _: string,
  value: unknown,
  context?: { readonly source?: string },
): unknown {
  const source = context?.source ?? "";
  return typeof value === "number" && /^-?\d+$/.test(source)
    ? BigInt(source)
    : value;
}

function readMessage({ name: role, attributes, inner }: Element): unknown {
  if (role === "tool") {
    const { name, id } = attributes;
    return {
      role,
      ...readContent(inner),
      ...name !== undefined && { name },
      ...id !== undefined && { tool_call_id: id },
    };
  }
  return { role, ...readContent(inner) };
}

function readContent(inner: string | null): object {
  const text = innerText(inner);
  if (!CHILD.test(text)) return { content: text };
  const children = readElements(text);
  if (children[0]!.name === "tool") {
    return {
      content: null,
      tool_calls: children.map(({ attributes: { id, name }, inner }) => ({
        id,
        type: "function",
        function: { name, arguments: innerText(inner) },
      })),
    };
  }
  return {
    content: children.map(({ name, attributes, inner }) =>
      name === "image"
        ? { type: "image_url", image_url: attributes }
        : { type: "text", text: innerText(inner) }
    ),
  };
}

/** Takes off the line breaks beside the tags, and two spaces from each line. */
function innerText(inner: string | null): string {
  if (inner === null || !inner.startsWith("\n")) {
    throw new Error(`a tag is not on a line of its own: ${inner}`);
  }
  return inner.slice(1).replace(/\n$/, "").split("\n").map((line) =>
    line.replace(/^ {2}/, "")
  ).join("\n");
}

/** Reads the tags that follow each other; there is nothing but white space between. */
function readElements(text: string): readonly Element[] {
  const elements: Element[] = [];
  let at = 0;
  for (;;) {
    at += /^\s*/.exec(text.slice(at))![0].length;
    if (at === text.length) return elements;
    const open = /^<(\w+)((?:\s+\w+="[^"]*")*)\s*(\/?)>/.exec(text.slice(at));
    if (open === null) throw new Error(`no tag: ${text.slice(at)}`);
    const [all, name = "", attributes = "", empty] = open;
    at += all.length;
    const end = empty ? at : text.indexOf(`</${name}>`, at);
    if (end === -1) throw new Error(`no end of ${name}: ${text}`);
    elements.push({
      name,
      attributes: Object.fromEntries(
        [...attributes.matchAll(/(\w+)="([^"]*)"/g)]
          .map(([, key, value]) => [key, value]),
      ),
      inner: empty ? null : text.slice(at, end),
    });
    at = empty ? end : end + `</${name}>`.length;
  }
}
