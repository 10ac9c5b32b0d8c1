/**
 * What lies in a File's directory beside its data: `.state.json` while this tool
 * works on it, `.done` when it is complete. Its state holds what a chunk on disk
 * cannot tell: how many records the list had, whether its end was reached, and
 * which places are empty. It does not grow with the records.
 */
import { isObject } from "../core/json.ts";
import type { Counts } from "../core/observer.ts";
import type { DateWindow, EmptyPlaces } from "../core/gap.ts";
import type { Disk } from "../core/runtime.ts";
import type { FileLayout, ListName } from "./layout.ts";
import { parseJson, writeJson } from "./json_file.ts";
import { readFile, removeAll } from "./atomic_file.ts";

/** What is known of one list of records. */
export interface ListState {
  /** How many records the list had when it was begun. */
  readonly total: number;
  /** Whether its end was reached. */
  readonly finished: boolean;
  readonly empty: readonly EmptyPlaces[];
  /** The instant up to which it was read (ISO 8601); absent for all of it. */
  readonly until?: string;
  /** Where the list is cut by time: what is left of it from here on. */
  readonly rest?: DateWindow;
}

/** What is known of a File that is not complete, or not yet as wide as wanted. */
export class FileState {
  readonly #lists: Map<ListName, ListState>;
  #saving: Promise<void> = Promise.resolve();

  constructor(
    readonly disk: Disk,
    readonly layout: FileLayout,
    lists: ReadonlyMap<ListName, ListState> = new Map(),
  ) {
    this.#lists = new Map(lists);
  }

  list(name: ListName): ListState | undefined {
    return this.#lists.get(name);
  }

  /** Replaces what is known of a list, `undefined` to forget it, and saves. */
  async setList(name: ListName, state: ListState | undefined): Promise<void> {
    if (state === undefined) this.#lists.delete(name);
    else this.#lists.set(name, state);
    await this.save();
  }

  /** @throws {StorageError} When the disk refuses. */
  async save(): Promise<void> {
    // Several lists are exported at once: one save after the other.
    this.#saving = this.#saving.then(() =>
      writeJson(this.disk, this.layout.state, {
        lists: Object.fromEntries(this.#lists),
      })
    );
    await this.#saving;
  }
}

/**
 * Reads a File's state.
 *
 * @returns It, or `null` when this tool has not begun the File (or what stands
 * there cannot be read, which means the same: begin anew).
 * @throws {StorageError} When the disk refuses.
 */
export async function readState(
  disk: Disk,
  layout: FileLayout,
): Promise<FileState | null> {
  const json = parseJson(await readFile(disk, layout.state));
  const lists = isObject(json) ? json["lists"] : undefined;
  if (!isObject(lists)) return null;
  const entries = Object.entries(lists)
    .filter((entry): entry is [ListName, ListState] => isListState(entry[1]));
  return new FileState(disk, layout, new Map(entries));
}

/** What `.done` says. */
export interface Done {
  /** Whether the Logs are part of it; `undefined` for the official script's. */
  readonly logs: boolean | undefined;
  readonly counts: Counts;
}

/**
 * Reads `.done`. The official script's holds one line of text.
 *
 * @returns What it says, or `null` when there is none.
 * @throws {StorageError} When the disk refuses.
 */
export async function readDone(
  disk: Disk,
  layout: FileLayout,
): Promise<Done | null> {
  const bytes = await readFile(disk, layout.done);
  if (bytes === null) return null;
  const json = parseJson(bytes);
  if (!isObject(json) || typeof json["logs"] !== "boolean") {
    return { logs: undefined, counts: {} };
  }
  const counts = isObject(json["counts"]) ? json["counts"] as Counts : {};
  return { logs: json["logs"], counts };
}

/**
 * Vouches for a File: `.done` appears, then the state goes.
 *
 * @throws {StorageError} When the disk refuses.
 */
export async function writeDone(
  disk: Disk,
  layout: FileLayout,
  done: { readonly logs: boolean; readonly counts: Counts },
): Promise<void> {
  await writeJson(disk, layout.done, done);
  await removeAll(disk, layout.state);
}

function isListState(value: unknown): value is ListState {
  return isObject(value) && typeof value["total"] === "number" &&
    typeof value["finished"] === "boolean" && Array.isArray(value["empty"]);
}
