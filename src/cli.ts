/** From the command line to an exit code: which command, which settings. */
import { type Flags, readArgs } from "./args.ts";
import {
  DEFAULT_CONCURRENCY,
  DEFAULT_OUTPUT,
  DEFAULT_PATIENCE_MS,
  KEY_PAGE,
  newSettings,
  readWishes,
  resumedSettings,
  validKey,
} from "./config.ts";
import { StorageError, UsageError } from "./errors.ts";
import { HELP_TEXT, VERSION_TEXT } from "./help.ts";
import { EXIT, runAndReport } from "./run.ts";
import {
  createExportDir,
  type ExportDir,
  openExportDir,
} from "./tree/export_dir.ts";
import { readFile } from "./tree/storage.ts";
import { shellWord, visible } from "./ui/text.ts";
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
  const { terminal } = world;
  try {
    const flags = readArgs(args);
    if (flags.help) terminal.out(HELP_TEXT);
    else if (flags.version) terminal.out(VERSION_TEXT);
    else if (flags.command === "demo") {
      const { demo } = await import("./demo/command.ts");
      return await demo(flags, world);
    } else return await exportCommand(flags, world);
    return EXIT.complete;
  } catch (error) {
    const known = error instanceof UsageError || error instanceof StorageError;
    if (!known) throw error;
    terminal.err(`error: ${visible(error.message)}\n`);
    return error instanceof UsageError ? EXIT.usage : EXIT.defect;
  }
}

async function exportCommand(flags: Flags, world: World): Promise<number> {
  const wishes = readWishes({
    flags,
    env: world.env,
    envFile: await readEnvFile(flags, world),
  });
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
  const words = [world.program, "--resume", shellWord(dir.layout.root)];
  if (flags.envFile !== undefined) {
    words.push("--env-file", shellWord(flags.envFile));
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
