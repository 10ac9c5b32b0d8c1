import { main } from "./src/cli.ts";
import { realWorld } from "./src/real_world.ts";

Deno.exit(await main(Deno.args, realWorld()));
