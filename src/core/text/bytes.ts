/** Joins byte arrays. */
export function concat(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 1) return parts[0]!;
  let length = 0;
  for (const part of parts) length += part.length;
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Joins byte arrays, and frees the memory of each as soon as it is copied. */
export function joinOnce(
  parts: readonly Uint8Array<ArrayBuffer>[],
): Uint8Array<ArrayBuffer> {
  if (parts.length === 1) return parts[0]!;
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
    release(part);
  }
  return whole;
}

/** Frees memory at once; the garbage collector might keep it for long. */
export function release({ buffer }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer) buffer.transfer(0);
}

/**
 * From this size on, arrays are freed at once: the garbage collector lets them
 * add up.
 */
const LARGE_BYTES = 64 * 1024;

/** Frees the large ones among arrays that are no longer needed. */
export function releaseLarge(all: Iterable<Uint8Array>): void {
  for (const bytes of all) {
    if (bytes.buffer.byteLength >= LARGE_BYTES) release(bytes);
  }
}
