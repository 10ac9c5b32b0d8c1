/** Looks for obstacles in a page with axe-core, a tool of the tests only. */
import { fromFileUrl } from "@std/path";
import type { Tab } from "./browser.ts";

/** It has a lock of the tests' own, so that no user downloads it. */
const PACKAGE = "npm:axe-core@4.14.1";
const here = (name: string) => fromFileUrl(new URL(name, import.meta.url));

/** Reads the script of axe-core; `null` if it cannot be loaded. */
export async function axeSource(): Promise<string | null> {
  const { success, stdout } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--quiet", "--no-prompt", "--no-config", "-A", "--frozen"],
      ...[`--lock=${here("axe.lock")}`, here("axe_reader.ts"), PACKAGE],
    ],
    env: { NO_COLOR: "1" },
  }).output();
  return success ? new TextDecoder().decode(stdout) : null;
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
