/** Draws a small chart of an Evaluator's results, a bar a Run. */
import { html, type Markup } from "./html.ts";

/** One Run's results with one Evaluator. */
export interface Result {
  /** In words: `80 % true (480 of 600)`. */
  readonly text: string;
  /** The parts of the bar, as shares of the longest one. */
  readonly parts: readonly Part[];
}

interface Part {
  readonly name: string;
  /** From 0 to 1. */
  readonly share: number;
}

/** One Evaluator, and what it judged in each Run. */
export interface Column {
  readonly name: string;
  readonly results: readonly (Result | null)[];
}

const WIDTH = 240;
const BAR = 14;
const ROW = 34;
const COLORS = 5;

/** Draws one bar for each Run; the table beside it has the same in words. */
export function chart(
  { name, results }: Column,
  names: readonly string[],
): Markup {
  if (results.every((one) => one === null || one.parts.length === 0)) {
    return html``;
  }
  const words = results.map((one, i) => `${names[i]}: ${one?.text ?? "none"}`);
  const height = results.length * ROW;
  const parts = new Set(
    results.flatMap((one) => one?.parts.map(({ name }) => name) ?? []),
  );
  const order = [...parts];
  const legend = order.map((part, i) =>
    html`
      <span class="quiet"><svg aria-hidden="true" width="10" height="10"><rect
        class="part${i % COLORS}" width="10" height="10" /></svg> ${part}</span>
    `
  );
  return html`
    <figure>
      <figcaption>${name} ${legend}</figcaption>
      <svg role="img" aria-label="${name}. ${words.join("; ")}"
        viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}"
        height="${height}">
        ${results.map((one, i) =>
          barView(names[i]!, one?.parts ?? [], i * ROW, order)
        )}
      </svg>
    </figure>
  `;
}

function barView(
  name: string,
  parts: readonly Part[],
  y: number,
  order: readonly string[],
): Markup {
  let x = 0;
  const rects = parts.map((part) => {
    const color = order.indexOf(part.name) % COLORS;
    const width = Math.round(part.share * WIDTH * 10) / 10;
    const rect = html`
      <rect class="part${color}" x="${x}" y="${y + 16}"
        width="${width}" height="${BAR}">
        <title>${part.name} ${percent(part.share)}</title>
      </rect>
    `;
    x += width;
    return rect;
  });
  return html`
    <text x="0" y="${y + 11}">${name}</text>
    <rect class="ground" x="0" y="${y + 16}" width="${WIDTH}"
      height="${BAR}" />
    ${rects}
  `;
}

/** Writes a share: `83.3 %`. */
export function percent(share: number): string {
  return `${Math.round(share * 1000) / 10} %`;
}
