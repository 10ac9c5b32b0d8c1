/**
 * Holds the keys of a list of any length, in 8 bytes a key: a key is kept as a
 * number of 64 bits. In a list of a million keys, the odds that two share a
 * number are about one in ten million; a caller that must be sure compares the
 * keys themselves.
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
  #numbers = new Uint32Array(2);

  constructor(keys: readonly string[] = []) {
    this.addAll(keys);
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
    return this.addAll([key]).length === 0;
  }

  /**
   * Adds keys. Adding many at once is several times as fast as one by one,
   * because the processor waits for the memory of many slots at the same time.
   *
   * @returns Those that were there before.
   */
  addAll(keys: readonly string[]): readonly string[] {
    const numbers = this.#hashAll(keys);
    while (this.#size + keys.length > this.#slots.length / 2 * MOST_FULL) {
      this.#grow();
    }
    const known: string[] = [];
    for (let i = 0; i < keys.length; i++) {
      const high = numbers[2 * i]!;
      const low = numbers[2 * i + 1]!;
      const slot = this.#slotOf(high, low);
      if (this.#slots[slot] !== 0) {
        known.push(keys[i]!);
        continue;
      }
      this.#slots[slot] = high;
      this.#slots[slot + 1] = low;
      this.#size++;
    }
    return known;
  }

  /** Checks whether a key is there. */
  has(key: string): boolean {
    const [high, low] = this.#hashAll([key]);
    return this.#slots[this.#slotOf(high!, low!)] !== 0;
  }

  /**
   * Hashes keys, two numbers each, of which the first is never 0, which marks a
   * free slot. They are valid until the next call.
   */
  #hashAll(keys: readonly string[]): Uint32Array {
    if (this.#numbers.length < 2 * keys.length) {
      this.#numbers = new Uint32Array(2 * keys.length);
    }
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i]!;
      let high = BASE_1;
      let low = BASE_2;
      for (let at = 0; at < key.length; at++) {
        const code = key.charCodeAt(at);
        high = Math.imul(high ^ code, PRIME);
        low = Math.imul(low ^ code, PRIME) ^ (high >>> 15);
      }
      this.#numbers[2 * i] = (high >>> 0) || 1;
      this.#numbers[2 * i + 1] = low;
    }
    return this.#numbers;
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
