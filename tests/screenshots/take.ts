/**
 * `deno task screenshots`: the README's pictures, taken from the demo's export.
 * Needs a font with Japanese letters.
 */
import { fromFileUrl, join } from "@std/path";
import { first, openDatabase } from "../../src/database/sqlite.ts";
import { CLASSIFIER, sampleWorkspace } from "../../src/demo/sample/sample.ts";
import { Browser, findBrowser, type View } from "../helpers/browser.ts";
import { servedBrowse } from "../helpers/served_browse.ts";
import { exportTo } from "../report/export_to.ts";

const HERE = fromFileUrl(new URL(".", import.meta.url));

/** A picture: of which path or address, in what window, scrolled to what. */
interface Shot extends View {
  readonly name: string;
  readonly address: string;
  readonly from?: string;
}

/** The static pages in a directory. */
function staticShots(dir: string): readonly Shot[] {
  return [
    {
      name: "overview.png",
      address: join(dir, "index.html"),
      ...{ width: 1100, height: 720 },
    },
    {
      name: "prompt.png",
      address: join(dir, "files", CLASSIFIER.id, "index.html"),
      ...{ width: 1100, height: 900, dark: true },
    },
  ];
}

/** A trace with an error in it, and an Evaluation where one Run is worse. */
function browseShots(database: string, url: string): readonly Shot[] {
  using open = openDatabase(database);
  const step = first(
    open,
    `SELECT l.id FROM logs l JOIN traces t USING (trace_id)
     WHERE l.type = 'agent' ORDER BY t.errors DESC, t.logs DESC, l.id`,
  )!;
  const runs = first(
    open,
    `SELECT a.evaluation_id AS id, a.evaluator_id AS worse, a.run_id AS "from",
     b.run_id AS "to" FROM judgment_stats a JOIN judgment_stats b
     ON b.evaluation_id = a.evaluation_id AND b.evaluator_id = a.evaluator_id
     WHERE b.num_true < a.num_true ORDER BY a.judgments, id`,
  )!;
  const { worse, from, to } = runs;
  const query = new URLSearchParams(
    Object.entries({ worse, from, to }).map(([name, id]) => [name, String(id)]),
  );
  return [
    {
      name: "trace.png",
      address: `${url}log?id=${step["id"]}`,
      ...{ width: 1000, height: 620, from: "#trace" },
    },
    {
      name: "evaluation.png",
      address: `${url}evaluations/${runs["id"]}?${query}`,
      ...{ width: 1000, height: 860, dark: true, from: ".charts" },
    },
  ];
}

async function take(shots: readonly Shot[], command: string): Promise<void> {
  await using browser = await Browser.start(command);
  for (const { name, address, from, ...view } of shots) {
    await using tab = await browser.open(address, view);
    if (from !== undefined) {
      await tab.run(`document.querySelector("${from}").scrollIntoView()`);
    }
    await Deno.writeFile(join(HERE, name), await tab.screenshot());
  }
}

const command = await findBrowser();
if (command === null) throw new Error("no Chromium is installed");
const dir = await Deno.makeTempDir({ prefix: "hl-export-screenshots-" });
try {
  await exportTo(dir, sampleWorkspace());
  await using served = await servedBrowse(dir);
  const { path, url } = served;
  await take([...staticShots(dir), ...browseShots(path, url)], command);
} finally {
  await Deno.remove(dir, { recursive: true });
}
