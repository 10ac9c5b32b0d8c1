// Compares two texts line by line: in a page by its script, or before the page is made.

/** More lines than this, multiplied, are not compared one by one. */
const MOST = 4_000_000;
/** Equal lines that are shown around a difference. */
const AROUND = 3;

/**
 * A line of a comparison: `+` is new, `-` is gone, ` ` is in both, `…` stands
 * for lines that are left out.
 *
 * @typedef {readonly [sign: " " | "-" | "+" | "…", line: string]} DiffLine
 */

/**
 * Compares two texts: the lines of both, in order.
 *
 * @param {string} from
 * @param {string} to
 * @returns {readonly DiffLine[]}
 */
export function diffLines(from, to) {
  const a = from.split("\n");
  const b = to.split("\n");
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) {
    start++;
  }
  let end = 0;
  while (
    end < a.length - start && end < b.length - start &&
    a[a.length - 1 - end] === b[b.length - 1 - end]
  ) end++;
  const same = (lines) => lines.map((line) => [" ", line]);
  return [
    ...same(a.slice(0, start)),
    ...changed(a.slice(start, a.length - end), b.slice(start, b.length - end)),
    ...same(a.slice(a.length - end)),
  ];
}

/** Compares by the longest row of lines that both have. */
function changed(a, b) {
  const removed = a.map((line) => ["-", line]);
  const added = b.map((line) => ["+", line]);
  if (a.length * b.length > MOST) return [...removed, ...added];
  const width = b.length + 1;
  const longest = new Uint32Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      longest[i * width + j] = a[i] === b[j]
        ? longest[(i + 1) * width + j + 1] + 1
        : Math.max(longest[(i + 1) * width + j], longest[i * width + j + 1]);
    }
  }
  const lines = [];
  let i = 0;
  let j = 0;
  while (i < a.length && j < b.length) {
    if (a[i] === b[j]) {
      lines.push([" ", a[i++]]);
      j++;
    } else if (longest[(i + 1) * width + j] >= longest[i * width + j + 1]) {
      lines.push(removed[i++]);
    } else lines.push(added[j++]);
  }
  return [...lines, ...removed.slice(i), ...added.slice(j)];
}

/**
 * Leaves out equal lines far from a difference.
 *
 * @param {readonly DiffLine[]} lines
 * @returns {readonly DiffLine[]}
 */
export function foldLines(lines) {
  const near = lines.map(() => false);
  lines.forEach(([sign], at) => {
    if (sign === " ") return;
    for (let i = at - AROUND; i <= at + AROUND; i++) {
      if (i in near) near[i] = true;
    }
  });
  /** @type {DiffLine[]} */
  const shown = [];
  let hidden = 0;
  const fold = () => {
    if (hidden > 0) {
      shown.push(["…", `${hidden} equal line${hidden === 1 ? "" : "s"}`]);
    }
    hidden = 0;
  };
  lines.forEach((line, at) => {
    if (!near[at]) return void hidden++;
    fold();
    shown.push(line);
  });
  fold();
  return shown;
}
