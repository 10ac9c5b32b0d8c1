/**
 * `deno task release`: builds hl-export for every system that it can, into dist/,
 * with their SHA-256 sums. Ends with exit 1 when none could be built.
 */
import { createHash } from "node:crypto";
import { fromFileUrl, join } from "@std/path";
import { buildInto, print } from "./build.ts";

const DIST = fromFileUrl(new URL("../../dist/", import.meta.url));
const TARGETS = [
  "x86_64-unknown-linux-gnu",
  "aarch64-unknown-linux-gnu",
  "x86_64-apple-darwin",
  "aarch64-apple-darwin",
  "x86_64-pc-windows-msvc",
];

async function buildFor(target: string): Promise<string | null> {
  const isHere = target === Deno.build.target;
  const ending = target.includes("windows") ? ".exe" : "";
  const name = `hl-export-${target}${ending}`;
  const args = isHere ? [] : ["--target", target];
  return await buildInto(DIST, args, name) === 0 ? name : null;
}

await Deno.mkdir(DIST, { recursive: true });
let sums = "";
for (const target of TARGETS) {
  const name = await buildFor(target);
  print(name === null ? `${target}: cannot be built here\n` : `dist/${name}\n`);
  if (name === null) continue;
  const bytes = await Deno.readFile(join(DIST, name));
  const sum = createHash("sha256").update(bytes).digest("hex");
  sums += `${sum}  ${name}\n`;
}
await Deno.writeTextFile(join(DIST, "SHA256SUMS"), sums);
Deno.exit(sums === "" ? 1 : 0);
