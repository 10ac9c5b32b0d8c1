/**
 * Writes the attributes of a span as OTLP/JSON, out of the JSON of a Log as it
 * is spelled: a number that a double cannot hold stays text, and a text that is
 * not valid Unicode is escaped and listed.
 */

import { inSlices } from "../../core/text/slices.ts";
import { MOST_LENGTH } from "./messages.ts";

/** The attribute that lists those whose text is escaped. */
const ESCAPED = "humanloop.escaped";

/** What UTF-8, or a database behind a receiver, cannot hold. */
const UNSAFE =
  /\0|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/** Checks whether every receiver can hold a text. */
function isSafe(text: string): boolean {
  return text.isWellFormed() && !text.includes("\0");
}

/** Writes U+0000 and lone surrogates as JSON spells them: `\u0000`, `\ud83d`. */
export function escapeUnsafe(text: string): string {
  if (isSafe(text)) return text;
  return text.replace(
    UNSAFE,
    (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/**
 * Writes a text as JSON, in slices: V8 ends the process on 150 MB with many
 * escapes.
 */
function textJson(text: string): string {
  if (text.length <= MOST_LENGTH) return JSON.stringify(text);
  return `"${inSlices(text, (slice) => JSON.stringify(slice).slice(1, -1))}"`;
}

/** Collects attributes. The first value of a name counts. */
export class Attributes {
  readonly #names = new Set<string>();
  readonly #escaped: string[] = [];
  #json = "";

  /** Checks whether a name is taken. */
  has(name: string): boolean {
    return this.#names.has(name);
  }

  /** The names that are taken. */
  names(): ReadonlySet<string> {
    return this.#names;
  }

  /** Adds a text. */
  text(name: string, value: string): void {
    const safe = escapeUnsafe(value);
    if (safe !== value) this.#escaped.push(name);
    this.#add(name, `{"stringValue":${textJson(safe)}}`);
  }

  /** Adds a text that is spelled as JSON, with its quotes. */
  spelledText(name: string, json: string): void {
    if (json.includes("\\u")) this.text(name, JSON.parse(json));
    else this.#add(name, `{"stringValue":${json}}`);
  }

  /** Adds texts. */
  texts(name: string, values: readonly string[]): void {
    const safe = values.map(escapeUnsafe);
    if (safe.some((one, i) => one !== values[i])) this.#escaped.push(name);
    const items = safe.map((one) => `{"stringValue":${JSON.stringify(one)}}`);
    this.#add(name, `{"arrayValue":{"values":[${items.join(",")}]}}`);
  }

  /** Adds a number that a double holds. */
  double(name: string, value: number | string): void {
    this.#add(name, `{"doubleValue":${value}}`);
  }

  /** Adds a whole number. */
  whole(name: string, value: number | string): void {
    this.#add(name, `{"intValue":"${value}"}`);
  }

  /**
   * Adds a value by its kind: text, number or boolean; an object or an array as
   * the text of its JSON.
   *
   * @param json Its spelling; for `null` nothing is added.
   */
  value(name: string, json: string): void {
    const [first] = json;
    if (first === '"') this.spelledText(name, json);
    else if (first === "t" || first === "f") {
      this.#add(name, `{"boolValue":${json}}`);
    } else if (first === "{" || first === "[") this.text(name, json);
    else if (first !== "n") {
      const kind = numberKind(json);
      if (kind === "whole") this.whole(name, json);
      else if (kind === "double") this.double(name, json);
      else this.text(name, json);
    }
  }

  /** Adds all of another list. */
  addAll(others: RenderedAttributes): void {
    for (const name of others.names) this.#names.add(name);
    this.#escaped.push(...others.escaped);
    if (others.json === "") return;
    this.#json += this.#json === "" ? others.json : `,${others.json}`;
  }

  /** Returns what was added, to reuse it in several lists. */
  rendered(): RenderedAttributes {
    return {
      names: [...this.#names],
      escaped: [...this.#escaped],
      json: this.#json,
    };
  }

  /** The JSON of the list. */
  toJson(): string {
    if (this.#escaped.length > 0) this.texts(ESCAPED, this.#escaped.splice(0));
    return `[${this.#json}]`;
  }

  #add(name: string, value: string): void {
    let key = escapeUnsafe(name);
    // Two names may be the same once they are escaped.
    while (this.#names.has(key)) key += "_";
    this.#names.add(key);
    const comma = this.#json === "" ? "" : ",";
    this.#json += `${comma}{"key":${JSON.stringify(key)},"value":${value}}`;
  }
}

/** Attributes that are already JSON. */
export interface RenderedAttributes {
  readonly names: readonly string[];
  readonly escaped: readonly string[];
  /** Without brackets. */
  readonly json: string;
}

/**
 * Decides how a number can be sent without loss.
 *
 * @param json How it is spelled.
 */
export function numberKind(json: string): "whole" | "double" | "text" {
  const value = Number(json);
  if (/^-?\d+$/.test(json)) {
    return Number.isSafeInteger(value) && !Object.is(value, -0)
      ? "whole"
      : "text";
  }
  const shortest = String(value);
  const isExact = shortest === json ||
    Number.isFinite(value) && decimal(json) === decimal(shortest);
  return isExact ? "double" : "text";
}

/** Writes a number in a canonical form. */
function decimal(spelled: string): string {
  const [, sign = "", whole = "", fraction = "", exponent = "0"] =
    /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(spelled) ?? [];
  const digits = (whole + fraction).replace(/^0+/, "");
  const kept = digits.replace(/0+$/, "");
  const power = Number(exponent) - fraction.length + digits.length -
    kept.length;
  return kept === "" ? `${sign}0` : `${sign}${kept}e${power}`;
}
