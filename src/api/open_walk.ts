/**
 * Begins a walk: fetches the first page that is wanted and finds out how the
 * server counts, since it may give fewer records a page than it is asked for.
 */
import { fetchPage, type ListSpec, usablePageSize } from "./page.ts";
import {
  FIRST_ESTIMATE_BYTES,
  Walk,
  type WalkContext,
  type WalkStart,
} from "./walk.ts";

/**
 * Begins a walk over a list.
 *
 * @param context What the walks of the run share.
 * @param spec The list.
 * @param start Where to begin.
 * @returns The walk, whose `total` is known.
 * @throws {ApiError | NetworkError | ProtocolError} When that page cannot be had.
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
  const fetchFirst = (size: number) => {
    observer.requestsExpected(1);
    return fetchPage(http, spec, { page: start.skip / size + 1, size });
  };
  try {
    let size = spec.pageSize;
    let page = await fetchFirst(size);
    const whole = start.skip === 0 && page.records.length === page.total;
    if (page.size !== size && !whole) {
      size = usablePageSize(page.size);
      page = start.skip === 0
        ? { ...page, records: page.records.slice(0, size) }
        : await fetchFirst(size);
    }
    lease.resize(page.bytes);
    const { total, bytes: pageBytes } = page;
    const walk = new Walk(context, spec, start, { total, size, pageBytes });
    walk.begin(page, lease);
    return walk;
  } catch (error) {
    lease.release();
    throw error;
  }
}
