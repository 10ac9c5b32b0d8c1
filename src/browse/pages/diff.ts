/** Shows the difference of two texts, on a page that needs no script. */
import { diffLines, foldLines } from "../../report/diff_lines.js";
import { html, type Markup } from "../../report/components/html.ts";
import { pluralize } from "../../ui/text.ts";

const CLASSES = { "+": "added", "-": "removed", "…": "fold", " ": "" } as const;

/** Shows the difference of two texts; equal lines far from it are left out. */
export function diffView(from: string, to: string): Markup {
  const lines = diffLines(from, to);
  const count = (sign: string) => lines.filter(([one]) => one === sign).length;
  const [gone, added] = [count("-"), count("+")];
  if (gone + added === 0) return html`<p role="status">Both are the same.</p>`;
  const rows = foldLines(lines).map(([sign, line]) => {
    const text = sign === "+"
      ? html`<ins>${line}</ins>`
      : sign === "-"
      ? html`<del>${line}</del>`
      : line;
    return html`
      <tr class="${CLASSES[sign]}">
        <td>${sign}</td>
        <td>${text}</td>
      </tr>
    `;
  });
  return html`
    <p role="status">${pluralize(gone, "line")} gone, ${pluralize(
      added,
      "line",
    )} new.</p>
    <div class="scroll" role="region" tabindex="0" aria-label="Differences">
      <table class="diff" aria-label="Differences">
        <tbody>${rows}</tbody>
      </table>
    </div>
  `;
}
