/** `deno task screenshots`: the README's pictures, taken from the demo's export. */
import { fromFileUrl, join } from "@std/path";
import { CLASSIFIER } from "../../src/demo/sample/files.ts";
import { sampleWorkspace } from "../../src/demo/sample/sample.ts";
import { Browser, findBrowser, type View } from "../helpers/browser.ts";
import { exportTo } from "../report/export_to.ts";

const HERE = fromFileUrl(new URL(".", import.meta.url));
const SHOTS: ReadonlyArray<
  readonly [name: string, path: readonly string[], view: View]
> = [
  ["overview.png", ["index.html"], { width: 1100, height: 720 }],
  [
    "prompt.png",
    ["files", CLASSIFIER.id, "index.html"],
    { width: 1100, height: 900, dark: true },
  ],
];

const command = await findBrowser();
if (command === null) throw new Error("no Chromium is installed");
const dir = await Deno.makeTempDir({ prefix: "hl-export-screenshots-" });
try {
  await exportTo(dir, sampleWorkspace());
  await using browser = await Browser.start(command);
  for (const [name, path, view] of SHOTS) {
    await using tab = await browser.open(join(dir, ...path), view);
    await Deno.writeFile(join(HERE, name), await tab.screenshot());
  }
} finally {
  await Deno.remove(dir, { recursive: true });
}
