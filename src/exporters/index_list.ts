/**
 * Walks a list whose records become files of their own (Files, Evaluations): it
 * is read from its beginning every time, again when it changes meanwhile, and
 * what it lacks is told.
 */
import type { ListSpec } from "../api/list_spec.ts";
import type { RawRecord } from "../api/records.ts";
import { openWalk } from "../lists/list_reader.ts";
import type { EmptyPlaces } from "../core/gap.ts";
import { isSafeId } from "../tree/layout.ts";
import { type RunContext, unsafeId, type Where } from "./context.ts";

/** How often a list is read before it is given up. */
export const MAX_WALKS = 3;

/** A list, and what to do with it. */
export interface IndexList<T> {
  readonly spec: ListSpec<T>;
  /** Takes records whose ids are fit for a path, in order, each once. */
  readonly take: (records: readonly RawRecord<T>[]) => void | Promise<void>;
  /** Hears what is missing. */
  readonly addGap: (reason: string, where?: Where) => void;
}

/**
 * Walks a list, again when it changes meanwhile, up to three times.
 *
 * @returns Whether nothing was missing.
 * @throws {ApiError | NetworkError | ProtocolError} When it cannot be begun.
 */
export async function readIndexList<T extends { readonly id: string }>(
  context: RunContext,
  { spec, take, addGap }: IndexList<T>,
): Promise<boolean> {
  const seen = new Set<string>();
  for (let walks = 1;; walks++) {
    const { gaps, mismatch } = await walkOnce(
      context,
      spec,
      async (records) => {
        const fresh = records.filter(({ info: { id } }) => !seen.has(id));
        for (const { info: { id } } of fresh) seen.add(id);
        await take(fresh.filter(({ info: { id } }) => isSafeId(id)));
      },
    );
    if (mismatch !== null && walks < MAX_WALKS) {
      context.observer.log(
        "WARN",
        `reading the ${spec.label} again: ${mismatch}`,
      );
      continue;
    }
    const unsafe = [...seen].filter((id) => !isSafeId(id));
    for (const id of unsafe) addGap(unsafeId(id));
    for (const { offset, count, reason } of gaps) {
      addGap(reason, { offset, missing: count });
    }
    if (mismatch !== null) addGap(`${mismatch}; resume to read it again`);
    return unsafe.length + gaps.length === 0 && mismatch === null;
  }
}

async function walkOnce<T>(
  context: RunContext,
  spec: ListSpec<T>,
  take: (records: readonly RawRecord<T>[]) => Promise<void>,
): Promise<{ gaps: readonly EmptyPlaces[]; mismatch: string | null }> {
  using walk = await openWalk(context.walk, spec);
  const gaps: EmptyPlaces[] = [];
  let places = 0;
  for await (const event of walk) {
    if (event.kind === "records") {
      places += event.records.length;
      await take(event.records);
    } else if (event.kind === "gap") {
      places += event.gap.count;
      gaps.push(event.gap);
    }
  }
  return { gaps, mismatch: walk.mismatch(places) };
}
