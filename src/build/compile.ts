/**
 * `deno task compile`: builds ./hl-export. What follows on the command line goes
 * to `deno compile`: `--target aarch64-apple-darwin`.
 */
import { fromFileUrl, join } from "@std/path";
import { build } from "./build.ts";

const ROOT = fromFileUrl(new URL("../../", import.meta.url));

const dir = await Deno.makeTempDir({ dir: ROOT, prefix: ".build-" });
let code;
try {
  code = await build(dir, Deno.args);
  if (code === 0) {
    for await (const { name } of Deno.readDir(dir)) {
      await Deno.rename(join(dir, name), join(ROOT, name));
    }
  }
} finally {
  await Deno.remove(dir, { recursive: true });
}
Deno.exit(code);
