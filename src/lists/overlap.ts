/**
 * Checks whether records of different responses are of the same list: it may
 * have changed between them. Where two batches share a record, it must be the
 * same; where they only meet, the two records are requested once more in one
 * page.
 */
import type { ListSpec } from "../api/list_spec.ts";
import type { RawRecord } from "../api/records.ts";
import type { Session } from "../api/session.ts";
import { isListRecoverable } from "../core/errors.ts";
import { fetchPage } from "./page.ts";
import { pageAround, startOf } from "./page_address.ts";

/** Records at consecutive offsets, as one response gave them. */
export interface Records<T> {
  readonly offset: number;
  readonly records: readonly RawRecord<T>[];
}

/**
 * Checks whether records that follow on each other are of the same list.
 *
 * @param runs Batches of records, in order; those that do not meet are not compared.
 */
export async function doOverlap<T>(
  session: Session,
  spec: ListSpec<T>,
  runs: ReadonlyArray<Records<T>>,
): Promise<boolean> {
  for (const [i, after] of runs.entries()) {
    const before = runs[i - 1];
    if (before === undefined || endOf(before) !== after.offset) continue;
    if (!await meets(session, spec, before, after)) return false;
  }
  return true;
}

/** Returns the offset behind the last of these records. */
export function endOf(
  { offset, records }: Records<unknown>,
): number {
  return offset + records.length;
}

/** Asks again for the last record of one batch and the first of the next, in one page. */
async function meets<T>(
  session: Session,
  spec: ListSpec<T>,
  before: Records<T>,
  after: Records<T>,
): Promise<boolean> {
  const { offset } = after;
  const within = [before.offset, endOf(after)] as const;
  const address = pageAround(offset - 1, offset + 1, spec.pageSize, within);
  if (address === null) return true;
  try {
    const page = await fetchPage(session, spec, address, { attempts: 1 });
    if (page.size !== address.size) return true;
    const index = offset - startOf(address);
    const keyOf = (record: RawRecord<T> | undefined) =>
      record && spec.key(record.info);
    return keyOf(page.records[index - 1]) === keyOf(before.records.at(-1)) &&
      keyOf(page.records[index]) === keyOf(after.records[0]);
  } catch (error) {
    if (!isListRecoverable(error)) throw error;
    return false;
  }
}
