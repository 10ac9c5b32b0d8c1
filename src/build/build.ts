/**
 * Builds the standalone executable with `deno compile`, with the permissions of
 * `deno task export` and the variables of `deno task otlp`. If Deno's runtime
 * for it cannot be downloaded, it builds one file that unpacks itself instead.
 */
import { fromFileUrl, join } from "@std/path";
import config from "../../deno.json" with { type: "json" };
import { PROGRAM_NAME, VERSION } from "../core/runtime/version.ts";
import { selfExtracting } from "./self_extracting.ts";

const ROOT = fromFileUrl(new URL("../../", import.meta.url));
const ENV = "--allow-env=";
/** Lets the program load no code but its own. */
const CLOSED = ["--no-config", "--no-lock", "--no-remote", "--no-npm"];

const options = config.tasks.export.split(" ")
  .filter((word) => word.startsWith("--"))
  .map((word) =>
    word.startsWith(ENV) ? `${word},${variablesOf(config.tasks.otlp)}` : word
  );

function variablesOf(task: string): string {
  const word = task.split(" ").find((word) => word.startsWith(ENV));
  return word!.slice(ENV.length);
}

async function deno(
  args: readonly string[],
): Promise<{ readonly code: number; readonly err: string }> {
  const command = new Deno.Command(Deno.execPath(), {
    args: [...args],
    cwd: ROOT,
    stdout: "inherit",
    stderr: "piped",
  });
  const { code, stderr } = await command.output();
  return { code, err: new TextDecoder().decode(stderr) };
}

/** Prints progress on stderr. */
export function print(text: string): void {
  Deno.stderr.writeSync(new TextEncoder().encode(text));
}

async function bundle(dir: string, entry: string): Promise<number> {
  const program = join(dir, PROGRAM_NAME);
  const how = ["--platform", "deno", "--minify", "--output", program];
  const { code, err } = await deno(["bundle", "-q", ...how, entry]);
  if (code !== 0) {
    print(err);
    return code;
  }
  const file = selfExtracting({
    version: VERSION,
    target: Deno.build.target,
    deno: await Deno.readFile(Deno.execPath()),
    program: await Deno.readFile(program),
    options: [...options, ...CLOSED],
  });
  await Deno.remove(program);
  await Deno.writeFile(join(dir, "hl-export"), file, { mode: 0o755 });
  return 0;
}

/**
 * Builds the executable.
 *
 * @param dir An empty directory, which will hold only the executable.
 * @param args More options of `deno compile`.
 * @param entry The program's first module, below the project's directory.
 * @returns An exit code.
 */
export async function build(
  dir: string,
  args: readonly string[] = [],
  entry = "main.ts",
): Promise<number> {
  const output = join(dir, "hl-export");
  const { code, err } = await deno(
    ["compile", ...options, "--output", output, ...args, entry],
  );
  const isUnreachable = code !== 0 && /denort.*\.zip/s.test(err) &&
    Deno.env.get("DENORT_BIN") === undefined;
  if (!isUnreachable) {
    print(err);
    return code;
  }
  if (args.includes("--target") || Deno.build.os === "windows") {
    print("Deno's runtime for that system cannot be downloaded here\n");
    return code;
  }
  print(
    "Deno's runtime for deno compile cannot be downloaded here: building a self-extracting hl-export instead\n",
  );
  return await bundle(dir, entry);
}

/**
 * Builds the executable and moves it to a directory.
 *
 * @param target The directory that it goes to.
 * @param args More options of `deno compile`.
 * @param name Its name there; by default the one that it was built with.
 * @returns An exit code.
 */
export async function buildInto(
  target: string,
  args: readonly string[],
  name?: string,
): Promise<number> {
  const dir = await Deno.makeTempDir({ dir: target, prefix: ".build-" });
  try {
    const code = await build(dir, args);
    if (code !== 0) return code;
    for await (const { name: built } of Deno.readDir(dir)) {
      await Deno.rename(join(dir, built), join(target, name ?? built));
    }
    return 0;
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}
