/**
 * `deno task compile`: builds ./hl-export. Arguments are passed on to
 * `deno compile`: `--target aarch64-apple-darwin`.
 */
import { fromFileUrl } from "@std/path";
import { buildInto } from "./build.ts";

const ROOT = fromFileUrl(new URL("../../", import.meta.url));

Deno.exit(await buildInto(ROOT, Deno.args));
