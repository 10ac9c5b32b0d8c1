/** Runs the program: in this process with parts of its world replaced, or as users do. */
import { fromFileUrl } from "@std/path";
import { main } from "../../src/cli/main.ts";
import { denoRuntime } from "../../src/core/runtime/deno_runtime.ts";
import type { Disk, Runtime } from "../../src/core/runtime/runtime.ts";
import { printedTerminal } from "./terminal.ts";
import { readReal, trustedUrl } from "./trusted_url.ts";
import { fastClock } from "./clock.ts";
import config from "../../deno.json" with { type: "json" };

const URL_NAME = "HUMANLOOP_API_URL";

/** How a run ended. */
export interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** What of the world is another. */
export interface Replaced extends Partial<Omit<Runtime, "env">> {
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs the program in this process, fifty times as fast where it waits. */
export async function run(
  args: readonly string[],
  replaced: Replaced = {},
): Promise<Ended> {
  const terminal = printedTerminal();
  const runtime = denoRuntime();
  const disk = replaced.disk ?? runtime.disk;
  const code = await main(args, {
    ...runtime,
    clock: fastClock(50),
    onInterrupt: () => () => {},
    program: "hl-export",
    terminal,
    ...replaced,
    disk: { ...disk, readFile: withoutEnvFile(disk) },
    env: (name) =>
      replaced.env?.[name] ??
        (name === URL_NAME ? trustedUrl(args, readReal) : undefined),
  });
  return { code, ...terminal.printed };
}

/** Leaves out the tester's own settings. */
function withoutEnvFile(disk: Disk): Disk["readFile"] {
  return (path) =>
    path === ".env"
      ? Promise.reject(new Deno.errors.NotFound())
      : disk.readFile(path);
}

const MAIN = fromFileUrl(new URL("../../main.ts", import.meta.url));
const CONFIG = fromFileUrl(new URL("../../deno.json", import.meta.url));
/** A directory without settings. */
const HERE = fromFileUrl(new URL(".", import.meta.url));

/** A run of the real program, with the permissions of `deno task export`. */
export interface Child {
  readonly process: Deno.ChildProcess;
  /** Resolves when it has ended. */
  readonly ended: Promise<Ended>;
}

/** Starts the real program as a process of its own. */
export function start(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Child {
  const words = config.tasks.export.split(" ");
  const options = words.filter((word) => word.startsWith("--"));
  const process = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-check", "--config", CONFIG, ...options, MAIN, ...args],
    cwd: HERE,
    env: {
      NO_COLOR: "1",
      [URL_NAME]: trustedUrl(args, readReal) ?? "",
      ...env,
    },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const ended = process.output().then(({ code, stdout, stderr }) => ({
    code,
    out: new TextDecoder().decode(stdout),
    err: new TextDecoder().decode(stderr),
  }));
  return { process, ended };
}
