/**
 * Holds the keys of a list of any length, in 8 bytes a key: a key is kept as a
 * number of 64 bits. Two keys of a million have the same number once in some
 * ten million lists; a caller that must be sure compares the keys themselves.
 */

const FIRST_CAPACITY = 1 << 6;
const MOST_FULL = 0.75;
/** Offset bases and prime of the hash FNV-1a, and a second base. */
const BASE_1 = 0x811c9dc5;
const BASE_2 = 0x9747b28c;
const PRIME = 0x01000193;

/** A set of keys. */
export class KeySet {
  #slots = new Uint32Array(2 * FIRST_CAPACITY);
  #size = 0;

  constructor(keys: Iterable<string> = []) {
    for (const key of keys) this.add(key);
  }

  /** How many keys there are. */
  get size(): number {
    return this.#size;
  }

  /**
   * Adds a key.
   *
   * @returns Whether it was not there before.
   */
  add(key: string): boolean {
    const [high, low] = hash(key);
    const slot = this.#slotOf(high, low);
    if (this.#slots[slot] !== 0) return false;
    this.#slots[slot] = high;
    this.#slots[slot + 1] = low;
    this.#size++;
    if (this.#size > this.#slots.length / 2 * MOST_FULL) this.#grow();
    return true;
  }

  /** Checks whether a key is there. */
  has(key: string): boolean {
    const [high, low] = hash(key);
    return this.#slots[this.#slotOf(high, low)] !== 0;
  }

  /** Finds the slot of a number, or the free one where it belongs. */
  #slotOf(high: number, low: number): number {
    const slots = this.#slots;
    const mask = slots.length / 2 - 1;
    for (let index = low & mask;; index = (index + 1) & mask) {
      const slot = 2 * index;
      if (slots[slot] === 0) return slot;
      if (slots[slot] === high && slots[slot + 1] === low) return slot;
    }
  }

  #grow(): void {
    const old = this.#slots;
    this.#slots = new Uint32Array(2 * old.length);
    for (let slot = 0; slot < old.length; slot += 2) {
      if (old[slot] === 0) continue;
      const to = this.#slotOf(old[slot]!, old[slot + 1]!);
      this.#slots[to] = old[slot]!;
      this.#slots[to + 1] = old[slot + 1]!;
    }
  }
}

/** Hashes a key; the first number is never 0, which marks a free slot. */
function hash(key: string): readonly [number, number] {
  let high = BASE_1;
  let low = BASE_2;
  for (let i = 0; i < key.length; i++) {
    const code = key.charCodeAt(i);
    high = Math.imul(high ^ code, PRIME);
    low = Math.imul(low ^ code, PRIME) ^ (high >>> 15);
  }
  return [(high >>> 0) || 1, low >>> 0];
}
