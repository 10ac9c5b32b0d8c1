import { main } from "./src/cli/main.ts";
import { denoRuntime } from "./src/core/deno_runtime.ts";

Deno.exit(await main(Deno.args, denoRuntime()));
