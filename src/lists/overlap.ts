/**
 * Pieces of a list that were asked for one by one, and whether they are of the
 * same list: it may have moved between them.
 */
import { isListRecoverable } from "../core/errors.ts";
import type { Session } from "../api/session.ts";
import { fetchPage } from "./page.ts";
import type { ListSpec } from "../api/list_spec.ts";
import { pageAround, startOf } from "./page_address.ts";
import type { RawRecord } from "../api/records.ts";

/** A run of places: their records, or why they cannot be had. */
export type Piece<T> =
  | {
    readonly kind: "records";
    readonly from: number;
    readonly records: readonly RawRecord<T>[];
    /** How many records the list has, as this answer says. */
    readonly total: number;
  }
  | {
    readonly kind: "gap";
    readonly from: number;
    readonly to: number;
    readonly failure: Error;
    /** Whether the API answered that the list has no such places. */
    readonly isEnd?: true;
  };

/**
 * How many single records of a list failed one after the other. Where that goes
 * on, the list fails and not a record, and cutting would only ask more of a
 * server in trouble.
 */
export interface Cuts {
  failed: number;
}

/** What asking for places needs. */
export interface Asking<T> {
  readonly session: Session;
  readonly spec: ListSpec<T>;
  readonly cuts: Cuts;
}

/**
 * Whether pieces of different moments are of the same list: where two meet, both
 * records are asked for again in one page.
 */
export async function fitTogether<T>(
  { session, spec }: Asking<T>,
  pieces: readonly Piece<T>[],
): Promise<boolean> {
  let cleanFrom = pieces[0]?.from ?? 0;
  for (const [i, piece] of pieces.entries()) {
    const before = pieces[i - 1];
    if (piece.kind === "gap") cleanFrom = piece.to;
    if (piece.kind === "gap" || before?.kind !== "records") continue;
    const gap = pieces.slice(i).find(({ kind }) => kind === "gap");
    const last = pieces.at(-1)!;
    const end = gap?.from ??
      (last.kind === "gap" ? last.to : last.from + last.records.length);
    const seam = piece.from;
    const within = [cleanFrom, end] as const;
    const address = pageAround(seam - 1, seam + 1, spec.pageSize, within);
    const pair = [before.records.at(-1), piece.records[0]];
    if (address === null || pair.includes(undefined)) continue;
    const page = await fetchPage(session, spec, address).catch((error) => {
      if (!isListRecoverable(error)) throw error;
      return null;
    });
    if (page === null) return false;
    if (page.size !== address.size) continue;
    const at = seam - startOf(address);
    const keys = [page.records[at - 1], page.records[at]]
      .map((record) => record && spec.key(record.info));
    if (pair.some((record, i) => spec.key(record!.info) !== keys[i])) {
      return false;
    }
  }
  return true;
}
