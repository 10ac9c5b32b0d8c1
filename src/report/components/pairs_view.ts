/** Shows names and what belongs to them as a small table. */
import { type Content, html, type Markup } from "./html.ts";

/** A name, and what belongs to it. */
export type Pair = readonly [name: string, value: Content];

/**
 * Makes a table of the pairs that have a value; nothing if there are none.
 *
 * @param title The title of the table.
 * @param options.isShown Whether the title is visible, or only for screen
 * readers.
 */
export function pairsView(
  title: string,
  pairs: readonly Pair[],
  { isShown = true } = {},
): Markup {
  const rows = pairs.filter(([, value]) =>
    value !== null && value !== false && value !== ""
  ).map(([name, value]) =>
    html`
      <tr>
        <th scope="row">${name}</th>
        <td>${value}</td>
      </tr>
    `
  );
  if (rows.length === 0) return html``;
  return html`
    <table class="parameters" ${!isShown && html`aria-label="${title}"`}>
      ${isShown && html`<caption>${title}</caption>`}
      <tbody>${rows}</tbody>
    </table>
  `;
}
