/**
 * Decides which Files are exported: by type, id, path or shard. What the user
 * asked for is fixed by the first run, kept in `export.json` and used by every
 * resume.
 */
import { createHash } from "node:crypto";
import { UsageError } from "./errors.ts";
import { shellWord } from "./runtime/platform.ts";
import { nearest } from "./text/suggest.ts";

/** Which part of a workspace is exported. */
export interface Filters {
  /** Types of File; none for all. */
  readonly types: readonly string[];
  /** Ids of Files, or patterns of their paths; none for all. */
  readonly files: readonly string[];
  /** Only Logs created between these instants (ISO 8601, UTC). */
  readonly since: string | null;
  readonly until: string | null;
  /** Only Files of this shard; `null` for all. */
  readonly shard: Shard | null;
}

/** One of several parts of a workspace with about as many Files each. */
export interface Shard {
  /** From 1 to `of`. */
  readonly index: number;
  readonly of: number;
}

/** What filters look at in a File. */
export interface FilteredFile {
  readonly id: string;
  readonly type: string;
  readonly path: string | null;
}

/** Everything. */
export const NO_FILTERS: Filters = {
  types: [],
  files: [],
  since: null,
  until: null,
  shard: null,
};

/** The types of File that the API knows. */
export const FILE_TYPES = [
  ...["prompt", "tool", "dataset", "evaluator", "flow", "agent"],
];

/**
 * Makes the function that says whether a File is wanted.
 *
 * @param paths The paths of all Files of the workspace: a pattern matches in
 * any case, unless a path or Directory is spelled just like it.
 */
export function fileFilter(
  { types, files, shard }: Filters,
  paths: Iterable<string | null>,
): (file: FilteredFile) => boolean {
  const known = [...paths];
  const matchers = files.map((pattern) => pathMatcher(pattern, known));
  return ({ id, type, path }) => {
    if (types.length > 0 && !types.includes(type)) return false;
    if (shard !== null && !isInShard(shard, id)) return false;
    return files.length === 0 || files.includes(id) ||
      path !== null && matchers.some((matches) => matches(path));
  };
}

/** Checks whether a File is wanted, where no other path is known. */
export function wantsFile(filters: Filters, file: FilteredFile): boolean {
  return fileFilter(filters, [file.path])(file);
}

/**
 * Makes sure that filters match something in the workspace. An empty shard is no
 * mistake: there may be fewer Files than shards.
 *
 * @param listed All Files of the workspace.
 * @param lister The command that lists them.
 * @throws {UsageError} When a `--file` matches no File, or all filters together do.
 */
export function expectMatches(
  filters: Filters,
  listed: readonly FilteredFile[],
  lister = "plan",
): void {
  const paths = listed.map(({ path }) => path);
  const matches = (part: Partial<Filters>) =>
    listed.some(fileFilter({ ...NO_FILTERS, ...part }, paths));
  for (const file of filters.files) {
    if (matches({ files: [file] })) continue;
    const near = nearestPath(file, paths.filter((path) => path !== null));
    throw new UsageError(
      `no File matches --file ${shellWord(file, "linux")}${
        near === null
          ? `; ${lister} lists what there is`
          : `; did you mean ${near}?`
      }`,
    );
  }
  const { types, files } = filters;
  if (types.length + files.length > 0 && !matches({ types, files })) {
    const text = filtersText({ ...NO_FILTERS, types, files });
    throw new UsageError(`no File matches ${text}; leave a filter out`);
  }
}

/**
 * Finds the path of a File or Directory that was probably meant by a pattern
 * without a match.
 *
 * @param paths The paths of all Files.
 * @returns It, or `null` where none is near.
 */
export function nearestPath(
  pattern: string,
  paths: Iterable<string>,
): string | null {
  const { base } = patternParts(pattern);
  const known = new Set([...paths].flatMap(withParents));
  const whole = nearest(base, known);
  if (whole !== null) return whole;
  const byName = new Map(
    [...known].map((path) => [path.slice(path.lastIndexOf("/") + 1), path]),
  );
  const name = nearest(base.slice(base.lastIndexOf("/") + 1), byName.keys());
  return name === null ? null : byName.get(name)!;
}

/** Writes the filters as they would be typed; `null` where there are none. */
export function filtersText(filters: Filters): string | null {
  const { types, files, since, until, shard } = filters;
  const words = [
    ...types.map((type) => `--type ${type}`),
    ...files.map((file) => `--file ${shellWord(file, "linux")}`),
    ...since === null ? [] : [`--since ${since}`],
    ...until === null ? [] : [`--until ${until}`],
    ...shard === null ? [] : [`--shard ${shard.index}/${shard.of}`],
  ];
  return words.length === 0 ? null : words.join(" ");
}

/** Checks whether a File is in a shard, by nothing but its id. */
function isInShard({ index, of }: Shard, fileId: string): boolean {
  const sum = createHash("sha256").update(fileId).digest();
  return sum.readUInt32BE() % of === index - 1;
}

/** Lists a path and those of its Directories, the topmost first. */
function withParents(path: string): string[] {
  const names = path.split("/");
  return names.map((_, i) => names.slice(0, i + 1).join("/"));
}

/** Makes the function that says whether a path matches a pattern. */
function pathMatcher(
  pattern: string,
  paths: readonly (string | null)[],
): (path: string) => boolean {
  const source = sourceOf(pattern);
  const exact = new RegExp(source, "su");
  const anyCase = new RegExp(source, "siu");
  /** Paths and Directories as typed, by their lower case. */
  const asTyped = new Map<string, Set<string>>();
  for (const path of paths) {
    if (path === null || !exact.test(path)) continue;
    for (const one of withParents(path)) {
      const key = one.toLowerCase();
      asTyped.set(key, (asTyped.get(key) ?? new Set()).add(one));
    }
  }
  const isOther = (one: string) =>
    asTyped.get(one.toLowerCase())?.has(one) === false;
  return (path) =>
    exact.test(path) || anyCase.test(path) && !withParents(path).some(isOther);
}

/**
 * Splits a pattern. `Support`, `Support/` and `Support/**` are the same: what is
 * at that path or below it. Where the last name has a wildcard, as in
 * `Support/*`, only what is at such a path is meant.
 */
function patternParts(pattern: string): { base: string; below: boolean } {
  const bare = pattern.replace(/^\/+/, "");
  const base = bare.replace(/(^|\/)\*\*$|\/+$/, "");
  const below = base !== bare || !/[*?][^/]*$/.test(base);
  return { base, below };
}

/** Translates `*` within a name, `**` across Directories, `?` for a character. */
function sourceOf(pattern: string): string {
  const { base, below } = patternParts(pattern);
  const body = base.replace(/\*\*\/?|\*|\?|[.+^${}()|[\]\\]/g, (part) => {
    if (part === "**/") return "(?:.*/)?";
    if (part === "**") return ".*";
    if (part === "*") return "[^/]*";
    return part === "?" ? "[^/]" : `\\${part}`;
  });
  const tail = base === "" ? ".*" : below ? "(?:/.*)?" : "";
  return `^${body}${tail}$`;
}
