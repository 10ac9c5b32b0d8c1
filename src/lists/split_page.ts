/**
 * What stands at a page's places. A page that cannot be had is cut in two, down
 * to single records, so that one record that the server cannot serve costs one
 * place and not a hundred.
 */
import { ApiError, isListRecoverable, ProtocolError } from "../core/errors.ts";
import { fetchPage, type Page } from "./page.ts";
import {
  blocksOf,
  endOf,
  halvesOf,
  type PageAddress,
  pageAround,
  startOf,
} from "./page_address.ts";
import { type Asking, fitTogether, type Piece } from "./overlap.ts";

/** Places in pieces. */
export interface Cut<T> {
  readonly pieces: readonly Piece<T>[];
  /** Whether pieces that were asked for one by one do not fit together. */
  readonly torn: boolean;
}

/** What came of asking for a page. */
export type Fetched<T> =
  | Cut<T> & { readonly kind: "pieces"; readonly bytes: number }
  /** The server counts pages of another size than was asked for. */
  | { readonly kind: "resized"; readonly page: Page<T> };

const MOST_FAILED = 10;

/**
 * Fetches one page, in pieces if need be.
 *
 * @param asking The list.
 * @param address Which page.
 * @param from The first place that is wanted of it.
 * @param total How many records the list has, as far as known.
 * @throws {AuthError} When the API refuses the key.
 * @throws {NetworkError} When the API does not answer at all any more.
 * @throws The signal's reason when the run ends.
 */
export async function fetchPlaces<T>(
  asking: Asking<T>,
  address: PageAddress,
  from: number,
  total: number,
): Promise<Fetched<T>> {
  const { session, spec, cuts } = asking;
  try {
    const page = await fetchPage(session, spec, address);
    const isAll = address.page === 1 && page.total <= page.size;
    if (page.size !== address.size && !isAll) return { kind: "resized", page };
    cuts.failed = 0;
    const pieces = [pieceOf(page, address)];
    return { kind: "pieces", pieces, bytes: page.bytes, torn: false };
  } catch (failure) {
    if (!isListRecoverable(failure)) throw failure;
    // One place past the end, to see that it is the end.
    const to = Math.min(endOf(address), Math.max(total, from) + 1);
    const cut = isSplittable(failure) && to - from > 1
      ? await fetchBlocks(asking, from, to, to - from - 1, failure)
      : { pieces: [{ kind: "gap", from, to, failure } as const], torn: false };
    return { kind: "pieces", bytes: 0, ...cut };
  }
}

/**
 * Fetches just some places: in one page if that can be, so that all are of the
 * same moment.
 *
 * @returns Pieces that hold each of these places once, in order, and maybe others.
 * @throws As {@linkcode fetchPlaces}.
 */
export async function fetchAround<T>(
  asking: Asking<T>,
  from: number,
  to: number,
  total: number,
): Promise<Cut<T>> {
  const { pageSize } = asking.spec;
  const address = pageAround(from, to, pageSize);
  if (address !== null) {
    const end = Math.min(total, to);
    const fetched = await fetchPlaces(asking, address, from, end);
    if (fetched.kind === "pieces") return fetched;
  }
  return await fetchBlocks(asking, from, to, pageSize);
}

async function fetchBlocks<T>(
  asking: Asking<T>,
  from: number,
  to: number,
  most: number,
  failure?: Error,
): Promise<Cut<T>> {
  const pieces: Piece<T>[] = [];
  for (const block of blocksOf(from, to, most)) {
    pieces.push(...await fetchBlock(asking, block, failure));
  }
  const torn = !await fitTogether(asking, pieces);
  return { pieces: joinGaps(pieces), torn };
}

async function fetchBlock<T>(
  asking: Asking<T>,
  block: PageAddress,
  before: Error | undefined,
): Promise<readonly Piece<T>[]> {
  const { session, spec, cuts } = asking;
  const gap = (failure: Error) =>
    ({
      kind: "gap",
      from: startOf(block),
      to: endOf(block),
      failure,
    }) as const;
  if (before !== undefined && cuts.failed >= MOST_FAILED) return [gap(before)];
  try {
    const page = await fetchPage(session, spec, block);
    if (page.size !== block.size) {
      throw new ProtocolError(
        `the server gives ${page.size} records a page where ${block.size} are asked for`,
      );
    }
    cuts.failed = 0;
    const piece = pieceOf(page, block);
    const missing = startOf(block) + page.records.length;
    if (missing >= endOf(block)) return [piece];
    const end = new ProtocolError(
      `the list ends at ${page.total} records, where more were promised`,
    );
    return [piece, { ...gap(end), from: missing, isEnd: true }];
  } catch (failure) {
    if (!isListRecoverable(failure)) throw failure;
    if (block.size === 1) cuts.failed++;
    if (block.size === 1 || !isSplittable(failure)) return [gap(failure)];
    const pieces: Piece<T>[] = [];
    for (const half of halvesOf(block)) {
      pieces.push(...await fetchBlock(asking, half, failure));
    }
    return pieces;
  }
}

/** Gaps that follow on each other are one. */
function joinGaps<T>(pieces: readonly Piece<T>[]): readonly Piece<T>[] {
  const joined: Piece<T>[] = [];
  for (const piece of pieces) {
    const last = joined.at(-1);
    const isBoth = piece.kind === "gap" && last?.kind === "gap";
    if (isBoth && piece.isEnd === last.isEnd) {
      joined[joined.length - 1] = { ...last, to: piece.to };
    } else joined.push(piece);
  }
  return joined;
}

function pieceOf<T>(page: Page<T>, address: PageAddress): Piece<T> {
  const { records, total } = page;
  return { kind: "records", from: startOf(address), records, total };
}

/** Whether a failure may be of some of the records only. */
export function isSplittable(failure: Error): boolean {
  return !(failure instanceof ApiError) || failure.retryable;
}
