/** The pages in a real Chromium: what they show, how they are used, what they refuse. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { CLASSIFIER, sampleWorkspace } from "../../src/demo/sample/sample.ts";
import { shown } from "../../src/report/components/html.ts";
import { overviewPage } from "../../src/report/overview.ts";
import { Browser, findBrowser, type Tab } from "../helpers/browser.ts";
import { holdsLogs } from "../helpers/poison.ts";
import { tempDir } from "../helpers/tree.ts";
import { exportTo } from "./export_to.ts";
import { hostileTexts, hostileWorkspace, tryMarkup } from "./hostile.ts";
import { manyFiles } from "./many_files.ts";

const command = await findBrowser();
const WIDE = { width: 1200, height: 900 };
const PHONE = { width: 390, height: 800 };

/** Registers a test with a browser; if there is none, its name says so. */
function browserTest(name: string, test: (browser: Browser) => Promise<void>) {
  const skipped = "SKIPPED, FOR NO CHROMIUM IS INSTALLED: ";
  Deno.test({
    name: command === null ? skipped + name : name,
    ignore: command === null,
    fn: async () => {
      await using browser = await Browser.start(command!);
      await test(browser);
    },
  });
}

const rows = (tab: Tab) =>
  tab.run<string[]>(
    `[...document.querySelectorAll("#rows tr")].map((row) => row.cells[0].innerText.replace(/\\s+/g, " ").trim())`,
  );
const text = (tab: Tab, selector = "body") =>
  tab.run<string>(
    `document.querySelector(${JSON.stringify(selector)}).innerText`,
  );
const press = (tab: Tab, selector: string) =>
  tab.run(`document.querySelector(${JSON.stringify(selector)}).click()`);

/** Checks what holds for every page, whatever it shows. */
async function assertSound(tab: Tab, label: string): Promise<void> {
  const { requests, console, dialogs } = tab.deeds;
  assertEquals(console, [], label);
  assertEquals(dialogs, [], label);
  for (const url of requests) {
    assert(url.startsWith("file:///"), `${label}: ${url}`);
  }
  const shown = await tab.run(`({
    hacked: typeof hacked,
    strangers: [...document.querySelectorAll(
      "img,iframe,link,base,object,embed,form,video,audio,use,textarea",
    )].map((one) => one.outerHTML),
    scripts: document.scripts.length,
    styles: document.querySelectorAll("style").length,
    handlers: [...document.querySelectorAll("*")].flatMap((one) =>
      [...one.attributes].map(({ name }) => name)
    ).filter((name) => name.startsWith("on")),
    links: [...document.querySelectorAll("a")].map((one) => one.protocol)
      .filter((protocol) => protocol !== "file:"),
    unlabelled: [...document.querySelectorAll("input,select")]
      .filter((one) => one.labels.length === 0 || !one.labels[0].innerText.trim())
      .map((one) => one.outerHTML),
  })`);
  assertEquals(shown, {
    hacked: "undefined",
    strangers: [],
    scripts: 2,
    styles: 1,
    handlers: [],
    links: [],
    unlabelled: [],
  }, label);
  assertEquals(await nameless(tab), [], label);
}

/** Lists what can be used and has no name for those who cannot see it. */
async function nameless(tab: Tab): Promise<readonly string[]> {
  const { nodes } = await tab.send("Accessibility.getFullAXTree") as {
    nodes: ReadonlyArray<{
      readonly role?: { readonly value: string };
      readonly name?: { readonly value: string };
    }>;
  };
  const used =
    /^(button|link|checkbox|searchbox|combobox|table|image|DisclosureTriangle)$/;
  return nodes.map(({ role, name }) => ({
    role: role?.value ?? "",
    name: name?.value ?? "",
  })).filter(({ role, name }) => used.test(role) && name.trim() === "")
    .map(({ role }) => role);
}

