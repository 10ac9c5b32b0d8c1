/**
 * Decides which ids of the API may become names of files: those that are safe
 * on every system and do not differ from another id only in case, since an
 * export may be copied to a disk that ignores case.
 */
import { isSafeId } from "../../tree/layout.ts";

/**
 * Takes ids one by one, and refuses those that cannot be used with the others.
 */
export class SafeIds {
  readonly #taken = new Map<string, string>();

  /**
   * Takes an id.
   *
   * @returns Why it is refused; `null` when it is not.
   */
  refusal(id: string): string | null {
    const shown = JSON.stringify(id.slice(0, 40));
    if (!isSafeId(id)) {
      return `the id ${shown} is not safe as a file name, so it is left out`;
    }
    const folded = id.toLowerCase();
    const other = this.#taken.get(folded);
    this.#taken.set(folded, other ?? id);
    if (other === undefined) return null;
    return other === id
      ? `${id} is listed twice`
      : `the id ${shown} differs from ${other} only in case, so it is left out`;
  }
}
