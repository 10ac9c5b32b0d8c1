/**
 * Built like the program itself, by a test: tries what the program must not be
 * able to do, and prints what happened, as JSON.
 */
const host = Deno.args.at(-1) ?? "";

async function tryTo(work: () => unknown): Promise<string> {
  try {
    await work();
    return "allowed";
  } catch (error) {
    return error instanceof Error ? error.name : String(error);
  }
}

/** Not known when the program is built. */
const remote = ["https:", "", "deno.land", "std", "version.ts"].join("/");
const tried = {
  ownVariable: await tryTo(() => Deno.env.get("HUMANLOOP_API_KEY")),
  otherVariable: await tryTo(() => Deno.env.get("PATH")),
  allVariables: await tryTo(() => Deno.env.toObject()),
  process: await tryTo(() => new Deno.Command("true").outputSync()),
  system: await tryTo(() => Deno.hostname()),
  library: await tryTo(() => Deno.dlopen("libc.so.6", {})),
  remoteCode: await tryTo(() => import(remote)),
  textAsCode: await tryTo(() => Function("return 1")()),
  network: await tryTo(async () => {
    using _ = await Deno.connect({ hostname: host, port: 9 });
  }),
};
await Deno.stdout.write(new TextEncoder().encode(JSON.stringify(tried)));