browserTest(
  "Files can be reached by searching, filtering, sorting and in their tree",
  async (browser) => {
    await using dir = await tempDir();
    await exportTo(dir.path, sampleWorkspace());
    await using tab = await browser.open(join(dir.path, "index.html"), WIDE);
    const status = () => text(tab, "#status");
    assertEquals(await status(), "14 Files");
    const tree = await rows(tab);
    assertEquals(tree.slice(0, 4), [
      "Archive (empty) 0",
      "Shared 6",
      "Evaluators 5",
      "Answer length ev_60hsKe2rlMjCfuTZXcgBw",
    ]);
    // By keyboard alone: / to the search, words in any order, Escape to leave it.
    await tab.press("/");
    await tab.type("classifier TRIAGE");
    assertEquals(await status(), "1 of 14 Files");
    assertEquals(await rows(tab), [`${CLASSIFIER.path} ${CLASSIFIER.id}`]);
    await tab.press("Escape");
    assertEquals(await rows(tab), tree);
    await tab.type(CLASSIFIER.id.slice(3, 12));
    assertEquals(await status(), "1 of 14 Files");
    await tab.press("Escape");
    await tab.type("nothing of that name");
    assertEquals([await status(), await rows(tab)], ["0 of 14 Files", []]);
    await tab.press("Escape");
    // A Directory is closed and opened by keyboard, and keeps the focus.
    await tab.run(`document.querySelectorAll(".dir button")[1].focus()`);
    await tab.press("Enter");
    assertEquals((await rows(tab)).length, tree.length - 7);
    assertEquals(
      await tab.run(`document.activeElement.getAttribute("aria-expanded")`),
      "false",
    );
    await tab.press("Enter");
    assertEquals(await rows(tab), tree);
    await press(tab, `input[value="dataset"]`);
    assertEquals(await status(), "2 of 14 Files");
    await press(tab, `input[value="tool"]`);
    assertEquals(await status(), "3 of 14 Files");
    await press(tab, `input[value="dataset"]`);
    await press(tab, `input[value="tool"]`);
    await press(tab, `th[data-key="logs"] button`);
    assertStringIncludes((await rows(tab))[0]!, CLASSIFIER.path);
    const sorted = (key: string) =>
      tab.run(
        `document.querySelector('th[data-key="${key}"]').getAttribute("aria-sort")`,
      );
    assertEquals(await sorted("logs"), "descending");
    await press(tab, `th[data-key="logs"] button`);
    assertEquals([await sorted("logs"), await sorted("path")], [
      "ascending",
      null,
    ]);
    assertStringIncludes((await rows(tab)).at(-1)!, CLASSIFIER.path);
    await assertSound(tab, "overview");
    await tab.look(PHONE);
    assertEquals(
      await tab.run(`document.documentElement.scrollWidth <= innerWidth`),
      true,
    );
  },
);

browserTest(
  "a Prompt's page shows Versions, differences, Evaluations and Logs",
  async (browser) => {
    await using dir = await tempDir();
    await exportTo(dir.path, sampleWorkspace());
    await using tab = await browser.open(join(dir.path, "index.html"), WIDE);
    const href = await tab.run<string>(
      `[...document.querySelectorAll("#rows a")].find((one) => one.innerText === "Ticket Classifier").getAttribute("href")`,
    );
    await tab.goto(join(dir.path, href));
    const page = await text(tab);
    for (
      const wanted of [
        "Support / Triage /",
        "v7 (default)",
        "  Label the ticket with one of 10 labels: {{ticket}}",
        "12345678901234567890",
        "2 lines of v6 are not in v7, 2 are new.",
        "June regression",
        "80 % true (480 of 600)",
        "mean 5.963 ± 1.905 (600)",
        "friendly 62.8 %, curt 37.2 % of 86",
        "The newest 20 of 3,512",
        "Wo bleibt mein Paket?",
      ]
    ) assertStringIncludes(page, wanted);
    const summaries = await tab.run<string[]>(
      `[...document.querySelectorAll("summary b")].map((one) => one.innerText)`,
    );
    assertEquals(summaries, ["v7", "v6", "v5", "v4", "v3", "v2", "v1"]);
    assertEquals(
      await tab.run(`document.querySelectorAll(".logs tbody tr").length`),
      20,
    );
    // Any two can be compared.
    const choose = (id: string, index: number) =>
      tab.run(`{
      const select = document.getElementById("${id}");
      select.value = ${index};
      select.dispatchEvent(new Event("change"));
    }`);
    await choose("from", 6);
    const changed = await tab.run<string[]>(
      `[...document.querySelectorAll("#diff ins, #diff del")].map((one) => one.innerText)`,
    );
    assertEquals(changed, [
      "model: gpt-4o-mini",
      "model: gpt-4o",
      "  Label the ticket with one of 4 labels: {{ticket}}",
      "  Label the ticket with one of 10 labels: {{ticket}}",
    ]);
    await choose("from", 0);
    assertEquals(await text(tab, "#difference"), "v7 and v7 are the same.");
    const charts = await tab.run<string[]>(
      `[...document.querySelectorAll("figure svg[role=img]")].map((one) => one.getAttribute("aria-label"))`,
    );
    assertEquals(charts.length, 8);
    assertStringIncludes(charts.join(), "v6 on Golden tickets: 91.8 % true");
    await assertSound(tab, "prompt");
    for (const view of [PHONE, { ...WIDE, dark: true }]) {
      await tab.look(view);
      assertEquals(
        await tab.run(`document.documentElement.scrollWidth <= innerWidth`),
        true,
      );
    }
  },
);

