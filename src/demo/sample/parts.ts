/**
 * Makes ids, times and choices that depend on nothing but a number or a name.
 */

const ALPHABET =
  "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/**
 * Makes a number from 0 to 1 that depends on nothing but its seed (mulberry32).
 *
 * @param seed Any whole number.
 */
export function chance(seed: number): number {
  let t = (seed + 0x6d2b79f5) | 0;
  t = Math.imul(t ^ (t >>> 15), t | 1);
  t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
}

/** Picks one of the choices, by a seed. */
export function pick<T>(choices: readonly T[], seed: number): T {
  return choices[Math.floor(chance(seed) * choices.length)]!;
}

/** Makes an id in the API's style: a prefix and 21 letters and digits. */
export function makeId(prefix: string, name: string): string {
  let seed = 0;
  for (const character of prefix + name) {
    seed = (Math.imul(seed, 31) + character.codePointAt(0)!) | 0;
  }
  const letters = Array.from(
    { length: 21 },
    (_, i) => ALPHABET[Math.floor(chance(seed + i * 7919) * ALPHABET.length)],
  );
  return `${prefix}_${letters.join("")}`;
}

/** Makes a time in the API's style, without a zone: so many minutes into 2025. */
export function timeAt(minutes: number): string {
  const ms = Date.UTC(2025, 0, 6, 8) + minutes * 60_000;
  return new Date(ms).toISOString().replace("Z", "417");
}
