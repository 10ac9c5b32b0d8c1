/**
 * Walks a list whose records become files of their own (Files, Evaluations): it
 * is read from its beginning every time, and what it lacks is told.
 */
import { openWalk } from "../api/open_walk.ts";
import type { ListSpec } from "../api/page.ts";
import type { RawRecord } from "../api/records.ts";
import { isSafeId } from "../tree/layout.ts";
import { type RunContext, unsafeId, type Where } from "./context.ts";

/** A list, and what to do with it. */
export interface SmallList<T> {
  readonly spec: ListSpec<T>;
  /** Takes a page's records whose ids are fit for a path, in order. */
  readonly take: (records: readonly RawRecord<T>[]) => void | Promise<void>;
  /** Hears what is missing. */
  readonly miss: (reason: string, where?: Where) => void;
}

/**
 * Walks a list.
 *
 * @returns Whether nothing was missing.
 * @throws {ApiError | NetworkError | ProtocolError} When it cannot be begun.
 */
export async function walkSmallList<T extends { readonly id: string }>(
  context: RunContext,
  { spec, take, miss }: SmallList<T>,
): Promise<boolean> {
  using walk = await openWalk(context.walk, spec, { skip: 0, recent: [] });
  let places = 0;
  let whole = true;
  const missing = (reason: string, where?: Where) => {
    whole = false;
    miss(reason, where);
  };
  for await (const event of walk) {
    if (event.kind === "gap") {
      const { offset, count, kept, reason } = event.gap;
      places += count - kept;
      missing(reason, { offset, missing: count - kept });
      continue;
    }
    places += event.records.length;
    for (const { info: { id } } of event.records) {
      if (!isSafeId(id)) missing(unsafeId(id));
    }
    await take(event.records.filter(({ info }) => isSafeId(info.id)));
  }
  const mismatch = walk.mismatch(places);
  if (mismatch !== null) missing(`${mismatch}; resume to read it again`);
  return whole;
}
