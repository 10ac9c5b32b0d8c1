/**
 * Which part of a workspace an export is of: Files by type, id, path or shard,
 * Logs by time. Fixed by the first run, kept in `export.json`, used again by every resume.
 */
import { createHash } from "node:crypto";
import { UsageError } from "./errors.ts";
import { shellWord } from "./platform.ts";
import { didYouMean } from "./suggest.ts";

/** Which part of a workspace an export is of. */
export interface Filters {
  /** Types of File; none for all. */
  readonly types: readonly string[];
  /** Ids of Files, or globs of their paths; none for all. */
  readonly files: readonly string[];
  /** Only Logs created between these instants (ISO 8601, UTC). */
  readonly since: string | null;
  readonly until: string | null;
  /** Only Files of this part of a division of all Files; `null` for all. */
  readonly shard: Shard | null;
}

/** One of several parts of about the same number of Files. */
export interface Shard {
  /** From 1 to `of`. */
  readonly index: number;
  readonly of: number;
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
const DAY_MS = 86_400_000;

/** What was said on the command line. */
export interface FilterWords {
  readonly types?: readonly string[];
  readonly files?: readonly string[];
  readonly since?: string;
  readonly until?: string;
  readonly shard?: string;
}

/**
 * Reads filters.
 *
 * @param nowMs The present, for times such as `30d`.
 * @returns Them, or `null` when nothing was said.
 * @throws {UsageError} When a type or a time is none.
 */
export function readFilters(words: FilterWords, nowMs: number): Filters | null {
  const { types = [], files = [] } = words;
  for (const type of types) {
    if (FILE_TYPES.includes(type)) continue;
    throw new UsageError(
      `--type must be one of ${FILE_TYPES.join(", ")}, not ${type}${
        didYouMean(type, FILE_TYPES)
      }`,
    );
  }
  const since = instantOf(words.since, "since", nowMs);
  const until = instantOf(words.until, "until", nowMs);
  if (since !== null && until !== null && since >= until) {
    throw new UsageError(`--since ${since} is not before --until ${until}`);
  }
  const filters = {
    types: types.toSorted(),
    files: files.toSorted(),
    since,
    until,
    shard: shardOf(words.shard),
  };
  return filtersText(filters) === null ? null : filters;
}

/**
 * An instant: a date (its beginning, UTC), a date and time (UTC unless it says
 * otherwise), or so many days ago, such as `30d`.
 */
function instantOf(
  text: string | undefined,
  name: string,
  nowMs: number,
): string | null {
  if (text === undefined) return null;
  const [, days] = /^(\d{1,5})d$/.exec(text) ?? [];
  const isDate = /^\d{4}-\d{2}-\d{2}$/.test(text);
  const isTime = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}/.test(text);
  const hasZone = /(Z|[+-]\d{2}:?\d{2})$/.test(text);
  const ms = days !== undefined
    ? nowMs - Number(days) * DAY_MS
    : isDate || isTime
    ? Date.parse(isTime && !hasZone ? `${text}Z` : text)
    : NaN;
  if (!Number.isNaN(ms)) return new Date(ms).toISOString();
  throw new UsageError(
    `--${name} must be a date such as 2025-01-31, a date and time such as 2025-01-31T08:00Z, or days ago such as 30d, not ${text}`,
  );
}

/** Reads `2/5`. */
function shardOf(text: string | undefined): Shard | null {
  if (text === undefined) return null;
  const [, first, second] = /^(\d{1,4})\/(\d{1,4})$/.exec(text) ?? [];
  const [index, of] = [Number(first), Number(second)];
  if (index >= 1 && index <= of) return { index, of };
  throw new UsageError(
    `--shard must be one of several parts, such as 2/5 for the second of five, not ${text}`,
  );
}

/** Whether a File is of a part: always of the same, whatever else there is. */
function isOf({ index, of }: Shard, fileId: string): boolean {
  const sum = createHash("sha256").update(fileId).digest();
  return sum.readUInt32BE() % of === index - 1;
}

/** Whether a File is wanted. */
export function wantsFile(
  { types, files, shard }: Filters,
  file: {
    readonly id: string;
    readonly type: string;
    readonly path: string | null;
  },
): boolean {
  if (types.length > 0 && !types.includes(file.type)) return false;
  if (shard !== null && !isOf(shard, file.id)) return false;
  return files.length === 0 ||
    files.some((one) =>
      one === file.id || file.path !== null && globOf(one).test(file.path)
    );
}

/** `*` within a name, `**` across Directories, `?` for one character. */
function globOf(glob: string): RegExp {
  const bare = glob.replace(/^\/+/, "");
  const pattern = bare.replace(
    /\*\*\/?|\*|\?|[.+^${}()|[\]\\]/g,
    (part) => {
      if (part === "**/") return "(?:.*/)?";
      if (part === "**") return ".*";
      if (part === "*") return "[^/]*";
      return part === "?" ? "[^/]" : `\\${part}`;
    },
  );
  return new RegExp(`^${pattern}$`, "su");
}

/** The filters as they would be typed; `null` where there are none. */
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

/**
 * The filters of a resume: those of the first run.
 *
 * @throws {UsageError} When others are asked for.
 */
export function resumedFilters(
  kept: Filters,
  now: Filters | null,
): Filters {
  if (now === null || filtersText(now) === filtersText(kept)) return kept;
  throw new UsageError(
    `this export is of ${filtersText(kept) ?? "everything"}, not of ${
      filtersText(now)
    }; leave the filters out, or start a new export without --resume`,
  );
}
