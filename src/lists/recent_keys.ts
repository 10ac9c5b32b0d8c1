/**
 * Remembers the keys of the newest records of a list, to recognise those that
 * come a second time: when a list grows at its head while it is read, its pages
 * overlap. A window, so that memory does not grow with the list.
 */
import { CHUNK_RECORDS } from "../core/chunk_size.ts";

const WINDOW = 4 * CHUNK_RECORDS;

/** The keys seen of late. */
export class RecentKeys {
  readonly #keys: Set<string>;

  constructor(keys: Iterable<string>) {
    this.#keys = new Set(keys);
  }

  /** Whether a key is new; it is remembered. */
  add(key: string): boolean {
    if (this.#keys.has(key)) return false;
    this.#keys.add(key);
    for (const oldest of this.#keys) {
      if (this.#keys.size <= WINDOW) break;
      this.#keys.delete(oldest);
    }
    return true;
  }
}
