/**
 * One page of a list: what is asked for, and whether the answer is what it
 * claims to be. A page is trusted only when its number, its size and its count
 * of records agree with each other.
 */
import { CHUNK_RECORDS } from "../chunk_size.ts";
import { ApiError, isGap, ProtocolError } from "../errors.ts";
import { asObject, countField } from "./fields.ts";
import type { Http } from "./http.ts";
import { cutList, type RawRecord, type ReadInfo } from "./records.ts";

/** A list of the API that comes in pages. */
export interface ListSpec<T> {
  /** For people: `Logs of pr_1`. */
  readonly what: string;
  readonly path: string;
  readonly query: ReadonlyArray<readonly [string, string]>;
  /** Records to ask for a page; the server may give fewer. */
  readonly pageSize: number;
  /** Time for one try, in milliseconds. */
  readonly timeoutMs?: number;
  readonly read: ReadInfo<T>;
  /** What makes a record of this list unique. */
  readonly key: (info: T) => string;
}

/** A page as the server gave it. */
export interface Page<T> {
  readonly records: readonly RawRecord<T>[];
  /** How many records the list has, as this page says. */
  readonly total: number;
  /** Records a page, as the server counts them. */
  readonly size: number;
  readonly bytes: number;
}

/** Which page to fetch. */
interface PageRequest<T> {
  /** From 1. */
  readonly page: number;
  readonly size: number;
  /** Gets what came when a page holds fewer records than it promises. */
  readonly onShort?: (page: Page<T>) => void;
}

/**
 * Fetches one page.
 *
 * @param http The connection.
 * @param spec The list.
 * @param request Which page; its `onShort` hears of pages with too few records.
 * @returns A page that holds every record that its own total promises.
 * @throws {ApiError | NetworkError | ProtocolError} When the last try failed.
 */
function fetchPage<T>(
  http: Http,
  spec: ListSpec<T>,
  request: PageRequest<T>,
): Promise<Page<T>> {
  const { page, size } = request;
  return http.get({
    path: spec.path,
    query: [...spec.query, ["page", String(page)], ["size", String(size)]],
    what: `page ${page} of the ${spec.what}`,
    ...(spec.timeoutMs === undefined ? {} : { timeoutMs: spec.timeoutMs }),
    read: (body) => {
      const answer = readPage(body, spec, page, size);
      const before = (page - 1) * answer.size;
      const promised = Math.min(answer.total - before, answer.size);
      if (answer.records.length < promised) {
        if (answer.size === size) request.onShort?.(answer);
        throw new ProtocolError(
          `the page holds ${answer.records.length} records where ${promised} belong`,
        );
      }
      return answer;
    },
  });
}

/** What came of asking for a page: all of it, a part with a failure, or a failure. */
export interface Fetched<T> {
  readonly page: Page<T> | undefined;
  readonly failure: Error | undefined;
}

/**
 * Fetches one page; a failure of this page is part of what comes back.
 *
 * @throws {AuthError} When the API refuses the key.
 * @throws The signal's reason when the run ends.
 */
export async function fetchPageOrFailure<T>(
  http: Http,
  spec: ListSpec<T>,
  request: { readonly page: number; readonly size: number },
): Promise<Fetched<T>> {
  let fullest: Page<T> | undefined;
  const onShort = (short: Page<T>) => {
    const most = fullest?.records.length ?? 0;
    if (short.records.length > most) fullest = short;
  };
  try {
    const page = await fetchPage(http, spec, { ...request, onShort });
    return { page, failure: undefined };
  } catch (error) {
    if (!isGap(error)) throw error;
    return { page: fullest, failure: error };
  }
}

/**
 * Whether a failure may be of one page alone, so that the next may be had.
 *
 * @param failure What the last try for a page met.
 */
export function isSpecific(failure: Error | undefined): boolean {
  return failure instanceof ProtocolError ||
    (failure instanceof ApiError && failure.retryable);
}

/**
 * The page size to go on with where the server gives `size` records a page: the
 * largest that it gives and that divides a chunk, so that no page lies across
 * two chunks.
 */
export function usablePageSize(size: number): number {
  for (let usable = Math.min(size, CHUNK_RECORDS); usable > 1; usable--) {
    if (CHUNK_RECORDS % usable === 0) return usable;
  }
  return 1;
}

function readPage<T>(
  body: Uint8Array,
  spec: ListSpec<T>,
  page: number,
  requestedSize: number,
): Page<T> {
  const { records, envelope } = cutList(body, "records", spec.read);
  const fields = asObject(envelope, "the answer");
  const total = countField(fields, "total");
  const number = fields["page"] ?? page;
  const size = fields["size"] ?? requestedSize;
  if (number !== page) {
    throw new ProtocolError(`the answer is page ${shown(number)}, not ${page}`);
  }
  if (!Number.isSafeInteger(size) || Number(size) < 1) {
    throw new ProtocolError(`"size" of the answer is ${shown(size)}`);
  }
  if (records.length > Number(size)) {
    throw new ProtocolError(
      `the page holds ${records.length} records and says that it holds at most ${size}`,
    );
  }
  return { records, total, size: Number(size), bytes: body.length };
}

function shown(value: unknown): string {
  return (JSON.stringify(value) ?? "absent").slice(0, 40);
}
