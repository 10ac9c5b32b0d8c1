/**
 * `deno task compile`: builds the standalone executable with `deno compile`, with
 * the permissions of `deno task export` and nothing more baked in. What follows
 * on the command line goes to `deno compile`: `--target aarch64-apple-darwin`.
 */
import { fromFileUrl } from "@std/path";
import config from "../../deno.json" with { type: "json" };

const permissions = config.tasks.export.split(" ").filter((word) =>
  word.startsWith("--")
);
const { code } = await new Deno.Command(Deno.execPath(), {
  args: [
    "compile",
    ...permissions,
    "--output",
    "hl-export",
    ...Deno.args,
    "main.ts",
  ],
  cwd: fromFileUrl(new URL("../../", import.meta.url)),
}).spawn().status;
Deno.exit(code);
