/** A workspace whose every text tries to get out of the page that shows it. */
import type { Tab } from "../helpers/browser.ts";
import { sampleWorkspace } from "../../src/demo/sample/sample.ts";
import {
  type DemoFile,
  type Sequence,
  sequence,
  type Workspace,
} from "../../src/demo/workspace.ts";

/** Texts that do harm where they are taken for markup, script or addresses. */
export function hostileTexts(origin: string): readonly string[] {
  return [
    `<script>hacked=1;alert(1)</script>`,
    `"><img src="${origin}/img" onerror="hacked=2">`,
    `</script><script>hacked=3</script>`,
    `javascript:hacked=4`,
    `<a href="javascript:hacked=5" onclick="hacked=5">link</a>`,
    `<svg onload="hacked=6"><use href="${origin}/use"></svg>`,
    `<iframe src="${origin}/frame" srcdoc="<script>parent.hacked=7</script>">`,
    `</style><style>*{background:url(${origin}/css)}</style>`,
    `<link rel="stylesheet" href="${origin}/link">`,
    `<meta http-equiv="refresh" content="0;url=${origin}/refresh">`,
    `<base href="${origin}/"><form action="${origin}/form"><button>`,
    `' onmouseover='hacked=8' autofocus onfocus='hacked=8`,
    `</textarea></title></pre></table><h1 id="data">out</h1>`,
    `<!-- ]]> {{constructor.constructor("hacked=9")()}} \${hacked=9}`,
    `a\u0000b\u0007c\u001b[31md\u202ee\u2028f`,
    `\\u003cscript\\u003ehacked=10\\u003c/script\\u003e &lt;b&gt; &amp;`,
    `__proto__`,
    `constructor`,
  ];
}

/** Fields that the program goes by, and that stay as they are. */
const KEPT =
  /^(id|version_id|type|created_at|directory_id|parent_id|run_id|evaluator_version_id|tag|return_type|file_id)$/;

/** Returns the sample, with a hostile text in every other field. */
export function hostileWorkspace(origin: string): Workspace {
  const texts = hostileTexts(origin);
  let n = 0;
  const next = () => texts[n++ % texts.length]!;
  const poison = (value: unknown, name: string): unknown => {
    if (typeof value === "string") return KEPT.test(name) ? value : next();
    if (Array.isArray(value)) return value.map((one) => poison(one, name));
    if (typeof value !== "object" || value === null) {
      return value === null && !KEPT.test(name) ? next() : value;
    }
    const fields = Object.entries(value)
      .map(([key, one]) => [key, poison(one, key)]);
    return Object.fromEntries([...fields, [next(), next()]]);
  };
  const poisoned = (text: string) =>
    JSON.stringify(poison(JSON.parse(text), ""));
  const poisonedLog = (text: string) => {
    const log = poison(JSON.parse(text), "") as Record<string, unknown>;
    return JSON.stringify({ ...log, error: next(), stdout: next() });
  };
  const some = (all: Sequence, most: number) =>
    sequence(Math.min(all.length, most), (i) => poisonedLog(all.at(i)!));
  const { directories, files } = sampleWorkspace();
  return {
    directories,
    files: files.map((file): DemoFile => {
      const logs = some(file.logs, 30);
      return {
        ...file,
        text: poisoned(file.text),
        versions: file.versions.map(({ id, text }) => ({
          id,
          text: poisoned(text),
        })),
        evaluations: file.evaluations.map((one) => ({
          ...one,
          text: poisoned(one.text),
          stats: poisoned(one.stats),
          runs: one.runs.map(({ id, text }) => ({ id, text: poisoned(text) })),
          logs: some(one.logs, 0),
        })),
        logs,
        bareLogs: logs,
      };
    }),
  };
}

/**
 * Puts markup into a page as if it had got through: a script, an image with a
 * handler, a request.
 *
 * @returns What came of the request, and of the variable that the scripts set.
 */
export async function tryMarkup(
  tab: Tab,
  origin: string,
): Promise<readonly [fetched: unknown, hacked: unknown]> {
  await tab.run(`{
    const script = document.createElement("script");
    script.textContent = "hacked = 99";
    document.body.append(script);
    const image = document.createElement("img");
    image.src = "${origin}/image";
    image.setAttribute("onerror", "hacked = 98");
    document.body.append(image);
  }`);
  const fetched = await tab.run(
    `fetch("${origin}/fetch").then(() => "came", () => "refused")`,
  );
  return [fetched, await tab.run("typeof hacked")];
}
