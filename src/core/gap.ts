/**
 * Describes what is missing from an export: one type from the failed request to
 * the summary.
 */

/** Something that is missing, and why. */
export interface Gap {
  /** `null` where it concerns the whole export. */
  readonly fileId: string | null;
  /** Which part: `versions`, `logs`, `evaluations/evr_1/stats.json`. */
  readonly part: string;
  readonly reason: string;
  /** Index of the first missing record in its list, from 0. */
  readonly offset?: number;
  /** How many records are missing, where that is known. */
  readonly missing?: number;
}

/** Records of a list that are missing. */
export interface RecordGap extends Gap {
  readonly offset: number;
  readonly missing: number;
}

/**
 * Writes a gap in words: the File, the part, which records, why.
 *
 * @param paths The paths of Files by their ids; a File without one is named by its id.
 */
export function gapText(
  { fileId, part, offset, missing, reason }: Gap,
  paths?: ReadonlyMap<string, string>,
): string {
  const label = fileId === null
    ? part
    : `${paths?.get(fileId) ?? fileId} ${part}`;
  const records = `${missing} record${missing === 1 ? "" : "s"}`;
  const which = missing === undefined
    ? ""
    : offset === undefined
    ? ` (${records})`
    : ` (${records} from number ${offset + 1})`;
  return `${label}${which}: ${reason}`;
}

/**
 * Describes what could not be listed: the gaps of an export that belong to no
 * File.
 */
export function unlistedTexts(
  name: string,
  gaps: readonly Gap[],
): readonly string[] {
  return joinGaps(gaps).filter(({ fileId }) => fileId === null)
    .map((gap) => `${name} lacks ${gapText(gap)}`);
}

/**
 * Joins gaps of one list that follow each other for the same reason, so that a
 * person reads one line for them.
 */
export function joinGaps<G extends Gap>(gaps: readonly G[]): readonly G[] {
  const joined: G[] = [];
  for (const gap of gaps) {
    const last = joined.at(-1);
    const { offset, missing } = last ?? {};
    const follows = last !== undefined && offset !== undefined &&
      missing !== undefined && gap.missing !== undefined &&
      gap.offset === offset + missing && gap.fileId === last.fileId &&
      gap.part === last.part && gap.reason === last.reason;
    if (!follows) joined.push(gap);
    else {joined[joined.length - 1] = {
        ...last,
        missing: missing + gap.missing,
      };}
  }
  return joined;
}
