/** Numbers by a seed. */
import { chance } from "../../src/demo/sample/parts.ts";

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
