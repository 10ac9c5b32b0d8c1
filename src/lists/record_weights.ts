/**
 * Remembers how heavy the records of a kind are, from list to list of a run, so
 * that the first page of a list is no larger than memory allows.
 */

/** How much of an estimate a new observation replaces. */
const SHARE = 0.25;

/** Average bytes of a record, by what the records are. */
export class RecordWeights {
  readonly #bytes = new Map<string, number>();

  /**
   * Estimates a record's weight.
   *
   * @param records What they are: `Logs`.
   * @returns Bytes; `null` while none was seen.
   */
  of(records: string): number | null {
    return this.#bytes.get(records) ?? null;
  }

  /** Takes in a page: heavier ones count at once, lighter ones by and by. */
  observe(records: string, count: number, bytes: number): void {
    if (count === 0) return;
    const seen = bytes / count;
    const before = this.#bytes.get(records) ?? seen;
    const next = Math.max(seen, before + (seen - before) * SHARE);
    this.#bytes.set(records, next);
  }
}
