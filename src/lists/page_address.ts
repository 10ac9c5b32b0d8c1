/**
 * Chooses which pages to request. The API has pages of any size, each beginning
 * at a multiple of its size. Consecutive pages are chosen so that they share a
 * record: if both hold the same one at the same offset, nothing was inserted or
 * removed before it between the two responses.
 */

/** A page as it is requested. */
export interface PageAddress {
  /** From 1. */
  readonly page: number;
  readonly size: number;
}

/** Returns the offset of a page's first record. */
export function startOf({ page, size }: PageAddress): number {
  return (page - 1) * size;
}

/** Returns the offset behind a page's last record. */
export function endOf({ page, size }: PageAddress): number {
  return page * size;
}

/** Bounds for {@linkcode pageFrom}. */
export interface PageBounds {
  /**
   * How many records the list should have: a page that ends just there would
   * not show that there are no more, so another is chosen where possible.
   */
  readonly total?: number;
  /** The page must not begin before this offset. */
  readonly notBefore?: number;
}

/**
 * Finds the page that holds the record at `offset` and reaches farthest beyond
 * it.
 *
 * @param offset The first record that is wanted.
 * @param most The most records a page.
 * @returns One that also holds the record before, where there is one and the
 * bounds allow it.
 */
export function pageFrom(
  offset: number,
  most: number,
  { total = Infinity, notBefore = 0 }: PageBounds = {},
): PageAddress {
  const bounds = { total, notBefore };
  const overlapping = offset > notBefore
    ? farthestPage(offset - 1, offset, most, bounds)
    : null;
  return overlapping ?? farthestPage(offset, offset, most, bounds) ??
    farthestPage(offset, offset, most, { total: Infinity, notBefore })!;
}

/** Finds the page that begins at or before `from` and ends farthest beyond `offset`. */
function farthestPage(
  from: number,
  offset: number,
  most: number,
  { total, notBefore }: Required<PageBounds>,
): PageAddress | null {
  let best: PageAddress | null = null;
  const least = notBefore === 0 ? most / 2 : 0;
  for (let size = most; size > least; size--) {
    const address = { page: Math.floor(from / size) + 1, size };
    const end = endOf(address);
    if (end === total || startOf(address) < notBefore) continue;
    if (end > offset && (best === null || end > endOf(best))) best = address;
  }
  return best;
}

/**
 * Finds the smallest page that holds the records from `from` to before `to`.
 *
 * @param most The most records a page.
 * @param within Offsets that the page must not reach beyond.
 * @returns The page, or `null` if there is none.
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
