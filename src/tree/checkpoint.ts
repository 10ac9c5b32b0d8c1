/**
 * Keeps `.state.json` in the directory of a File that is not complete: what the
 * chunks of each list do not show. Its size does not depend on the number of
 * records. A failure of the disk throws a `StorageError`.
 */
import type { RecordGap } from "../core/gap.ts";
import { isObject } from "../core/text/json.ts";
import type { TimeWindow } from "../core/ranges.ts";
import type { Disk } from "../core/runtime/runtime.ts";
import { readFile } from "./write/atomic_file.ts";
import {
  arrayOf,
  isCount,
  isText,
  objectOf,
  optional,
  parseJson,
  writeJson,
} from "./json_file.ts";
import type { FileLayout, ListName } from "./layout.ts";

/** What is kept of one list of records. */
export interface ListCheckpoint {
  /** How many records the list had when its reading began. */
  readonly total: number;
  /** Whether its end was reached. */
  readonly finished: boolean;
  readonly gaps: readonly RecordGap[];
  /** The cut-off (ISO 8601) of version 0.1.0, which kept no windows. */
  readonly until?: string;
  /** The time windows of the frozen part; absent if nothing is frozen. */
  readonly windows?: readonly TimeWindow[];
}

/** The checkpoints of a File's lists. */
export class Checkpoints {
  readonly #disk: Disk;
  readonly #path: string;
  readonly #lists: Map<ListName, ListCheckpoint>;
  #saving: Promise<void> = Promise.resolve();

  constructor(
    disk: Disk,
    layout: FileLayout,
    lists: ReadonlyMap<ListName, ListCheckpoint> = new Map(),
  ) {
    this.#disk = disk;
    this.#path = layout.state;
    this.#lists = new Map(lists);
  }

  get(name: ListName): ListCheckpoint | undefined {
    return this.#lists.get(name);
  }

  /** Replaces the checkpoint of a list (`undefined` removes it) and saves. */
  async set(
    name: ListName,
    checkpoint: ListCheckpoint | undefined,
  ): Promise<void> {
    if (checkpoint === undefined) {
      if (!this.#lists.delete(name)) return;
    } else this.#lists.set(name, checkpoint);
    await this.save();
  }

  async save(): Promise<void> {
    // Saves one after the other, since several lists are exported at once.
    this.#saving = this.#saving.catch(() => {}).then(() =>
      writeJson(this.#disk, this.#path, {
        lists: Object.fromEntries(this.#lists),
      })
    );
    await this.#saving;
  }
}

/**
 * Reads the checkpoints of a File. One that cannot be used is left out, and its
 * list is read from its beginning.
 */
export async function readCheckpoints(
  disk: Disk,
  layout: FileLayout,
  fileId: string,
): Promise<Checkpoints> {
  const json = parseJson(await readFile(disk, layout.state).catch(() => null));
  const lists = isObject(json) && isObject(json["lists"]) ? json["lists"] : {};
  const known = new Map<ListName, ListCheckpoint>();
  for (const [part, value] of Object.entries(lists)) {
    const checkpoint = checkpointOf(value, fileId, part);
    if (checkpoint !== null) known.set(part as ListName, checkpoint);
  }
  return new Checkpoints(disk, layout, known);
}

const isBound = optional(isText, null);
const isCheckpoint = objectOf({
  total: isCount,
  finished: (value) => typeof value === "boolean",
  gaps: arrayOf(objectOf({
    offset: isCount,
    missing: (value) => isCount(value) && value > 0,
    reason: isText,
  })),
  until: optional(isText, undefined),
  windows: optional(
    arrayOf(objectOf({
      ...{ after: isBound, until: isBound },
      ...{ offset: isCount, count: isCount },
    })),
    undefined,
  ),
});

/** Reads one checkpoint; also those of version 0.1.0, where gaps are called `empty`. */
function checkpointOf(
  value: unknown,
  fileId: string,
  part: string,
): ListCheckpoint | null {
  if (!isObject(value)) return null;
  const { total, finished, until, windows } = value;
  const given = value["gaps"] ?? value["empty"];
  const gaps = Array.isArray(given)
    ? given.map((gap) => {
      const { offset, missing, count, reason } = gap ?? {};
      return { fileId, part, reason, offset, missing: missing ?? count };
    })
    : given;
  const checkpoint = {
    ...{ total, finished, gaps },
    ...until !== undefined && { until },
    ...windows !== undefined && { windows },
  };
  if (!isCheckpoint(checkpoint)) return null;
  const checked = checkpoint as ListCheckpoint;
  const isInside = checked.gaps.every(({ offset, missing }) =>
    offset + missing <= checked.total
  );
  return isInside ? checked : null;
}
