/** From the command line to an exit code: which command, which settings. */
import { connect, type ConnectOptions } from "../lists/connect.ts";
import type { WalkContext } from "../lists/list_types.ts";
import { readArgs } from "./args.ts";
import {
  type ConfigInput,
  DEFAULT_API_URL,
  DEFAULT_CONCURRENCY,
  DEFAULT_OUTPUT,
  DEFAULT_PATIENCE_MS,
  KEY_PAGE,
  newSettings,
  readConfigInput,
  resumedSettings,
  validKey,
} from "./config.ts";
import {
  AuthError,
  isRecoverable,
  StorageError,
  UsageError,
} from "../core/errors.ts";
import { helpText, versionText } from "./help.ts";
import { EXIT } from "./exit_codes.ts";
import { logOnly } from "../core/observer.ts";
import type { Flags } from "./options.ts";
import { runAndReport } from "./commands/export.ts";
import {
  createExportDir,
  type ExportDir,
  openExportDir,
} from "../tree/export_dir.ts";
import { readFile } from "../tree/atomic_file.ts";
import { shellWord } from "../core/platform.ts";
import { jsonTerminal } from "./json_output.ts";
import { escapeControls } from "../ui/text.ts";
import type { CompareRemote } from "./commands/verify.ts";
import type { Runtime } from "../core/runtime.ts";

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
  runtime: Runtime,
): Promise<number> {
  if (args.includes("--json")) {
    const terminal = jsonTerminal(runtime.terminal, runtime.clock);
    return await runCommand(args, { ...runtime, terminal });
  }
  return await runCommand(args, runtime);
}

async function runCommand(
  args: readonly string[],
  runtime: Runtime,
): Promise<number> {
  const { terminal } = runtime;
  try {
    const flags = readArgs(args);
    if (flags.help) terminal.out(helpText(flags.command));
    else if (flags.version) terminal.out(versionText(runtime.build));
    else if (flags.command === "demo") {
      const { demo } = await import("./commands/demo.ts");
      return await demo(flags, runtime);
    } else if (flags.command === "verify") {
      return await verifyCommand(flags, runtime);
    } else if (flags.command === "plan") {
      return await planCommand(flags, runtime);
    } else if (flags.command === "index") {
      const { index } = await import("./commands/index.ts");
      return await index(flags, runtime);
    } else if (flags.command === "prompts") {
      const { prompts } = await import("./commands/prompts.ts");
      return await prompts(flags, runtime);
    } else return await exportCommand(flags, runtime);
    return EXIT.complete;
  } catch (error) {
    if (isRecoverable(error)) {
      terminal.err(`error: ${escapeControls(error.message)}\n`);
      return EXIT.incomplete;
    }
    const known = error instanceof UsageError ||
      error instanceof StorageError || error instanceof AuthError;
    if (!known) throw error;
    terminal.err(`error: ${escapeControls(error.message)}\n`);
    if (error instanceof AuthError) return EXIT.authFailed;
    return error instanceof UsageError ? EXIT.usage : EXIT.internalError;
  }
}

async function verifyCommand(flags: Flags, runtime: Runtime): Promise<number> {
  const { verify } = await import("./commands/verify.ts");
  const remote = flags.remote ? await remoteOf(flags, runtime) : null;
  return await verify(flags, runtime, remote);
}

async function planCommand(flags: Flags, runtime: Runtime): Promise<number> {
  const { planExport } = await import("../plan/plan.ts");
  const { printPlan } = await import("./commands/plan.ts");
  const input = await configInputOf(flags, runtime);
  const settings = newSettings(input, runtime.clock.now());
  const stop = new AbortController();
  const walk = connectFor(flags, runtime, {
    apiUrl: settings.apiUrl,
    apiKey: input.apiKey ?? await askKey(runtime),
    signal: stop.signal,
  });
  const plan = await planExport(settings, {
    walk,
    stop,
    concurrency: flags.concurrency ?? DEFAULT_CONCURRENCY,
    now: () => runtime.clock.now(),
  });
  return printPlan(plan, settings, {
    terminal: runtime.terminal,
    json: flags.json,
  });
}

