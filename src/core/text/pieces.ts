/**
 * Cuts long texts into pieces, so that what is done with one of hundreds of megabytes
 * takes no more memory than its result.
 */

const PIECE_LENGTH = 64 * 1024;

/**
 * Does something with a text, piece by piece, and joins what comes of it.
 *
 * @param work What is to be done; each piece holds whole characters.
 */
export function inPieces(
  text: string,
  work: (piece: string) => string,
): string {
  if (text.length <= PIECE_LENGTH) return work(text);
  const pieces: string[] = [];
  for (let from = 0; from < text.length;) {
    let to = from + PIECE_LENGTH;
    if (isLowSurrogate(text.charCodeAt(to))) to++;
    pieces.push(work(text.slice(from, to)));
    from = to;
  }
  return pieces.join("");
}

function isLowSurrogate(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff;
}
