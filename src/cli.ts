/** From the command line to an exit code: which command, which settings. */
import { connect, type ConnectOptions } from "./api/connect.ts";
import type { WalkContext } from "./api/walk_types.ts";
import { readArgs } from "./args.ts";
import {
  DEFAULT_API_URL,
  DEFAULT_CONCURRENCY,
  DEFAULT_OUTPUT,
  DEFAULT_PATIENCE_MS,
  KEY_PAGE,
  newSettings,
  readWishes,
  resumedSettings,
  validKey,
  type Wishes,
} from "./config.ts";
import { AuthError, isGap, StorageError, UsageError } from "./errors.ts";
import { helpText, versionText } from "./help.ts";
import { EXIT } from "./exit.ts";
import { logOnly } from "./observer.ts";
import type { Flags } from "./options.ts";
import { runAndReport } from "./run.ts";
import {
  createExportDir,
  type ExportDir,
  openExportDir,
} from "./tree/export_dir.ts";
import { readFile } from "./tree/storage.ts";
import { shellWord } from "./platform.ts";
import { jsonTerminal } from "./ui/json_output.ts";
import { visible } from "./ui/text.ts";
import type { CompareRemote } from "./verify/command.ts";
import type { World } from "./world.ts";

const DEFAULT_ENV_FILE = ".env";

/**
 * Runs the program.
 *
 * @param args What the user typed after the program's name.
 * @param world The real world, or a test's.
 * @returns The exit code.
 */
export async function main(
  args: readonly string[],
  world: World,
): Promise<number> {
  if (args.includes("--json")) {
    const terminal = jsonTerminal(world.terminal, world.clock);
    return await runCommand(args, { ...world, terminal });
  }
  return await runCommand(args, world);
}

async function runCommand(
  args: readonly string[],
  world: World,
): Promise<number> {
  const { terminal } = world;
  try {
    const flags = readArgs(args);
    if (flags.help) terminal.out(helpText(flags.command));
    else if (flags.version) terminal.out(versionText(world.build));
    else if (flags.command === "demo") {
      const { demo } = await import("./demo/command.ts");
      return await demo(flags, world);
    } else if (flags.command === "verify") {
      return await verifyCommand(flags, world);
    } else if (flags.command === "plan") {
      return await planCommand(flags, world);
    } else if (flags.command === "index") {
      const { index } = await import("./report/command.ts");
      return await index(flags, world);
    } else if (flags.command === "prompts") {
      const { prompts } = await import("./prompts/command.ts");
      return await prompts(flags, world);
    } else return await exportCommand(flags, world);
    return EXIT.complete;
  } catch (error) {
    if (isGap(error)) {
      terminal.err(`error: ${visible(error.message)}\n`);
      return EXIT.incomplete;
    }
    const known = error instanceof UsageError ||
      error instanceof StorageError || error instanceof AuthError;
    if (!known) throw error;
    terminal.err(`error: ${visible(error.message)}\n`);
    if (error instanceof AuthError) return EXIT.refused;
    return error instanceof UsageError ? EXIT.usage : EXIT.defect;
  }
}

async function verifyCommand(flags: Flags, world: World): Promise<number> {
  const { verify } = await import("./verify/command.ts");
  const remote = flags.remote ? await remoteOf(flags, world) : null;
  return await verify(flags, world, remote);
}

async function planCommand(flags: Flags, world: World): Promise<number> {
  const { planExport } = await import("./plan/plan.ts");
  const { printPlan } = await import("./plan/command.ts");
  const wishes = await wishesOf(flags, world);
  const settings = newSettings(wishes, world.clock.now());
  const stop = new AbortController();
  const walk = connectFor(flags, world, {
    apiUrl: settings.apiUrl,
    apiKey: wishes.apiKey ?? await askKey(world),
    signal: stop.signal,
  });
  const plan = await planExport(settings, {
    walk,
    stop,
    concurrency: flags.concurrency ?? DEFAULT_CONCURRENCY,
    now: () => world.clock.now(),
  });
  return printPlan(plan, settings, {
    terminal: world.terminal,
    json: flags.json,
  });
}

