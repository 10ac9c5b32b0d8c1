/**
 * Collects what the full-text index holds of a Log, and makes queries from what
 * a person types. Scripts that put no space between words are indexed character
 * by character, so that any run of characters is found as a phrase; runs of two
 * to four are indexed as words too, for those who write their queries
 * themselves.
 */
import { isObject } from "../core/text/json.ts";
import { inSlices } from "../core/text/slices.ts";
import type { SEARCHED } from "./schema.ts";

/** Texts by column. */
export type SearchTexts = {
  readonly [column in typeof SEARCHED[number]]: string | null;
};

/** Characters of scripts without spaces between words. */
const UNSPACED =
  /[\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}\p{scx=Thai}\p{scx=Lao}\p{scx=Khmer}\p{scx=Myanmar}]/u;
const UNSPACED_RUN = new RegExp(`${UNSPACED.source}{2,}`, "gu");
/** What is a word of its own: such a character, or a symbol, such as an emoji. */
const ALONE = new RegExp(`(${UNSPACED.source}|\\p{So})\\uFE0F?`, "u");
const EACH_ALONE = new RegExp(ALONE.source, "gu");
/** The longest run that is indexed as one word. */
const LONGEST_RUN = 4;
/**
 * How many runs are joined at once, since millions of short texts take much
 * memory.
 */
const RUNS_AT_ONCE = 10_000;
/** Members of a message that hold no text. */
const UNSAID = new Set(["role", "type", "id", "tool_call_id", "detail"]);
/** A text that embeds a file. */
const EMBEDDED = /^data:[\w.+-]+\/[\w.+-]+[;,]/;
const NOTHING: ReadonlySet<string> = new Set();

/** Collects the texts of a Log that are searched. */
export function searchTexts(
  log: Readonly<Record<string, unknown>>,
): SearchTexts {
  const { output, output_message: message, judgment } = log;
  const said = textOf(output) ?? textOf(message, UNSAID);
  const calls = isObject(message)
    ? textOf(message["tool_calls"], UNSAID)
    : null;
  const judged = typeof judgment === "boolean" ? null : textOf(judgment);
  const texts = {
    inputs: textOf(log["inputs"]),
    messages: textOf(log["messages"], UNSAID),
    output: joined([said, said === null || output ? calls : null, judged]),
    error: textOf(log["error"]),
    metadata: textOf(log["metadata"]),
  };
  const all = Object.values(texts).filter((text) => text !== null);
  if (!all.some((text) => ALONE.test(text))) {
    return { ...texts, words: null };
  }
  return {
    inputs: spaced(texts.inputs),
    messages: spaced(texts.messages),
    output: spaced(texts.output),
    error: spaced(texts.error),
    metadata: spaced(texts.metadata),
    words: all.map(runsOf).join(" ").trim() || null,
  };
}

function joined(texts: readonly (string | null)[]): string | null {
  const some = texts.filter((text) => text !== null);
  return some.length === 0
    ? null
    : some.length === 1
    ? some[0]!
    : some.join("\n");
}

/** Collects the texts within a value, at any depth. */
function textOf(
  value: unknown,
  unsaid: ReadonlySet<string> = NOTHING,
): string | null {
  if (value === null || value === undefined || value === "") return null;
  if (typeof value === "string") return EMBEDDED.test(value) ? null : value;
  if (typeof value !== "object") return String(value);
  const texts: string[] = [];
  const rest: unknown[] = [value];
  while (rest.length > 0) {
    const one = rest.pop();
    if (typeof one === "string") {
      if (!EMBEDDED.test(one)) texts.push(one);
    } else if (Array.isArray(one)) {
      for (let i = one.length - 1; i >= 0; i--) rest.push(one[i]);
    } else if (isObject(one)) {
      const members = Object.entries(one);
      for (let i = members.length - 1; i >= 0; i--) {
        const [name, member] = members[i]!;
        if (!unsaid.has(name)) rest.push(member);
      }
    } else if (typeof one === "number") texts.push(String(one));
  }
  return texts.length === 0 ? null : texts.join("\n");
}

function spaced(text: string | null): string | null {
  if (text === null) return null;
  return inSlices(text, (slice) => slice.replace(EACH_ALONE, " $1 "));
}

/** Collects the runs of two to four characters that stand together in a text. */
function runsOf(text: string): string {
  /** Runs, and texts of many runs that were joined already. */
  const joined: string[] = [];
  let runs: string[] = [];
  for (const [run] of text.matchAll(UNSPACED_RUN)) {
    const characters = [...run];
    for (let from = 0; from < characters.length; from++) {
      for (let length = 2; length <= LONGEST_RUN; length++) {
        if (from + length > characters.length) break;
        runs.push(characters.slice(from, from + length).join(""));
      }
      if (runs.length < RUNS_AT_ONCE) continue;
      joined.push(runs.join(" "));
      runs = [];
    }
  }
  return [...joined, ...runs].join(" ");
}

/**
 * Writes the query of `logs_fts` for what a person types: every word must be there,
 * `"…"` is a phrase, `begin*` a prefix.
 *
 * @returns The query; `null` if there is nothing to search for.
 */
export function searchQuery(typed: string): string | null {
  const terms = searchTerms(typed).map(({ text, isPrefix }) => {
    const words = `"${spaced(text)!.replaceAll('"', '""')}"`;
    return isPrefix ? `${words} *` : words;
  });
  return terms.length === 0 ? null : [...new Set(terms)].join(" AND ");
}

/** One thing that is searched for. */
interface SearchTerm {
  readonly text: string;
  readonly isPrefix: boolean;
}

/** Reads what a person searches for, word by word. */
function searchTerms(typed: string): readonly SearchTerm[] {
  // A NUL would end the query for SQLite.
  const matches = typed.replaceAll("\0", " ").matchAll(/"([^"]*)"?|[^\s"]+/g);
  return [...matches].map(([whole, phrase]) => {
    const isPrefix = phrase === undefined && /.\*$/.test(whole);
    return {
      text: phrase ?? (isPrefix ? whole.slice(0, -1) : whole),
      isPrefix,
    };
  }).filter(({ text }) => /[\p{L}\p{N}\p{M}\p{Co}\p{So}]/u.test(text));
}
