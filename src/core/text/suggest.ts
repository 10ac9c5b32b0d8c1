/** Finds the word that was probably meant. */

/** Writes `; did you mean …?` where a known word is near, else nothing. */
export function didYouMean(word: string, known: readonly string[]): string {
  const near = nearest(word, known);
  return near === null ? "" : `; did you mean ${near}?`;
}

/**
 * Finds the known word that a word is a misspelling of, in any case.
 *
 * @returns The known word, or `null` if none is near.
 */
export function nearest(word: string, known: Iterable<string>): string | null {
  let limit = Math.max(2, Math.floor(word.length / 3));
  let near: string | null = null;
  for (const one of known) {
    if (Math.abs(one.length - word.length) > limit) continue;
    const distance = editDistance(word.toLowerCase(), one.toLowerCase());
    if (distance > limit) continue;
    near = one;
    limit = distance - 1;
  }
  return near;
}

/** Counts the letters to add, drop, change or swap from one word to another. */
function editDistance(a: string, b: string): number {
  const rows = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = a[i - 1] === b[j - 1] ? 0 : 1;
      let least = Math.min(
        row[j - 1]! + 1,
        rows[i - 1]![j]! + 1,
        rows[i - 1]![j - 1]! + change,
      );
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] &&
        a[i - 2] === b[j - 1];
      if (swapped) least = Math.min(least, rows[i - 2]![j - 2]! + 1);
      row.push(least);
    }
    rows.push(row);
  }
  return rows[a.length]![b.length]!;
}
