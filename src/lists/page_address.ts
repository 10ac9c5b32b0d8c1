/**
 * Which pages to ask for. A list is a row of places, from 0; the API gives pages
 * of any size, each beginning at a multiple of its size. Neighbouring pages are
 * chosen so that they share a record: if it stands at the same place in both,
 * nothing slipped through between them, however the list moved meanwhile.
 */

/** A page as it is asked for. */
export interface PageAddress {
  /** From 1. */
  readonly page: number;
  readonly size: number;
}

/** The first place of a page. */
export function startOf({ page, size }: PageAddress): number {
  return (page - 1) * size;
}

/** The place behind the last of a page. */
export function endOf({ page, size }: PageAddress): number {
  return page * size;
}

/**
 * The page that holds `place` and reaches farthest beyond it.
 *
 * @param place The first place that is wanted.
 * @param most The most records a page.
 * @param total How many records the list is said to have: a page that ends just
 * there would not show that it has more, so another is chosen where possible.
 * @returns One that also holds the place before, where there is one and `most`
 * allows it.
 */
export function pageFrom(
  place: number,
  most: number,
  total: number = Infinity,
): PageAddress {
  if (place === 0) return { page: 1, size: most };
  return reachingFarthest(place - 1, place, most, total) ??
    reachingFarthest(place, place, most, total) ??
    reachingFarthest(place, place, most)!;
}

/** A page that begins at or before `from` and ends farthest beyond `place`. */
function reachingFarthest(
  from: number,
  place: number,
  most: number,
  total = Infinity,
): PageAddress | null {
  let best: PageAddress | null = null;
  for (let size = most; size > most / 2; size--) {
    const address = { page: Math.floor(from / size) + 1, size };
    const end = endOf(address);
    if (end === total) continue;
    if (end > place && (best === null || end > endOf(best))) best = address;
  }
  return best;
}

/**
 * The smallest page that holds the places from `from` to before `to`.
 *
 * @param most The most records a page.
 * @param within Places that the page must not reach beyond.
 * @returns It, or `null` where there is none.
 */
export function pageAround(
  from: number,
  to: number,
  most: number,
  within: readonly [from: number, to: number] = [0, Infinity],
): PageAddress | null {
  for (let size = to - from; size <= most; size++) {
    const address = { page: Math.floor(from / size) + 1, size };
    const fits = endOf(address) >= to && startOf(address) >= within[0] &&
      endOf(address) <= within[1];
    if (fits) return address;
  }
  return null;
}

/**
 * Pages that hold just the places from `from` to before `to`: each holds a power
 * of two of them, so that it can be cut in two again and again.
 */
export function blocksOf(
  from: number,
  to: number,
  most: number,
): readonly PageAddress[] {
  const blocks: PageAddress[] = [];
  for (let at = from; at < to;) {
    let size = 1;
    while (size * 2 <= most && at % (size * 2) === 0 && at + size * 2 <= to) {
      size *= 2;
    }
    blocks.push({ page: at / size + 1, size });
    at += size;
  }
  return blocks;
}

/** The two halves of a block. */
export function halvesOf({ page, size }: PageAddress): readonly PageAddress[] {
  const half = size / 2;
  return [{ page: 2 * page - 1, size: half }, { page: 2 * page, size: half }];
}
