/** Compares two texts line by line, for a page that needs no script. */
import { pluralize } from "../ui/text.ts";
import { html, type Markup } from "../report/html.ts";

/** A line of a comparison, and whether it is new, gone or in both. */
export type DiffLine = readonly [sign: " " | "-" | "+", line: string];

/** More lines than this, multiplied, are not compared one by one. */
const MOST = 4_000_000;
/** Equal lines that are shown around a difference. */
const AROUND = 3;

/** The lines of both texts, in order. */
export function diffLines(from: string, to: string): readonly DiffLine[] {
  const a = from.split("\n");
  const b = to.split("\n");
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start++;
  let end = 0;
  while (
    end < a.length - start && end < b.length - start &&
    a[a.length - 1 - end] === b[b.length - 1 - end]
  ) end++;
  const same = (lines: readonly string[]) =>
    lines.map((line): DiffLine => [" ", line]);
  return [
    ...same(a.slice(0, start)),
    ...changed(a.slice(start, a.length - end), b.slice(start, b.length - end)),
    ...same(a.slice(a.length - end)),
  ];
}

/** By the longest sequence of lines that both have. */
function changed(
  a: readonly string[],
  b: readonly string[],
): readonly DiffLine[] {
  const gone = a.map((line): DiffLine => ["-", line]);
  const added = b.map((line): DiffLine => ["+", line]);
  if (a.length * b.length > MOST) return [...gone, ...added];
  const width = b.length + 1;
  const longest = new Uint32Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      longest[i * width + j] = a[i] === b[j]
        ? longest[(i + 1) * width + j + 1]! + 1
        : Math.max(longest[(i + 1) * width + j]!, longest[i * width + j + 1]!);
    }
  }
  const lines: DiffLine[] = [];
  let i = 0;
  let j = 0;
  while (i < a.length && j < b.length) {
    if (a[i] === b[j]) {
      lines.push([" ", a[i++]!]);
      j++;
    } else if (longest[(i + 1) * width + j]! >= longest[i * width + j + 1]!) {
      lines.push(gone[i++]!);
    } else lines.push(added[j++]!);
  }
  return [...lines, ...gone.slice(i), ...added.slice(j)];
}

/** The difference of two texts; equal lines far from it are left out. */
export function diffView(from: string, to: string): Markup {
  const lines = diffLines(from, to);
  const near = lines.map(() => false);
  lines.forEach(([sign], at) => {
    if (sign === " ") return;
    for (let i = at - AROUND; i <= at + AROUND; i++) {
      if (i >= 0 && i < near.length) near[i] = true;
    }
  });
  const count = (sign: string) => lines.filter(([one]) => one === sign).length;
  const [gone, added] = [count("-"), count("+")];
  if (gone + added === 0) return html`<p role="status">Both are the same.</p>`;
  const rows: Markup[] = [];
  let hidden = 0;
  const fold = () => {
    if (hidden > 0) {
      const text = pluralize(hidden, "equal line");
      rows.push(html`
        <tr class="fold">
          <td>…</td>
          <td>${text}</td>
        </tr>
      `);
    }
    hidden = 0;
  };
  lines.forEach(([sign, line], at) => {
    if (!near[at]) return void hidden++;
    fold();
    rows.push(
      sign === "+"
        ? html`
          <tr class="come">
            <td>+</td>
            <td>
              <ins>${line}</ins>
            </td>
          </tr>
        `
        : sign === "-"
        ? html`
          <tr class="gone">
            <td>-</td>
            <td>
              <del>${line}</del>
            </td>
          </tr>
        `
        : html`
          <tr>
            <td></td>
            <td>${line}</td>
          </tr>
        `,
    );
  });
  fold();
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
