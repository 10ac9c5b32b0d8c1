/** Reads the filters of an export from the command line. */
import { UsageError } from "../../core/errors.ts";
import { type Filters, filtersText, type Shard } from "../../core/filters.ts";
import { instantMs } from "../../core/instant.ts";
import type { Flags } from "./options.ts";

const UNIT_MS: Readonly<Record<string, number>> = {
  h: 3_600_000,
  d: 86_400_000,
  w: 7 * 86_400_000,
};

/**
 * Reads filters.
 *
 * @param nowMs The present, for times such as `30d`.
 * @returns The filters, or `null` when none were given.
 * @throws {UsageError} When a value cannot be used.
 */
export function readFilters(
  flags: Pick<Flags, "type" | "file" | "since" | "until" | "shard">,
  nowMs: number,
): Filters | null {
  const { type: types = [], file: files = [] } = flags;
  const since = readTime(flags.since, "--since", nowMs);
  const until = readTime(flags.until, "--until", nowMs);
  if (since !== null && until !== null && since >= until) {
    throw new UsageError(`--since ${since} is not before --until ${until}`);
  }
  const filters = {
    types: types.toSorted(),
    files: files.toSorted(),
    since,
    until,
    shard: readShard(flags.shard),
  };
  return filtersText(filters) === null ? null : filters;
}

/**
 * Chooses the filters of a resume: those of the first run.
 *
 * @throws {UsageError} When the user gave others.
 */
export function resumedFilters(kept: Filters, now: Filters | null): Filters {
  if (now === null || filtersText(now) === filtersText(kept)) return kept;
  throw new UsageError(
    `this export was started with ${
      filtersText(kept) ?? "no filters"
    }, not with ${
      filtersText(now)
    }; leave the filters out, or start a new export without --resume`,
  );
}

/**
 * Reads an instant: a date (its beginning, UTC), a date and time (UTC unless it
 * has a zone), or so many hours, days or weeks ago.
 */
function readTime(
  text: string | undefined,
  flag: string,
  nowMs: number,
): string | null {
  if (text === undefined) return null;
  const [, number, unit = ""] = /^(\d{1,5})([hdw])$/.exec(text) ?? [];
  const ms = number === undefined
    ? parseTime(text)
    : nowMs - Number(number) * UNIT_MS[unit]!;
  if (!Number.isNaN(ms)) return new Date(ms).toISOString();
  throw new UsageError(
    `${flag} must be a date such as 2025-01-31, a date and time such as 2025-01-31T08:00Z, or a time ago such as 24h, 30d or 2w, not ${text}`,
  );
}

/** Reads a date, or a date and time, in milliseconds since 1970; else `NaN`. */
function parseTime(text: string): number {
  const [, date = "", time] = /^(\d{4}-\d{2}-\d{2})(T\d{2}:\d{2}.*)?$/
    .exec(text) ?? [];
  // `Date` takes 2025-02-30 for the second of March.
  const day = Date.parse(date);
  const isDay = !Number.isNaN(day) &&
    new Date(day).toISOString().startsWith(date);
  if (!isDay) return NaN;
  return time === undefined ? day : instantMs(text);
}

function readShard(text: string | undefined): Shard | null {
  if (text === undefined) return null;
  const [, first, second] = /^(\d{1,4})\/(\d{1,4})$/.exec(text) ?? [];
  const [index, of] = [Number(first), Number(second)];
  if (index >= 1 && index <= of) return { index, of };
  throw new UsageError(
    `--shard must be a part of all Files, such as 2/5 for the second of five, not ${text}`,
  );
}
