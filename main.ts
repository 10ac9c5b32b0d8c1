import { main } from "./src/cli/main.ts";
import { denoRuntime, ignoreSignals } from "./src/core/runtime/deno_runtime.ts";

ignoreSignals();
Deno.exit(await main(Deno.args, denoRuntime()));
