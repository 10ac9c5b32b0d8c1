/** Stops work in order when the user presses Ctrl-C, and what it leaves behind. */
import type { Runtime } from "../core/runtime/runtime.ts";

/**
 * Works until it is done or the user interrupts.
 *
 * @param work Gets a signal that aborts then.
 * @throws What the work throws.
 */
export async function untilInterrupted<T>(
  { onInterrupt }: Pick<Runtime, "onInterrupt">,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const stop = new AbortController();
  const stopListening = onInterrupt(() => stop.abort());
  try {
    return await work(stop.signal);
  } finally {
    stopListening();
  }
}

/**
 * Works with a signal that aborts at the end: pages that were asked for ahead and
 * are not needed may be on their way.
 *
 * @throws What the work throws.
 */
export async function untilDone<T>(
  work: (stop: AbortController) => Promise<T>,
): Promise<T> {
  const stop = new AbortController();
  try {
    return await work(stop);
  } finally {
    stop.abort();
  }
}
