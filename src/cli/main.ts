/** Runs the command that the command line names, and returns its exit code. */
import type { Runtime, Terminal } from "../core/runtime/runtime.ts";
import { redact } from "../core/text/redact.ts";
import { escapeControls } from "../ui/text.ts";
import { readArgs } from "./options/args.ts";
import { EXIT, failureOf } from "./exit_codes.ts";
import { helpText, overviewText, versionText } from "./options/help.ts";
import { jsonTerminal } from "./json_output.ts";
import type { Command, Flags } from "./options/options.ts";

type Run = (flags: Flags, runtime: Runtime) => Promise<number>;

/** Loads only the command that runs. */
const COMMANDS: Readonly<Record<Command, () => Promise<Run>>> = {
  export: async () => (await import("./commands/export.ts")).exportCommand,
  plan: async () => (await import("./commands/plan.ts")).plan,
  verify: async () => (await import("./commands/verify.ts")).verify,
  index: async () => (await import("./commands/index.ts")).index,
  browse: async () => (await import("./commands/browse.ts")).browseCommand,
  database: async () => (await import("./commands/database.ts")).database,
  otlp: async () => (await import("./commands/otlp.ts")).otlp,
  prompts: async () => (await import("./commands/prompts.ts")).prompts,
  datasets: async () => (await import("./commands/datasets.ts")).datasets,
  demo: async () => (await import("./commands/demo.ts")).demo,
  completions: async () =>
    (await import("./commands/completions.ts")).completions,
};

/**
 * Runs the program.
 *
 * @param args What the user typed after the program's name.
 * @param runtime The real world, or a test's.
 * @returns The exit code.
 */
export async function main(
  args: readonly string[],
  runtime: Runtime,
): Promise<number> {
  const isJson = args.includes("--json");
  const hiding = hidingTerminal(runtime.terminal);
  const terminal = lossyTerminal(
    isJson ? jsonTerminal(hiding, runtime.clock) : hiding,
  );
  try {
    const flags = readArgs(args);
    if (flags.help) {
      const isOverview = flags.command === "export" && !args.includes("export");
      terminal.out(isOverview ? overviewText() : await helpText(flags.command));
    } else if (flags.version) terminal.out(versionText(runtime.build));
    else {
      const run = await COMMANDS[flags.command]();
      return await run(flags, { ...runtime, terminal });
    }
    return EXIT.complete;
  } catch (error) {
    const { code, message } = failureOf(error);
    const kept = code === EXIT.internalError ? "\n" : "";
    terminal.err(`error: ${escapeControls(message, kept)}\n`);
    return code;
  }
}

/**
 * Makes a terminal that hides the secrets that it is given, in text and in
 * JSON.
 */
function hidingTerminal(terminal: Terminal): Terminal {
  const secrets = new Set<string>();
  const safe = (text: string) => redact(text, [...secrets]);
  return {
    ...terminal,
    out: (text) => terminal.out(safe(text)),
    err: (text) => terminal.err(safe(text)),
    hide: (secret) => {
      secrets.add(secret).add(JSON.stringify(secret).slice(1, -1));
    },
  };
}

/**
 * Makes a terminal that drops results that cannot be written, and warns once.
 */
function lossyTerminal(terminal: Terminal): Terminal {
  let isReported = false;
  return {
    ...terminal,
    out: (text) => {
      try {
        terminal.out(text);
      } catch (error) {
        if (!isReported) {
          const reason = error instanceof Error ? error.message : String(error);
          terminal.err(`warn: cannot write to standard output: ${reason}\n`);
        }
        isReported = true;
      }
    },
  };
}
