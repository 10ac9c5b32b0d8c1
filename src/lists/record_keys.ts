/** Fetches the keys of a few records of a list, to see whether it is still the same. */
import type { ListSpec } from "../api/list_spec.ts";
import type { Session } from "../api/session/session.ts";
import { releaseLarge } from "../core/text/bytes.ts";
import { isListRecoverable } from "../core/errors.ts";
import { fetchPage } from "./page.ts";
import { type PageAddress, pageAround, startOf } from "./page_address.ts";

/**
 * Fetches the keys of consecutive records in one page.
 *
 * @param from The offset of the first.
 * @param to The offset behind the last.
 * @returns A key for each, `null` for one that is not there; `null` instead of
 * all if one page cannot give them.
 * @throws {AuthError | NetworkError} When the run cannot go on.
 */
export async function fetchKeys<T>(
  session: Session,
  spec: ListSpec<T>,
  from: number,
  to: number,
): Promise<ReadonlyArray<string | null> | null> {
  const address = pageAround(from, to, spec.pageSize);
  if (address === null) return null;
  return await keysOf(session, spec, address, [from, to]);
}

/**
 * Fetches the keys of the records in a range of one page.
 *
 * @param attempts The most attempts; absent for as many as any request has.
 * @returns As {@linkcode fetchKeys} does.
 * @throws {AuthError | NetworkError} When the run cannot go on.
 */
export async function keysOf<T>(
  session: Session,
  spec: ListSpec<T>,
  address: PageAddress,
  [from, to]: readonly [from: number, to: number],
  attempts?: number,
): Promise<ReadonlyArray<string | null> | null> {
  try {
    const page = await fetchPage(session, spec, address, { attempts });
    releaseLarge(page.records.map(({ bytes }) => bytes));
    const isAll = address.page === 1 && page.total <= page.size;
    if (page.size !== address.size && !isAll) return null;
    return Array.from({ length: to - from }, (_, i) => {
      const record = page.records[from + i - startOf(address)];
      return record === undefined ? null : spec.key(record.info);
    });
  } catch (error) {
    if (!isListRecoverable(error)) throw error;
    return null;
  }
}
