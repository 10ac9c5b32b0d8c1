/**
 * `deno task release`: builds hl-export for every system that it can, into dist/,
 * with their SHA-256 sums. Ends with exit 1 when none could be built.
 */
import { createHash } from "node:crypto";
import { fromFileUrl, join } from "@std/path";
import { build } from "./build.ts";

const DIST = fromFileUrl(new URL("../../dist/", import.meta.url));
const TARGETS = [
  "x86_64-unknown-linux-gnu",
  "aarch64-unknown-linux-gnu",
  "x86_64-apple-darwin",
  "aarch64-apple-darwin",
  "x86_64-pc-windows-msvc",
];

function print(text: string): void {
  Deno.stderr.writeSync(new TextEncoder().encode(`${text}\n`));
}

async function buildFor(target: string): Promise<string | null> {
  const dir = await Deno.makeTempDir({ dir: DIST, prefix: ".build-" });
  try {
    const isHere = target === Deno.build.target;
    const code = await build(dir, isHere ? [] : ["--target", target]);
    if (code !== 0) return null;
    const isWindows = target.includes("windows");
    const name = `hl-export-${target}${isWindows ? ".exe" : ""}`;
    for await (const { name: built } of Deno.readDir(dir)) {
      await Deno.rename(join(dir, built), join(DIST, name));
    }
    return name;
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

await Deno.mkdir(DIST, { recursive: true });
let sums = "";
for (const target of TARGETS) {
  const name = await buildFor(target);
  print(name === null ? `${target}: cannot be built here` : `dist/${name}`);
  if (name === null) continue;
  const bytes = await Deno.readFile(join(DIST, name));
  const sum = createHash("sha256").update(bytes).digest("hex");
  sums += `${sum}  ${name}\n`;
}
await Deno.writeTextFile(join(DIST, "SHA256SUMS"), sums);
Deno.exit(sums === "" ? 1 : 0);
