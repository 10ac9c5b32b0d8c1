/**
 * Stops work cleanly when the user presses Ctrl-C, and requests that it leaves
 * behind.
 */
import type { Runtime } from "../core/runtime/runtime.ts";

/**
 * Runs work until it is done or the user interrupts.
 *
 * @param work Gets a signal that aborts when the user interrupts.
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
 * Runs work with a signal that aborts at the end, since prefetched pages that
 * are not needed may be in flight.
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
