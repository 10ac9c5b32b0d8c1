/** Shows how far something is, in one line of a terminal that is drawn over. */
import type { Runtime } from "../core/runtime/runtime.ts";

/** Time between two updates, in milliseconds. */
const SHOW_EVERY_MS = 200;
const CLEAR_LINE = "\r\x1b[2K";

/** The line. */
export interface LineBar {
  /**
   * Shows a text, unless one was shown a moment ago.
   *
   * @param text Writes it, from how long the work took so far.
   * @param isNew Shows it at once.
   */
  readonly show: (text: (tookMs: number) => string, isNew?: boolean) => void;
  /** Takes the line away, until it is shown the next time. */
  readonly end: () => void;
}

/** Makes the line; where there is no terminal, or none is wanted, it shows nothing. */
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
