/**
 * Cuts long texts into slices, so that work on hundreds of megabytes takes no
 * more memory than its result.
 */

const SLICE_LENGTH = 64 * 1024;

/**
 * Works on a text slice by slice, and joins the results.
 *
 * @param work Called with each slice, which holds whole characters.
 */
export function inSlices(
  text: string,
  work: (slice: string) => string,
): string {
  if (text.length <= SLICE_LENGTH) return work(text);
  const slices: string[] = [];
  for (let from = 0; from < text.length;) {
    let to = from + SLICE_LENGTH;
    if (isLowSurrogate(text.charCodeAt(to))) to++;
    slices.push(work(text.slice(from, to)));
    from = to;
  }
  return slices.join("");
}

function isLowSurrogate(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff;
}