/** A connection whose warnings are printed, for commands that keep no log. */
function connectFor(
  flags: Flags,
  world: World,
  api: Pick<ConnectOptions, "apiUrl" | "apiKey" | "signal">,
): WalkContext {
  return connect({
    ...api,
    world,
    observer: logOnly((level, message) => {
      if (level !== "WARN") return;
      world.terminal.err(`warn: ${visible(message)}\n`);
    }),
    concurrency: flags.concurrency ?? DEFAULT_CONCURRENCY,
    patienceMs: flags.patienceMs ?? DEFAULT_PATIENCE_MS,
  });
}

/** Makes what `verify --remote` asks the API with, or says what is missing. */
async function remoteOf(flags: Flags, world: World): Promise<CompareRemote> {
  const { compareWithApi } = await import("./verify/remote.ts");
  const wishes = await wishesOf(flags, world);
  const apiKey = wishes.apiKey ?? await askKey(world);
  return async (verdict) => {
    const stop = new AbortController();
    const known = verdict.claims.all[0]?.manifest?.settings.apiUrl;
    const apiUrl = wishes.apiUrl ?? known ?? DEFAULT_API_URL;
    const { signal } = stop;
    const walk = connectFor(flags, world, { apiUrl, apiKey, signal });
    return await compareWithApi({ walk, stop, verdict });
  };
}

async function wishesOf(flags: Flags, world: World): Promise<Wishes> {
  const envFile = await readEnvFile(flags, world);
  return readWishes({
    flags,
    env: world.env,
    envFile,
    nowMs: world.clock.now(),
  });
}

async function exportCommand(flags: Flags, world: World): Promise<number> {
  const wishes = await wishesOf(flags, world);
  let dir = flags.resume === undefined
    ? null
    : await openExportDir(world.disk, flags.resume);
  let settings;
  let apiKey;
  try {
    settings = dir?.manifest
      ? resumedSettings(wishes, dir.manifest.settings)
      : newSettings(wishes, world.clock.now());
    apiKey = wishes.apiKey ?? await askKey(world);
  } catch (error) {
    dir?.log.close();
    throw error;
  }
  dir ??= await newDir(flags, world);
  return await runAndReport({
    world,
    dir,
    settings,
    apiKey,
    concurrency: flags.concurrency ?? DEFAULT_CONCURRENCY,
    patienceMs: flags.patienceMs ?? DEFAULT_PATIENCE_MS,
    flags,
    resumeCommand: resumeCommand(flags, world, dir),
  });
}

function resumeCommand(flags: Flags, world: World, dir: ExportDir): string {
  const word = (text: string) => shellWord(text, world.build.os);
  const words = [world.program, "--resume", word(dir.layout.root)];
  if (flags.envFile !== undefined) {
    words.push("--env-file", word(flags.envFile));
  }
  return words.join(" ");
}

function newDir(flags: Flags, world: World): Promise<ExportDir> {
  const parent = flags.output ?? DEFAULT_OUTPUT;
  return createExportDir(world.disk, parent, new Date(world.clock.now()));
}

async function readEnvFile(
  { envFile }: Flags,
  { disk }: World,
): Promise<string | null> {
  const path = envFile ?? DEFAULT_ENV_FILE;
  const bytes = await readFile(disk, path).catch((cause) => {
    throw new UsageError(cause.message, { cause });
  });
  if (bytes === null && envFile !== undefined) {
    throw new UsageError(`there is no file ${path}; check --env-file`);
  }
  return bytes === null ? null : new TextDecoder().decode(bytes);
}

async function askKey({ terminal }: World): Promise<string> {
  const answer = await terminal.askSecret("Humanloop API key (not shown): ");
  const typed = answer?.trim();
  const key = typed ? validKey(typed) : null;
  if (key !== null) return key;
  throw new UsageError(
    `no API key: set HUMANLOOP_API_KEY in the environment or in .env; keys are made at ${KEY_PAGE}`,
  );
}
