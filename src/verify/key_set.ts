/**
 * Finds keys that come twice in a list of any length: keys are kept as numbers
 * of 64 bits, 8 bytes each. Two keys may have the same number, so what is seen
 * here is only suspected, and looked at a second time.
 */

const FIRST_CAPACITY = 1 << 12;
const MOST_FULL = 0.75;
/** Offset bases and prime of the hash FNV-1a, and a second base. */
const BASE_1 = 0x811c9dc5;
const BASE_2 = 0x9747b28c;
const PRIME = 0x01000193;

/** A set of keys, as numbers. */
export class KeySet {
  #slots = new Uint32Array(2 * FIRST_CAPACITY);
  #used = 0;

  /** Adds a key; whether it may have been there before. */
  add(key: string): boolean {
    const [high, low] = numberOf(key);
    if (!this.#put(high, low)) return true;
    this.#used++;
    if (this.#used > this.#slots.length / 2 * MOST_FULL) this.#grow();
    return false;
  }

  #put(high: number, low: number): boolean {
    const slots = this.#slots;
    const mask = slots.length / 2 - 1;
    for (let slot = low & mask;; slot = (slot + 1) & mask) {
      const at = 2 * slot;
      if (slots[at] === 0 && slots[at + 1] === 0) {
        slots[at] = high;
        slots[at + 1] = low;
        return true;
      }
      if (slots[at] === high && slots[at + 1] === low) return false;
    }
  }

  #grow(): void {
    const old = this.#slots;
    this.#slots = new Uint32Array(2 * old.length);
    for (let at = 0; at < old.length; at += 2) {
      const high = old[at]!;
      const low = old[at + 1]!;
      if (high !== 0 || low !== 0) this.#put(high, low);
    }
  }
}

function numberOf(key: string): [number, number] {
  let high = BASE_1;
  let low = BASE_2;
  for (let i = 0; i < key.length; i++) {
    const code = key.charCodeAt(i);
    high = Math.imul(high ^ code, PRIME);
    low = Math.imul(low ^ code, PRIME) ^ (high >>> 15);
  }
  // Nought and nought is a free slot.
  return [(high >>> 0) || 1, low >>> 0];
}
