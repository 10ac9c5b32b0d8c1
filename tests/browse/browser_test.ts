/** The pages in a real Chromium: how they are used, and what they refuse. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { shown } from "../../src/report/components/html.ts";
import { axeSource, obstacles } from "../helpers/axe.ts";
import { Browser, findBrowser, type Tab } from "../helpers/browser.ts";
import { servedBrowse } from "../helpers/served_browse.ts";
import { tempDir } from "../helpers/tree.ts";
import { exportTo } from "../report/export_to.ts";
import {
  hostileTexts,
  hostileWorkspace,
  tryMarkup,
} from "../report/hostile.ts";
import { writeRichExport } from "./rich_export.ts";

const command = await findBrowser();
const WIDE = { width: 1200, height: 900 };
/** Pages that a walk from link to link looks at. */
const MOST_PAGES = 140;
const PHONE = { width: 390, height: 800 };

/** A test with a browser; if there is none, its name says so. */
function browserTest(
  name: string,
  write: (dir: string) => Promise<void>,
  test: (browser: Browser, url: string) => Promise<void>,
) {
  const skipped = "SKIPPED, FOR NO CHROMIUM IS INSTALLED: ";
  Deno.test({
    name: command === null ? skipped + name : name,
    ignore: command === null,
    fn: async () => {
      await using dir = await tempDir();
      await write(dir.path);
      await using served = await servedBrowse(dir.path);
      await using browser = await Browser.start(command!);
      await test(browser, served.url);
    },
  });
}

const text = (tab: Tab, selector = "body") =>
  tab.run<string>(
    `document.querySelector(${JSON.stringify(selector)}).innerText`,
  );

/** Follows a link, and waits for its page. */
async function follow(tab: Tab, selector: string): Promise<void> {
  const href = await tab.run<string>(
    `document.querySelector(${JSON.stringify(selector)}).href`,
  );
  await tab.goto(href);
}

/** What every page must be, whatever it shows. */
async function assertSound(tab: Tab, url: string, what: string): Promise<void> {
  const { requests, console, dialogs } = tab.deeds;
  assertEquals([console, dialogs], [[], []], what);
  for (const one of requests) {
    assert(one.startsWith(url) || one.startsWith("data:"), `${what}: ${one}`);
  }
  const state = await tab.run(`({
    hacked: typeof hacked,
    strangers: [...document.querySelectorAll(
      "iframe,base,object,embed,video,audio,use,textarea,meta[http-equiv]",
    )].map((one) => one.outerHTML),
    images: [...document.images].filter((one) => !one.src.startsWith("data:image/")).length,
    forms: [...document.forms].filter((one) => new URL(one.action).origin !== location.origin).length,
    links: [...document.querySelectorAll("a")].filter((one) => one.origin !== location.origin).map((one) => one.href),
    sheets: document.querySelectorAll("style").length + document.querySelectorAll("link").length,
    scripts: document.scripts.length,
    handlers: [...document.querySelectorAll("*")].flatMap((one) =>
      [...one.attributes].map(({ name }) => name)
    ).filter((name) => name.startsWith("on") || name === "style"),
    unlabelled: [...document.querySelectorAll("input,select")]
      .filter((one) => one.labels.length === 0 || !one.labels[0].innerText.trim())
      .map((one) => one.outerHTML),
    wide: document.documentElement.scrollWidth > innerWidth,
  })`);
  assertEquals(state, {
    ...{ hacked: "undefined", strangers: [], images: 0, forms: 0, links: [] },
    ...{ sheets: 2, scripts: 1, handlers: [], unlabelled: [], wide: false },
  }, what);
}

/** Presses Tab until something has the focus. */
async function tabTo(tab: Tab, selector: string): Promise<void> {
  for (let i = 0; i < 60; i++) {
    await tab.press("Tab");
    const isThere = await tab.run<boolean>(
      `document.activeElement.matches(${JSON.stringify(selector)})`,
    );
    if (isThere) return;
  }
  throw new Error(`the keyboard does not reach ${selector}`);
}

/** The pages of the rich export, one of each kind and more. */
const PAGES = [
  ...["", "logs", "logs?q=number7", "log?id=order%2F9+run%263", "log?id=log_3"],
  ...["files/pr_1", "files/pr_1/diff?from=prv_1&to=prv_2", "problems"],
  ...["evaluations/evr_1", "evaluations/evr_1?worse=ev_1&from=run_1&to=run_2"],
  ...["files/ds_1?from=dsv_1&to=dsv_2"],
];

