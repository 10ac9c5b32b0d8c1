/**
 * Work, as the time left is reckoned from it: requests, and the records that
 * they bring. Whoever has some to do tells what it expects and what it has done;
 * whoever gives up takes back the rest.
 */

/** Some work. */
export interface Work {
  readonly requests: number;
  readonly records: number;
}

/** Hears of work. */
export interface WorkObserver {
  /** More is known to be needed; less, where it is negative. */
  expected(work: Work): void;
  /** Some of it is done. */
  done(work: Work): void;
}

/** Work of which only the requests are known. */
export function requests(count: number): Work {
  return { requests: count, records: 0 };
}

/** Nobody listens. */
export const UNWATCHED: WorkObserver = { expected() {}, done() {} };

/** One piece of work; disposing it takes back what is not done. */
export class Task implements Disposable, WorkObserver {
  readonly #observer: WorkObserver;
  #left: Work = requests(0);

  constructor(observer: WorkObserver) {
    this.#observer = observer;
  }

  expected(work: Work): void {
    this.#left = add(this.#left, work, 1);
    this.#observer.expected(work);
  }

  done(work: Work): void {
    this.#left = add(this.#left, work, -1);
    this.#observer.done(work);
  }

  [Symbol.dispose](): void {
    const { requests, records } = this.#left;
    this.expected({
      requests: -Math.max(0, requests),
      records: -Math.max(0, records),
    });
  }
}

/** Does what takes one request. */
export async function oneRequest<T>(
  observer: WorkObserver,
  work: () => Promise<T>,
): Promise<T> {
  observer.expected(requests(1));
  try {
    return await work();
  } finally {
    observer.done(requests(1));
  }
}

function add(a: Work, b: Work, sign: 1 | -1): Work {
  return {
    requests: a.requests + sign * b.requests,
    records: a.records + sign * b.records,
  };
}