/** A connection whose warnings are printed, for commands that keep no log. */
function connectFor(
  flags: Flags,
  runtime: Runtime,
  api: Pick<ConnectOptions, "apiUrl" | "apiKey" | "signal">,
): WalkContext {
  return connect({
    ...api,
    runtime,
    observer: logOnly((level, message) => {
      if (level !== "WARN") return;
      runtime.terminal.err(`warn: ${escapeControls(message)}\n`);
    }),
    concurrency: flags.concurrency ?? DEFAULT_CONCURRENCY,
    patienceMs: flags.patienceMs ?? DEFAULT_PATIENCE_MS,
  });
}

/** Makes what `verify --remote` asks the API with, or says what is missing. */
async function remoteOf(
  flags: Flags,
  runtime: Runtime,
): Promise<CompareRemote> {
  const { compareWithApi } = await import("../verify/remote.ts");
  const input = await configInputOf(flags, runtime);
  const apiKey = input.apiKey ?? await askKey(runtime);
  return async (verdict) => {
    const stop = new AbortController();
    const known = verdict.exports[0]?.manifest?.settings.apiUrl;
    const apiUrl = input.apiUrl ?? known ?? DEFAULT_API_URL;
    const { signal } = stop;
    const walk = connectFor(flags, runtime, { apiUrl, apiKey, signal });
    return await compareWithApi({ walk, stop, verdict });
  };
}

async function configInputOf(
  flags: Flags,
  runtime: Runtime,
): Promise<ConfigInput> {
  const envFile = await readEnvFile(flags, runtime);
  return readConfigInput({
    flags,
    env: runtime.env,
    envFile,
    nowMs: runtime.clock.now(),
  });
}

async function exportCommand(flags: Flags, runtime: Runtime): Promise<number> {
  const input = await configInputOf(flags, runtime);
  let dir = flags.resume === undefined
    ? null
    : await openExportDir(runtime.disk, flags.resume);
  let settings;
  let apiKey;
  try {
    settings = dir?.manifest
      ? resumedSettings(input, dir.manifest.settings)
      : newSettings(input, runtime.clock.now());
    apiKey = input.apiKey ?? await askKey(runtime);
  } catch (error) {
    dir?.log.close();
    throw error;
  }
  dir ??= await newDir(flags, runtime);
  return await runAndReport({
    runtime,
    dir,
    settings,
    apiKey,
    concurrency: flags.concurrency ?? DEFAULT_CONCURRENCY,
    patienceMs: flags.patienceMs ?? DEFAULT_PATIENCE_MS,
    flags,
    resumeCommand: resumeCommand(flags, runtime, dir),
  });
}

function resumeCommand(flags: Flags, runtime: Runtime, dir: ExportDir): string {
  const word = (text: string) => shellWord(text, runtime.build.os);
  const words = [runtime.program, "--resume", word(dir.layout.root)];
  if (flags.envFile !== undefined) {
    words.push("--env-file", word(flags.envFile));
  }
  return words.join(" ");
}

function newDir(flags: Flags, runtime: Runtime): Promise<ExportDir> {
  const parent = flags.output ?? DEFAULT_OUTPUT;
  return createExportDir(runtime.disk, parent, new Date(runtime.clock.now()));
}

async function readEnvFile(
  { envFile }: Flags,
  { disk }: Runtime,
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

async function askKey({ terminal }: Runtime): Promise<string> {
  const answer = await terminal.askSecret("Humanloop API key (not shown): ");
  const typed = answer?.trim();
  const key = typed ? validKey(typed) : null;
  if (key !== null) return key;
  throw new UsageError(
    `no API key: set HUMANLOOP_API_KEY in the environment or in .env; keys are made at ${KEY_PAGE}`,
  );
}