browserTest(
  "what is missing is at the top, of the export and of the File",
  async (browser) => {
    await using dir = await tempDir();
    const before = (url: URL) =>
      holdsLogs(url, CLASSIFIER.id, [7])
        ? new Response("", { status: 500 })
        : undefined;
    await exportTo(dir.path, sampleWorkspace(), before);
    await using tab = await browser.open(join(dir.path, "index.html"), WIDE);
    const gaps = await text(tab, ".gaps");
    assertStringIncludes(gaps, "This export is not complete");
    assertStringIncludes(
      gaps,
      `${CLASSIFIER.path}: ${CLASSIFIER.id} logs (1 record from number 8): HTTP 500`,
    );
    await tab.goto(join(dir.path, "files", CLASSIFIER.id, "index.html"));
    assertStringIncludes(
      await text(tab, ".gaps"),
      "logs (1 record from number 8)",
    );
  },
);

browserTest(
  "hostile texts in every field are shown as text: nothing runs, nothing is asked for",
  async (browser) => {
    let asked = 0;
    await using server = Deno.serve({
      port: 0,
      hostname: "127.0.0.1",
      onListen() {},
    }, () => {
      asked++;
      return new Response("");
    });
    const { port } = server.addr as Deno.NetAddr;
    const origin = `http://127.0.0.1:${port}`;
    const workspace = hostileWorkspace(origin);
    await using dir = await tempDir();
    await exportTo(dir.path, workspace);
    await using tab = await browser.open(join(dir.path, "index.html"), WIDE);
    await press(tab, `th[data-key="logs"] button`);
    await tab.run(`document.getElementById("query").value = "<script>"`);
    await assertSound(tab, "overview");
    let all = await text(tab);
    for (const { id } of workspace.files) {
      await tab.goto(join(dir.path, "files", id, "index.html"));
      await tab.run(`for (const one of document.querySelectorAll("details")) {
      one.open = true;
    }
    for (const one of document.querySelectorAll("select")) {
      one.value = one.options.length - 1;
      one.dispatchEvent(new Event("change"));
    }
    for (const one of document.querySelectorAll("*")) {
      one.dispatchEvent(new MouseEvent("mouseover", { bubbles: true }));
    }`);
      await assertSound(tab, id);
      all += await tab.run<string>("document.body.textContent");
    }
    for (const hostile of hostileTexts(origin)) {
      assertStringIncludes(all, shown(hostile));
    }
    // And if markup did get through, the policy would stop it.
    assertEquals(await tryMarkup(tab, origin), [
      "refused",
      "undefined",
    ]);
    assertEquals(asked, 0);
  },
);

browserTest("10,000 Files: all are listed, few are drawn", async (browser) => {
  await using dir = await tempDir();
  const path = join(dir.path, "index.html");
  await Deno.writeTextFile(path, overviewPage(manyFiles(10_000)).join(""));
  await using tab = await browser.open(path, WIDE);
  assertEquals(await text(tab, "#status"), "10,000 Files");
  assertEquals((await rows(tab)).length, 20);
  await tab.press("/");
  await tab.type("file 77");
  assertEquals(await text(tab, "#status"), "280 of 10,000 Files");
  await tab.press("Escape");
  await tab.type("team");
  assertEquals(await text(tab, "#status"), "10,000 Files");
  assertEquals((await rows(tab)).length, 200);
  await press(tab, "#more");
  assertEquals((await rows(tab)).length, 400);
  await assertSound(tab, "10,000 Files");
});
