import { assert, assertEquals } from "@std/assert";
import { walk } from "@std/fs";
import { dirname, fromFileUrl, join, relative } from "@std/path";

const SRC = fromFileUrl(new URL("../src/", import.meta.url));

/** The layers from the top to the ground: imports point down, or stay within one. */
const LAYERS: ReadonlyArray<readonly string[]> = [
  ["cli.ts", "demo/command.ts", "build/compile.ts", "build/release.ts"],
  ["build/build.ts"],
  ["build/self_extracting.ts"],
  ["verify/command.ts", "prompts/command.ts", "plan/command.ts"],
  ["real_world.ts", "run.ts", "help.ts"],
  ["report/"],
  ["ui/summary.ts", "ui/json_output.ts"],
  ["export.ts"],
  ["export_result.ts"],
  ["plan/"],
  [
    "listing.ts",
    "workspace_check.ts",
    "config.ts",
    "args.ts",
    "verify/",
    "prompts/",
  ],
  ["options.ts", "filters.ts"],
  ["exporters/", "demo/"],
  ["api/", "tree/", "ui/", "suggest.ts", "concurrency.ts", "platform.ts"],
  [
    "world.ts",
    "observer.ts",
    "work.ts",
    "places.ts",
    "errors.ts",
    "chunk_size.ts",
    "json.ts",
    "redact.ts",
    "version.ts",
    "bytes.ts",
    "exit.ts",
    "build/program_name.ts",
  ],
  ["std/"],
];
/** Process globals, and their only homes. */
const GLOBALS: ReadonlyArray<readonly [RegExp, readonly string[]]> = [
  [/\bDeno\.exit\b/, [
    "real_world.ts",
    "build/compile.ts",
    "build/release.ts",
  ]],
  [/\bDeno\.Command\b/, ["build/build.ts"]],
  [
    /\bDeno\.(env|stdout|stderr|stdin|open|mkdir|rename|remove|readFile|readDir|addSignalListener)\b/,
    ["real_world.ts", "build/"],
  ],
  [/\bconsole\./, []],
  [/\b(setTimeout|setInterval|Date\.now|Math\.random)\b/, ["real_world.ts"]],
  [/(?<![.\w#])fetch\(/, ["real_world.ts"]],
  [/\bDeno\.serve\b/, ["demo/server.ts"]],
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

function layerOf(name: string): number {
  const exact = LAYERS.findIndex((layer) => layer.includes(name));
  if (exact !== -1) return exact;
  return LAYERS.findIndex((layer) =>
    layer.some((entry) => entry.endsWith("/") && name.startsWith(entry))
  );
}

function importsOf(name: string, text: string): string[] {
  return [...text.matchAll(/(?:from|import\()\s*"(\.[^"]+\.ts)"/g)]
    .map(([, path]) => join(dirname(name), path!).replaceAll("\\", "/"));
}

Deno.test("imports point down, and api, tree and ui do not know each other", async () => {
  const wrong: string[] = [];
  for (const [name, text] of await sources()) {
    assert(layerOf(name) !== -1, `${name} belongs to no layer`);
    for (const target of importsOf(name, text)) {
      const [from, to] = [name, target].map((one) => one.split("/")[0]!);
      const sideways = layerOf(target) === layerOf(name) && from !== to &&
        name.includes("/") && target.includes("/");
      // The command line starts the demo; nothing else may look up.
      const lazy = name === "cli.ts" && target === "demo/command.ts";
      if (!lazy && (layerOf(target) < layerOf(name) || sideways)) {
        wrong.push(`${name} imports ${target}`);
      }
    }
  }
  assertEquals(wrong, []);
});

Deno.test("no module imports itself by a detour", async () => {
  const texts = await sources();
  const visit = (name: string, path: readonly string[]): void => {
    assert(!path.includes(name), [...path, name].join(" → "));
    const imports = importsOf(name, texts.get(name) ?? "");
    for (const target of imports) visit(target, [...path, name]);
  };
  for (const name of texts.keys()) visit(name, []);
});

Deno.test("process globals stay in their homes, files stay small", async () => {
  const wrong: string[] = [];
  for (const [name, text] of await sources()) {
    for (const [pattern, homes] of GLOBALS) {
      const found = pattern.exec(text);
      const isHome = homes.some((home) => name.startsWith(home));
      if (found && !isHome) wrong.push(`${name}: ${found[0]}`);
    }
    const lines = text.split("\n").length;
    if (lines > 250 && !name.endsWith(".css")) {
      wrong.push(`${name} has ${lines} lines`);
    }
  }
  assertEquals(wrong, []);
});
