/**
 * Keeps `.state.json`, beside a File's data while it is not complete: for each
 * list what a chunk on disk does not show. It does not grow with the records.
 */
import type { RecordGap } from "../core/gap.ts";
import { isObject } from "../core/json.ts";
import type { TimeWindow } from "../core/ranges.ts";
import type { Disk } from "../core/runtime.ts";
import { readFile } from "./atomic_file.ts";
import { parseJson, writeJson } from "./json_file.ts";
import type { FileLayout, ListName } from "./layout.ts";

/** What is kept of one list of records. */
export interface ListCheckpoint {
  /** How many records the list had when its reading began. */
  readonly total: number;
  /** Whether its end was reached. */
  readonly finished: boolean;
  readonly gaps: readonly RecordGap[];
  /** The cut-off (ISO 8601) that its first part was read up to; absent for none. */
  readonly until?: string;
  /** The time windows of that part; absent where it was read as one. */
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

  /**
   * Replaces the checkpoint of a list, `undefined` to forget it, and saves.
   *
   * @throws {StorageError} When the disk fails.
   */
  async set(
    name: ListName,
    checkpoint: ListCheckpoint | undefined,
  ): Promise<void> {
    if (checkpoint === undefined) {
      if (!this.#lists.delete(name)) return;
    } else this.#lists.set(name, checkpoint);
    await this.save();
  }

  /** @throws {StorageError} When the disk fails. */
  async save(): Promise<void> {
    // Several lists are exported at once: one save after the other.
    this.#saving = this.#saving.catch(() => {}).then(() =>
      writeJson(this.#disk, this.#path, {
        lists: Object.fromEntries(this.#lists),
      })
    );
    await this.#saving;
  }
}

/**
 * Reads the checkpoints of a File. What cannot be used is left out, and its list
 * is judged by what its chunks hold.
 *
 * @throws {StorageError} When the disk fails.
 */
export async function readCheckpoints(
  disk: Disk,
  layout: FileLayout,
  fileId: string,
): Promise<Checkpoints> {
  const json = parseJson(await readFile(disk, layout.state).catch(() => null));
  const lists = isObject(json) ? json["lists"] : undefined;
  const known = new Map<ListName, ListCheckpoint>();
  for (const [name, value] of Object.entries(isObject(lists) ? lists : {})) {
    const checkpoint = readCheckpoint(value, fileId, name);
    if (checkpoint !== null) known.set(name as ListName, checkpoint);
  }
  return new Checkpoints(disk, layout, known);
}

/** Reads one checkpoint; also those of version 0.1.0, where gaps are called `empty`. */
function readCheckpoint(
  value: unknown,
  fileId: string,
  part: string,
): ListCheckpoint | null {
  if (!isObject(value)) return null;
  const { total, finished, until } = value;
  const gaps = readEach(
    value["gaps"] ?? value["empty"],
    (one) => readGap(one, fileId, part),
  );
  const windows = value["windows"] === undefined
    ? undefined
    : readEach(value["windows"], readWindow);
  if (
    !isCount(total) || typeof finished !== "boolean" || gaps === null ||
    windows === null || !(until === undefined || typeof until === "string")
  ) return null;
  if (gaps.some(({ offset, missing }) => offset + missing > total)) return null;
  return {
    total,
    finished,
    gaps,
    ...until === undefined ? {} : { until },
    ...windows === undefined ? {} : { windows },
  };
}

function readGap(
  value: unknown,
  fileId: string,
  part: string,
): RecordGap | null {
  if (!isObject(value)) return null;
  const { offset, reason } = value;
  const missing = value["missing"] ?? value["count"];
  if (!isCount(offset) || !isCount(missing) || missing === 0) return null;
  if (typeof reason !== "string") return null;
  return { fileId, part, reason, offset, missing };
}

function readWindow(value: unknown): TimeWindow | null {
  if (!isObject(value)) return null;
  const { after, until, offset, count } = value;
  if (!isCount(offset) || !isCount(count)) return null;
  if (!isBound(after) || !isBound(until)) return null;
  return { after, until, offset, count };
}

/** Reads every element of an array; `null` where one cannot be read. */
function readEach<T>(
  value: unknown,
  read: (one: unknown) => T | null,
): readonly T[] | null {
  if (!Array.isArray(value)) return null;
  const all = value.map(read);
  return all.every((one) => one !== null) ? all as readonly T[] : null;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isBound(value: unknown): value is string | null {
  return value === null || typeof value === "string";
}