browserTest(
  "a Log is found by a word, followed to its trace, and the link shows the same to a colleague",
  writeRichExport,
  async (browser, url) => {
    await using tab = await browser.open(url, WIDE);
    await tab.press("/");
    await tab.type("refund");
    await tab.loads(() => tab.press("Enter"));
    const address = await tab.run<string>("location.href");
    assertEquals(address, `${url}logs?q=refund`);
    assertStringIncludes(await text(tab, "[role=status]"), "1 Log");
    const link = `${url}logs?q=number1*&environment=staging&sort=cost`;
    for (const sent of [address, link]) {
      await tab.goto(sent);
      await using other = await browser.open(sent, PHONE);
      assertEquals(
        await text(other, "[role=status]"),
        await text(tab, "[role=status]"),
      );
      const shownIds =
        `[...document.querySelectorAll("td a")].map((one) => one.href)`;
      assertEquals(await other.run(shownIds), await tab.run(shownIds));
    }
    await tab.goto(address);
    await follow(tab, "td a");
    assertStringIncludes(await text(tab, ".trace .current"), "Answer flow");
    assertEquals(
      await tab.run(
        `[document.images.length, document.images[0].naturalWidth]`,
      ),
      [1, 1],
    );
    await follow(tab, ".trace td.depth2 a");
    assertStringIncludes(await text(tab, ".trace .current"), "lookup_order");
    assertEquals(
      await tab.run("document.querySelector('.copy').hidden"),
      false,
    );
    await assertSound(tab, url, "trace");
  },
);

browserTest(
  "two Runs are compared: Datapoints where they disagree come first, and only those that became worse are left",
  writeRichExport,
  async (browser, url) => {
    await using tab = await browser.open(`${url}evaluations/evr_1`, WIDE);
    const rows =
      `[...document.querySelectorAll("#datapoints ~ .scroll tbody tr")]
      .map((row) => [row.querySelector("code").innerText,
        row.querySelector("th .badge")?.innerText ?? "",
        ...[...row.querySelectorAll("td > dl dd")].map((one) => one.innerText)])`;
    const all = await tab.run<string[][]>(rows);
    const worse = ["dp_0", "dp_3", "dp_6"]
      .map((id) => [id, "Runs disagree", "true", "false"]);
    assertEquals(all.slice(0, 3), worse);
    assertEquals(all.slice(3).map(([, badge]) => badge), Array(6).fill(""));
    await tabTo(tab, "select[name=worse]");
    await tab.press("S");
    await tabTo(tab, "form[aria-label=Datapoints] button");
    await tab.loads(() => tab.press("Enter"));
    const address = await tab.run<string>("location.href");
    const asked = new URL(address).searchParams;
    assertEquals(
      ["worse", "from", "to"].map((name) => asked.get(name)),
      ["ev_1", "run_1", "run_2"],
    );
    assertStringIncludes(
      await text(tab, "#datapoints ~ [role=status]"),
      "3 Datapoints where the second Run is worse than the first",
    );
    assertEquals(await tab.run(rows), worse);
    await assertSound(tab, url, "two Runs");
    await follow(tab, "#datapoints ~ .scroll td a");
    assertStringIncludes(await text(tab), "June regression");
  },
);

browserTest(
  "the keyboard alone leads from a word to a Log, its trace and a step of it",
  writeRichExport,
  async (browser, url) => {
    await using tab = await browser.open(url, WIDE);
    await tab.press("/");
    await tab.type("refund");
    await tab.loads(() => tab.press("Enter"));
    await tabTo(tab, "td a");
    assert(
      await tab.run(`document.activeElement.matches(":focus-visible") &&
        getComputedStyle(document.activeElement).outlineStyle !== "none"`),
    );
    await tab.loads(() => tab.press("Enter"));
    await tabTo(tab, ".trace td.depth2 a");
    await tab.loads(() => tab.press("Enter"));
    assertStringIncludes(await text(tab, ".trace .current"), "lookup_order");
    await tabTo(tab, "nav a[href^='/files/']");
    await tab.loads(() => tab.press("Enter"));
    assertStringIncludes(await text(tab, "h1"), "lookup_order");
  },
);

browserTest(
  "pages fit 390 px, dark and light, and work without JavaScript",
  writeRichExport,
  async (browser, url) => {
    await using tab = await browser.open(url, PHONE);
    for (const dark of [false, true]) {
      await tab.look({ ...PHONE, dark });
      for (const page of PAGES) {
        await tab.goto(url + page);
        await assertSound(tab, url, page);
      }
    }
    await tab.send("Emulation.setScriptExecutionDisabled", { value: true });
    const find = async (selector: string) => {
      const { root } = await tab.send("DOM.getDocument", { depth: 0 }) as {
        root: { nodeId: number };
      };
      const { nodeId } = await tab.send("DOM.querySelector", {
        ...{ nodeId: root.nodeId, selector },
      }) as { nodeId: number };
      assert(nodeId > 0, selector);
      return nodeId;
    };
    for (const page of PAGES) {
      await tab.goto(url + page);
      await find("main h1");
    }
    // A form is sent by the browser itself.
    await tab.send("DOM.focus", { nodeId: await find("[role=search] input") });
    await tab.type("refund");
    await tab.loads(() => tab.press("Enter"));
    const { outerHTML } = await tab.send("DOM.getOuterHTML", {
      nodeId: await find("main"),
    });
    assertStringIncludes(String(outerHTML), `<p role="status">1 Log</p>`);
    assertStringIncludes(String(outerHTML), "Answer flow");
  },
);

