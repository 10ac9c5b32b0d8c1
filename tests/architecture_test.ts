import { assert, assertEquals } from "@std/assert";
import { walk } from "@std/fs";
import { dirname, fromFileUrl, join, relative } from "@std/path";

const SRC = fromFileUrl(new URL("../src/", import.meta.url));
const CONTRIBUTING = fromFileUrl(
  new URL("../.github/CONTRIBUTING.md", import.meta.url),
);

/**
 * Says what the modules of a folder may import besides their own folder, `core`
 * and `std`. Imports point down this table.
 */
const FOLDERS: Readonly<Record<string, readonly string[]>> = {
  std: [],
  core: [],
  api: [],
  tree: [],
  ui: [],
  lists: ["api"],
  exporters: ["lists", "api", "tree"],
  prompts: ["tree"],
  report: ["tree", "ui", "prompts", "verify"],
  verify: ["tree", "lists", "api", "exporters"],
  plan: ["exporters", "lists", "api", "tree"],
  database: ["tree", "ui"],
  browse: ["database", "report", "prompts", "tree", "ui"],
  datasets: ["database", "prompts", "tree"],
  otlp: ["database", "tree", "ui", "api"],
  demo: [],
  build: [],
  cli: [
    ...["plan", "verify", "report", "prompts", "demo", "database", "browse"],
    ...["datasets", "otlp", "exporters", "lists", "api", "tree", "ui"],
  ],
};
/** Files in one folder, which a reader is to take in at a glance. */
const MOST_FILES = 12;

/** Names process globals, and the only files that may use them. */
const GLOBALS: ReadonlyArray<readonly [RegExp, readonly string[]]> = [
  [/\bDeno\.exit\b/, [
    "core/runtime/deno_runtime.ts",
    "build/compile.ts",
    "build/release.ts",
  ]],
  [/\bDeno\.Command\b/, ["build/build.ts"]],
  [
    /\bDeno\.(env|stdout|stderr|stdin|open|mkdir|rename|remove|readFile|readDir|lstat|realPath|addSignalListener)\b/,
    ["core/runtime/deno_runtime.ts", "build/"],
  ],
  [/\bconsole\./, []],
  [/\b(setTimeout|setInterval|Date\.now|performance\.now|Math\.random)\b/, [
    "core/runtime/deno_runtime.ts",
  ]],
  [/(?<![.\w#])fetch\(/, ["core/runtime/deno_runtime.ts"]],
  [/\bDeno\.serve\b/, ["demo/server.ts", "browse/serve.ts"]],
];

async function sources(): Promise<Map<string, string>> {
  const texts = new Map<string, string>();
  for await (const { path } of walk(SRC, { includeDirs: false })) {
    const name = relative(SRC, path).replaceAll("\\", "/");
    const text = await Deno.readTextFile(path);
    texts.set(name, text.replace(/^\s*(\/?\*|\/\/).*$/gm, ""));
  }
  return texts;
}

function importsOf(name: string, text: string): string[] {
  return [...text.matchAll(/(?:from|import\()\s*"(\.[^"]+\.ts)"/g)]
    .map(([, path]) => join(dirname(name), path!).replaceAll("\\", "/"));
}

Deno.test("imports point down the table of folders", async () => {
  const wrong: string[] = [];
  for (const [name, text] of await sources()) {
    const folder = name.split("/")[0]!;
    const allowed = FOLDERS[folder];
    assert(allowed && name.includes("/"), `${name} belongs to no folder`);
    for (const target of importsOf(name, text)) {
      const to = target.split("/")[0]!;
      const isCommon = to === folder || folder !== "std" && to === "core";
      if (!isCommon && !allowed.includes(to)) {
        wrong.push(`${name} imports ${target}`);
      }
    }
  }
  assertEquals(wrong, []);
});

Deno.test("a folder holds about ten files", async () => {
  const folders = Map.groupBy((await sources()).keys(), dirname);
  const wrong = [...folders].filter(([, names]) => names.length > MOST_FILES)
    .map(([folder, names]) => `${folder} holds ${names.length} files`);
  assertEquals(wrong, []);
});

Deno.test("no module imports itself through others", async () => {
  const texts = await sources();
  const visited = new Set<string>();
  const visit = (name: string, path: readonly string[]): void => {
    assert(!path.includes(name), [...path, name].join(" → "));
    if (visited.has(name)) return;
    visited.add(name);
    const imports = importsOf(name, texts.get(name) ?? "");
    for (const target of imports) visit(target, [...path, name]);
  };
  for (const name of texts.keys()) visit(name, []);
});

Deno.test("process globals are used by the few files that may", async () => {
  const wrong: string[] = [];
  for (const [name, text] of await sources()) {
    for (const [pattern, homes] of GLOBALS) {
      const match = pattern.exec(text);
      const isHome = homes.some((home) => name.startsWith(home));
      if (match && !isHome) wrong.push(`${name}: ${match[0]}`);
    }
  }
  assertEquals(wrong, []);
});

Deno.test("CONTRIBUTING names every folder, and files and functions that exist", async () => {
  const text = (await Deno.readTextFile(CONTRIBUTING)).replace(/\s+/g, " ");
  const folders = [...text.matchAll(/\| `src\/(\w+)\/`/g)].map(([, one]) =>
    one
  );
  assertEquals(folders.sort(), Object.keys(FOLDERS).sort());
  const wrong: string[] = [];
  // `name` (`path`) → `step` → `step`
  const named = /`(\w+)` \(`([^`]+\.ts)`\)((?: → `#?\w+`)*)/g;
  for (const [, name = "", path = "", steps = ""] of text.matchAll(named)) {
    const code = await Deno.readTextFile(join(SRC, "..", path)).catch(() => "");
    for (const one of [name, ...steps.split(" → ").slice(1)]) {
      const isThere = code.includes(one.replaceAll("`", ""));
      if (!isThere) wrong.push(`${path} has no ${one}`);
    }
  }
  assertEquals(wrong, []);
});
