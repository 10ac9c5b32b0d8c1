/** Numbers by a seed. */
import { chance } from "../../src/demo/sample/expression.ts";

/** Throws the same numbers whenever it begins with the same seed. */
export class Dice {
  #n = 0;

  constructor(readonly seed: number) {}

  /** From 0 to 1. */
  share(): number {
    return chance(this.seed * 7919 + this.#n++);
  }

  below(limit: number): number {
    return Math.floor(this.share() * limit);
  }

  oneOf<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)]!;
  }

  /** Whether something happens that happens once in `times`. */
  oneIn(times: number): boolean {
    return this.below(times) === 0;
  }
}

/**
 * Makes the dice of one matter of a seed: what another one throws does not
 * change them.
 */
export function diceOf(
  seed: number,
  ...matter: ReadonlyArray<string | number>
): Dice {
  let hash = seed;
  for (const char of matter.join("/")) {
    hash = (hash * 31 + char.codePointAt(0)!) % 1_000_003;
  }
  return new Dice(hash);
}
