/** Finds the word that was probably meant. */

/** `; did you mean …?` where a known word is near, else nothing. */
export function didYouMean(word: string, known: readonly string[]): string {
  const near = known
    .map((one) => ({ one, distance: editDistance(word, one) }))
    .sort((a, b) => a.distance - b.distance)[0];
  const limit = Math.max(2, Math.floor(word.length / 3));
  return near !== undefined && near.distance <= limit
    ? `; did you mean ${near.one}?`
    : "";
}

/** How many letters to add, drop, change or swap to get from one word to another. */
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
