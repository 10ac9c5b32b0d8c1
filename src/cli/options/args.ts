/**
 * Reads the command line by the table of options. `parseArgs` silently accepts
 * nonsense, so its result is checked here.
 */
import { parseArgs } from "@std/cli";
import { UsageError } from "../../core/errors.ts";
import { didYouMean } from "../../core/text/suggest.ts";
import { LATEST } from "./defaults.ts";
import {
  type Command,
  COMMANDS,
  type Flags,
  type OptionKey,
  optionName,
  OPTIONS,
  optionsOf,
} from "./options.ts";

const COMMAND_NAMES = Object.keys(COMMANDS) as Command[];

/**
 * Reads the command line.
 *
 * @param args The arguments, without the program's name.
 * @throws {UsageError} When one is unknown, unusable or missing its value.
 */
export function readArgs(args: readonly string[]): Flags {
  const [first = "", ...others] = args;
  if (first === "help") {
    const [about] = others;
    const command = about ? commandNamed(about, []) : "export";
    return { command, operands: [], help: true };
  }
  const isNamed = first !== "" && !first.startsWith("-");
  const command = isNamed ? commandNamed(first, others) : "export";
  const { given, operands } = parse(isNamed ? others : args, command);
  const values: Partial<Record<OptionKey, unknown>> = {};
  for (const [key, texts] of given) {
    values[key] = OPTIONS[key].read(texts, `--${optionName(key)}`);
  }
  checkOperands(command, operands);
  const flags = { command, operands, ...values } as Flags;
  if (!flags.help && !flags.version) checkTogether(flags);
  return flags;
}

/** Finds a command by its name, or suggests the one that was probably meant. */
function commandNamed(word: string, rest: readonly string[]): Command {
  const command = COMMAND_NAMES.find((one) => one === word);
  if (command !== undefined) return command;
  if (word === "resume") {
    const dir = rest.find((one) => !one.startsWith("-")) ?? "DIR";
    throw new UsageError(
      `there is no command resume; did you mean --resume ${dir}?`,
    );
  }
  if (looksLikeExport(word)) throw unexpected(word);
  const hint = didYouMean(word, COMMAND_NAMES);
  throw new UsageError(`there is no command ${word}${hint}; --help lists them`);
}

interface Parsed {
  /** The options that were given, with all their values. */
  readonly given: ReadonlyMap<OptionKey, readonly string[]>;
  readonly operands: readonly string[];
}

/** Splits arguments into options and operands. */
function parse(args: readonly string[], command: Command): Parsed {
  const keys = optionsOf(command);
  const names = keys.map(optionName);
  const isValue = (key: OptionKey) => OPTIONS[key].value !== undefined;
  const operands: string[] = [];
  const parsed = parseArgs([...args], {
    string: [...keys.filter(isValue).map(optionName), "_"],
    boolean: keys.filter((key) => !isValue(key)).map(optionName),
    collect: names,
    alias: Object.fromEntries(
      keys.map((key) => [OPTIONS[key].short, optionName(key)])
        .filter(([short]) => short !== undefined),
    ),
    unknown: (arg, key) => {
      if (key === undefined) {
        operands.push(arg);
        return false;
      }
      const [flag = arg] = arg.split("=", 1);
      if (names.some((name) => flag === `--${name}`)) throw needsValue(flag);
      const hint = didYouMean(flag, names.map((name) => `--${name}`));
      throw new UsageError(
        `unknown option ${flag}${hint}; --help lists the options`,
      );
    },
  });
  operands.push(...parsed._.map(String));
  const given = new Map<OptionKey, readonly string[]>();
  for (const key of keys) {
    const name = optionName(key);
    const flag = `--${name}`;
    const texts = [parsed[name] ?? []].flat().map(String);
    if (texts.length === 0) continue;
    if (texts.length > 1 && !OPTIONS[key].isRepeatable) {
      throw new UsageError(`${flag} is given twice`);
    }
    if (isValue(key)) {
      if (texts.some((text) => text.trim() === "")) throw needsValue(flag);
    } else if (
      texts[0] !== "true" || args.some((arg) => arg.startsWith(`${flag}=`))
    ) {
      throw new UsageError(`${flag} takes no value`);
    }
    given.set(key, texts);
  }
  return { given, operands };
}

function needsValue(flag: string): UsageError {
  return new UsageError(`${flag} needs a value; see --help`);
}

function checkOperands(command: Command, operands: readonly string[]): void {
  const { operand } = COMMANDS[command];
  const most = operand?.isRepeatable ? Infinity : operand ? 1 : 0;
  if (operands.length > most) throw unexpected(operands[most]!, command);
  const wrong = operands.find((one) => operand?.words?.includes(one) === false);
  if (wrong !== undefined) {
    throw new UsageError(`${command} needs ${operand?.missing}, not ${wrong}`);
  }
}

/** Checks options against each other and the command. */
function checkTogether(flags: Flags): void {
  const { command, operands, to, endpoint, dryRun, serve } = flags;
  const { operand } = COMMANDS[command];
  const makesFiles = command === "prompts" || command === "datasets";
  const rules: ReadonlyArray<readonly [isWrong: unknown, message: string]> = [
    [
      operand && operands.length === 0,
      `${command} needs ${operand?.missing}`,
    ],
    [makesFiles && !to, `${command} needs --to OUT, where to write`],
    [
      command === "otlp" && !to && !endpoint && !dryRun,
      "otlp needs --to FILE, where to write, --endpoint URL, or --dry-run",
    ],
    [
      to && endpoint,
      "--to and --endpoint exclude each other: give one of them",
    ],
    [flags.resend && !endpoint, "--resend goes with --endpoint"],
    [flags.logs && flags.noLogs, "--logs and --no-logs contradict each other"],
    [
      flags.quiet && flags.verbose,
      "--quiet and --verbose contradict each other",
    ],
    [
      flags.output && flags.resume && flags.resume !== LATEST,
      "--output is for new exports; leave it out with --resume",
    ],
    [
      command === "demo" && flags.port !== undefined && !serve,
      "--port goes with --serve",
    ],
    [flags.slow && !serve, "--slow goes with --serve"],
  ];
  const broken = rules.find(([isWrong]) => isWrong);
  if (broken !== undefined) throw new UsageError(broken[1]);
}

/**
 * Checks whether a word looks like the path of an export rather than a command.
 */
function looksLikeExport(word: string): boolean {
  return /[\\/]/.test(word) || /^\d{8}-/.test(word) || word === LATEST;
}

function unexpected(word: string, command: Command = "export"): UsageError {
  const hint = looksLikeExport(word) && command === "export"
    ? "did you mean --resume?"
    : "--help lists the options";
  return new UsageError(`unexpected argument ${word}; ${hint}`);
}