const axe = await axeSource();
const AXE_TEST =
  "axe-core finds nothing in any page, dark or light, wide or 390 px";
if (axe === null) {
  const name = `SKIPPED, FOR axe-core CANNOT BE HAD: ${AXE_TEST}`;
  Deno.test({ name, ignore: true, fn() {} });
} else {
  browserTest(AXE_TEST, writeRichExport, async (browser, url) => {
    await using tab = await browser.open(url, WIDE);
    const seen: string[] = [];
    for (const view of [WIDE, { ...WIDE, dark: true }, PHONE]) {
      await tab.look(view);
      for (const page of PAGES) {
        await tab.goto(url + page);
        const all = await obstacles(tab, axe);
        seen.push(...all.map((one) => `${page}: ${one}`));
      }
    }
    assertEquals(seen, []);
    await tab.run(`document.querySelector("main").append(new Image())`);
    assertEquals(await obstacles(tab, axe), ["image-alt: <img>"]);
  });
}

browserTest(
  "hostile texts in every field are shown as text: nothing runs, nothing is asked for",
  async (dir) => {
    await exportTo(dir, hostileWorkspace("http://127.0.0.1:1"));
    // A Log's own id may be any text.
    const file = (await Array.fromAsync(Deno.readDir(join(dir, "files"))))
      .find(({ name }) => name.startsWith("pr_"))!;
    const lines = hostileTexts("http://127.0.0.1:1").map((one) =>
      JSON.stringify({
        ...{ id: one, prompt: { id: one, version_id: one }, trace_id: one },
        ...{ user: one, environment: one, source: one, output: one },
        messages: [{ role: one, content: [{ image_url: { url: one } }] }],
        trace_children: [{ id: `child ${one}`, tool: { id: one }, error: one }],
        evaluator_logs: [{
          ...{ id: `judged ${one}`, evaluator: { id: one, path: one } },
          judgment: one,
        }],
      }) + "\n"
    ).join("");
    const chunk = join(dir, "files", file.name, "logs/99.jsonl");
    await Deno.writeTextFile(chunk, lines);
  },
  async (browser, url) => {
    let asked = 0;
    await using server = Deno.serve({
      ...{ port: 0, hostname: "127.0.0.1", onListen() {} },
    }, () => {
      asked++;
      return new Response("");
    });
    const origin = `http://127.0.0.1:${(server.addr as Deno.NetAddr).port}`;
    await using tab = await browser.open(url, WIDE);
    const seen = new Set<string>();
    const rest = [url, `${url}problems`];
    for (const one of hostileTexts("http://127.0.0.1:1")) {
      const query = new URLSearchParams({ q: one, user: one, version: one });
      rest.push(`${url}logs?${query}`);
      rest.push(`${url}log?${new URLSearchParams({ id: one })}`);
    }
    let all = "";
    for (let next = rest.shift(); next !== undefined; next = rest.shift()) {
      const kind = next.replace(/(id|after|number|version)=[^&]*/g, "$1");
      if (seen.has(next) || seen.size > MOST_PAGES) continue;
      seen.add(next);
      await tab.goto(next);
      const isMissing = (await text(tab, "h1")).includes("no such record");
      if (isMissing) tab.deeds.console.length = 0;
      await tab.run(`{
        for (const one of document.querySelectorAll("details")) one.open = true;
        for (const one of document.querySelectorAll("*")) {
          one.dispatchEvent(new MouseEvent("mouseover", { bubbles: true }));
        }
      }`);
      await assertSound(tab, url, kind);
      all += await tab.run<string>("document.body.textContent");
      const links = await tab.run<string[]>(
        `[...document.querySelectorAll("a")].map((one) => one.href).filter((one) => !one.includes("/json"))`,
      );
      const perPage = new Map<string, number>();
      for (const link of links) {
        const path = new URL(link).pathname;
        perPage.set(path, (perPage.get(path) ?? 0) + 1);
        if (perPage.get(path)! <= 3) rest.push(link);
      }
    }
    for (const hostile of hostileTexts("http://127.0.0.1:1")) {
      assertStringIncludes(all, shown(hostile));
    }
    // And if markup did get through, the policy would stop it.
    assertEquals([...await tryMarkup(tab, origin), asked], [
      ...["refused", "undefined"],
      0,
    ]);
  },
);
