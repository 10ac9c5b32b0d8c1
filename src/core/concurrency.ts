/**
 * Runs several tasks at once: the first failure stops the others and is thrown,
 * and nothing is left running when a function returns.
 */

/** The end of a run: one signal from the command line to the socket. */
export interface Stop {
  readonly signal: AbortSignal;
  /** Ends the run; only the first reason counts. */
  abort(reason: unknown): void;
}

/**
 * Runs all tasks at once and waits for every one of them.
 *
 * @param stop Ended by the first task that throws.
 * @throws What the first failing task threw.
 */
export async function runAll(
  stop: Stop,
  tasks: ReadonlyArray<() => Promise<void>>,
): Promise<void> {
  const results = await Promise.allSettled(tasks.map(async (task) => {
    try {
      await task();
    } catch (error) {
      stop.abort(error);
      throw error;
    }
  }));
  for (const result of results) {
    if (result.status === "rejected") throw stop.signal.reason;
  }
}

/**
 * Does `work` for every item, at most `limit` at once, in order of start.
 *
 * @param stop Ended by the first failure; no item is started after that.
 * @throws What the first failing `work` threw, or the signal's reason.
 */
export async function forEachConcurrent<T>(
  stop: Stop,
  limit: number,
  items: Iterable<T>,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const iterator = items[Symbol.iterator]();
  const worker = async () => {
    for (let next = iterator.next(); !next.done; next = iterator.next()) {
      stop.signal.throwIfAborted();
      await work(next.value);
    }
  };
  await runAll(stop, Array.from({ length: limit }, () => worker));
}
