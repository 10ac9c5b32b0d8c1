/** Looks for obstacles in a page with axe-core, a tool of the tests only. */
import type { Tab } from "./browser.ts";

/** The script of axe-core; `null` where it cannot be had. */
export async function axeSource(): Promise<string | null> {
  try {
    const { default: source } = await import("axe-core/axe.min.js", {
      with: { type: "text" },
    });
    return source;
  } catch {
    return null;
  }
}

/** The obstacles that axe-core finds in a page: its rule, and what breaks it. */
export async function obstacles(
  tab: Tab,
  source: string,
): Promise<readonly string[]> {
  await tab.run(`${source};0`);
  return await tab.run(`axe.run(document, { resultTypes: ["violations"] })
    .then(({ violations }) => violations.flatMap(({ id, nodes }) =>
      nodes.map(({ html }) => id + ": " + html)))`);
}
