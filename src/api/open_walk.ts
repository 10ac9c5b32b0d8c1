/**
 * Begins a walk: fetches the first page that is wanted and finds out how the
 * server counts, since it may give fewer records a page than it is asked for.
 */
import {
  type Fetched,
  fetchPageOrFailure,
  isSpecific,
  type ListSpec,
  type Page,
  usablePageSize,
} from "./page.ts";
import { Walk } from "./walk.ts";
import {
  FIRST_ESTIMATE_BYTES,
  type WalkContext,
  type WalkStart,
} from "./walk_types.ts";

/**
 * Begins a walk over a list.
 *
 * @param context What the walks of the run share.
 * @param spec The list.
 * @param start Where to begin.
 * @returns The walk, whose `total` is known.
 * @throws {ApiError | NetworkError | ProtocolError} When neither that page nor the
 * next can be had.
 */
export async function openWalk<T>(
  context: WalkContext,
  spec: ListSpec<T>,
  start: WalkStart,
): Promise<Walk<T>> {
  const { http, budget, signal, observer } = context;
  if (start.expected !== undefined) {
    const walk = new Walk(context, spec, start, start.expected);
    try {
      await walk.beginExpecting();
      return walk;
    } catch (error) {
      walk[Symbol.dispose]();
      throw error;
    }
  }
  const lease = await budget.take(FIRST_ESTIMATE_BYTES, signal);
  const number = (size: number) => start.skip / size + 1;
  const fetchAt = (page: number, size: number) => {
    observer.requestsExpected(1);
    return fetchPageOrFailure(http, spec, { page, size });
  };
  try {
    let size = spec.pageSize;
    let first = await fetchAt(number(size), size);
    let { page } = first;
    if (page === undefined) {
      // The page behind tells the total too, and what it lacks is one gap.
      if (!isSpecific(first.failure)) throw first.failure;
      ({ page } = await fetchAt(number(size) + 1, size));
      const tells = page !== undefined && page.total > start.skip;
      if (page === undefined || !tells) throw first.failure;
    }
    const whole = start.skip === 0 && page.records.length === page.total;
    if (page.size !== size && !whole) {
      size = usablePageSize(page.size);
      first = start.skip === 0 && first.failure === undefined
        ? cutShort(page, size)
        : await fetchAt(number(size), size);
    }
    const { total, bytes: pageBytes } = page;
    lease.resize(pageBytes);
    const walk = new Walk(context, spec, start, { total, size, pageBytes });
    walk.begin(first, lease);
    return walk;
  } catch (error) {
    lease.release();
    throw error;
  }
}

/** The first page of a list, as it is where a page holds fewer records. */
function cutShort<T>(page: Page<T>, size: number): Fetched<T> {
  const records = page.records.slice(0, size);
  return { page: { ...page, records }, failure: undefined };
}
