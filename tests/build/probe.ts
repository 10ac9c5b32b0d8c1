/**
 * Built like the program itself, by a test: tries what the program must not be
 * able to do, and prints what happened, as JSON.
 */
const [host = ""] = Deno.args;

async function outcome(work: () => unknown): Promise<string> {
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
  ownVariable: await outcome(() => Deno.env.get("HUMANLOOP_API_KEY")),
  otherVariable: await outcome(() => Deno.env.get("PATH")),
  allVariables: await outcome(() => Deno.env.toObject()),
  process: await outcome(() => new Deno.Command("true").outputSync()),
  system: await outcome(() => Deno.hostname()),
  library: await outcome(() => Deno.dlopen("libc.so.6", {})),
  remoteCode: await outcome(() => import(remote)),
  textAsCode: await outcome(() => Function("return 1")()),
  network: await outcome(async () => {
    using _ = await Deno.connect({ hostname: host, port: 9 });
  }),
};
await Deno.stdout.write(new TextEncoder().encode(JSON.stringify(tried)));
