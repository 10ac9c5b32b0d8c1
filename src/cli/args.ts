/**
 * The command line: which commands and options there are, and reading them with
 * care. `parseArgs` accepts nonsense in silence, so every argument is looked at
 * before it gets there.
 */
import { parseArgs } from "@std/cli";
import { UsageError } from "../core/errors.ts";
import {
  type Command,
  COMMANDS,
  type Flags,
  OPTIONS,
  REPEATABLE,
  SHORT,
} from "./options.ts";
import { didYouMean } from "../core/suggest.ts";

/**
 * Reads the command line.
 *
 * @param args The arguments, without the program's name.
 * @throws {UsageError} When one is unknown, unusable or missing its value.
 */
export function readArgs(args: readonly string[]): Flags {
  const [first = ""] = args;
  if (first === "help") return readArgs(["--help"]);
  const named = !first.startsWith("-") && first !== "";
  const command = named ? commandOf(first) : "export";
  const { values, switches, takesDir } = OPTIONS[command];
  const rest = named ? args.slice(1) : args;
  const { given, dir } = checkArgs(rest, command);
  const parsed = parseArgs([...rest], {
    string: values,
    boolean: switches.filter((name) => !name.startsWith("no-")),
    alias: SHORT,
    collect: REPEATABLE.filter((name) => values.includes(name)),
  });
  const texts = (name: string) =>
    given.has(name) ? [parsed[name]].flat().map(String) : undefined;
  const text = (name: string) => {
    const value: unknown = parsed[name];
    return typeof value === "string" ? value : undefined;
  };
  if (given.has("logs") && given.has("no-logs")) {
    throw new UsageError("--logs and --no-logs contradict each other");
  }
  if (given.has("quiet") && given.has("verbose")) {
    throw new UsageError("--quiet and --verbose contradict each other");
  }
  const logs = given.has("logs")
    ? true
    : given.has("no-logs")
    ? false
    : undefined;
  const flags = {
    command,
    serve: given.has("serve"),
    remote: given.has("remote"),
    json: given.has("json"),
    quiet: given.has("quiet"),
    verbose: given.has("verbose"),
    color: !given.has("no-color"),
    version: given.has("version"),
    help: given.has("help"),
  };
  const resume = text("resume");
  const output = text("output");
  const concurrency = wholeNumber(text("concurrency"), "concurrency", 1, 100);
  const patienceMs = duration(text("patience"), "patience");
  const port = wholeNumber(text("port"), "port", 0, 65535);
  if (resume !== undefined && output !== undefined) {
    throw new UsageError(
      "--output is for new exports; leave it out with --resume",
    );
  }
  if (port !== undefined && !flags.serve) {
    throw new UsageError("--port goes with --serve");
  }
  const isHelp = flags.help || flags.version;
  if (takesDir && dir === undefined && !isHelp) {
    throw new UsageError(
      `${command} needs the directory of an export, such as exports/20250606-120000`,
    );
  }
  const to = text("to");
  if (command === "prompts" && to === undefined && !isHelp) {
    throw new UsageError("prompts needs --to DIR, where to write");
  }
  return {
    ...flags,
    ...defined({
      dir,
      to,
      resume,
      output,
      directory: text("directory"),
      types: texts("type"),
      files: texts("file"),
      since: text("since"),
      until: text("until"),
      shard: text("shard"),
      logs,
      concurrency,
      patienceMs,
      port,
      apiUrl: text("api-url"),
      envFile: text("env-file"),
    }),
  };
}

function commandOf(word: string): Command {
  const command = COMMANDS.find((one) => one === word);
  if (command !== undefined) return command;
  if (looksLikeExport(word)) throw unexpected(word);
  throw new UsageError(
    `there is no command ${word}${
      didYouMean(word, COMMANDS)
    }; --help lists them`,
  );
}

/** Looks at every argument before `parseArgs` does. */
function checkArgs(
  args: readonly string[],
  command: Command,
): { readonly given: ReadonlySet<string>; readonly dir: string | undefined } {
  const { values, switches, takesDir } = OPTIONS[command];
  const seen = new Set<string>();
  let dir: string | undefined;
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!;
    if (!arg.startsWith("-") || arg === "-" || arg === "--") {
      if (!takesDir || dir !== undefined || arg.startsWith("-")) {
        throw unexpected(arg);
      }
      dir = arg;
      continue;
    }
    const [name, value] = nameAndValue(arg);
    const isValue = values.includes(name);
    if (!isValue && !switches.includes(name)) {
      const shown = arg.split("=", 1)[0]!;
      const known = [...values, ...switches].map((one) => `--${one}`);
      throw new UsageError(
        `unknown option ${shown}${
          didYouMean(shown, known)
        }; --help lists the options`,
      );
    }
    if (seen.has(name) && !REPEATABLE.includes(name)) {
      throw new UsageError(`--${name} is given twice`);
    }
    seen.add(name);
    if (!isValue) {
      if (value !== undefined) {
        throw new UsageError(`--${name} takes no value`);
      }
      continue;
    }
    const given = value ?? args[++i];
    if (
      given === undefined || given.trim() === "" ||
      (value === undefined && given.startsWith("-"))
    ) {
      throw new UsageError(`--${name} needs a value; see --help`);
    }
  }
  return { given: seen, dir };
}

/** Whether a word is the path of an export, more likely than a command. */
function looksLikeExport(word: string): boolean {
  return /[\\/]/.test(word) || /^\d{8}-/.test(word);
}

function unexpected(word: string): UsageError {
  const hint = looksLikeExport(word)
    ? "did you mean --resume?"
    : "--help lists the options";
  return new UsageError(`unexpected argument ${word}; ${hint}`);
}

function nameAndValue(arg: string): [string, string | undefined] {
  if (!arg.startsWith("--")) return [SHORT[arg.slice(1)] ?? arg, undefined];
  const equals = arg.indexOf("=");
  if (equals === -1) return [arg.slice(2), undefined];
  return [arg.slice(2, equals), arg.slice(equals + 1)];
}

function wholeNumber(
  text: string | undefined,
  name: string,
  least: number,
  most: number,
): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value <= most) return value;
  throw new UsageError(
    `--${name} must be a whole number from ${least} to ${most}, not ${text}`,
  );
}

const UNITS: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
};

/** Reads a time such as `90s`, `15m` or `2h`, in milliseconds. */
function duration(text: string | undefined, name: string): number | undefined {
  if (text === undefined) return undefined;
  const [, number, unit = ""] = /^(\d{1,6})([smh])$/.exec(text) ?? [];
  if (number !== undefined) return Number(number) * UNITS[unit]!;
  throw new UsageError(
    `--${name} must be a time such as 90s, 15m or 2h, not ${text}`,
  );
}

function defined<T extends object>(
  values: T,
): { [key in keyof T]?: Exclude<T[key], undefined> } {
  const entries = Object.entries(values).filter(([, value]) =>
    value !== undefined
  );
  return Object.fromEntries(entries) as {
    [key in keyof T]?: Exclude<T[key], undefined>;
  };
}
