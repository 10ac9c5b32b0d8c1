/** Shows progress in one line of a terminal, which is drawn over. */
import type { Runtime } from "../core/runtime/runtime.ts";

/** Time between two updates, in milliseconds. */
const SHOW_EVERY_MS = 200;
const CLEAR_LINE = "\r\x1b[2K";

/** The line. */
export interface LineBar {
  /**
   * Shows a text, unless one was shown a moment ago.
   *
   * @param text Writes it; gets how long the work has taken so far.
   * @param isNew Whether to show it in any case.
   */
  readonly show: (text: (tookMs: number) => string, isNew?: boolean) => void;
  /** Removes the line until it is shown again. */
  readonly end: () => void;
}

/**
 * Makes the line; without a terminal, or if it is not wanted, it shows nothing.
 */
export function lineBar(
  { quiet = false }: { readonly quiet?: boolean },
  { terminal, clock }: Pick<Runtime, "terminal" | "clock">,
): LineBar {
  if (!terminal.errIsTerminal || quiet) return { show() {}, end() {} };
  const startMs = clock.monotonicMs();
  let shownMs = startMs;
  let isShown = false;
  return {
    show: (text, isNew = false) => {
      const nowMs = clock.monotonicMs();
      if (!isNew && nowMs - shownMs < SHOW_EVERY_MS) return;
      shownMs = nowMs;
      isShown = true;
      const columns = Math.max(0, terminal.columns() - 1);
      terminal.err(CLEAR_LINE + text(nowMs - startMs).slice(0, columns));
    },
    end: () => {
      if (isShown) terminal.err(CLEAR_LINE);
      isShown = false;
    },
  };
}
