/**
 * Holds the table of commands and options, which the command line is read by
 * and `--help` and the completions of shells are written from.
 */
import { FILE_TYPES } from "../../core/filters.ts";
import { TARGETS } from "../../otlp/targets.ts";
import {
  DEFAULT_API_URL,
  DEFAULT_CONCURRENCY,
  DEFAULT_OUTPUT,
} from "./defaults.ts";
import {
  durationMs,
  isOn,
  oneOf,
  type ReadValue,
  someOf,
  text,
  texts,
  wholeNumber,
} from "./option_values.ts";

/** An option. Without `value` it is a switch. */
export interface Option<T = unknown> {
  /** How `--help` names its value. */
  readonly value?: string;
  readonly short?: string;
  /** What it does, in lines of at most 59 characters. */
  readonly help: string;
  readonly read: ReadValue<T>;
  readonly isRepeatable?: boolean;
  /** What completions offer as its value: these words, or paths. */
  readonly complete?: readonly string[] | "directory" | "file";
}

function toggle(help: string, short?: string): Option<boolean> {
  return { help, read: isOn, ...short && { short } };
}

function option<T>(
  value: string,
  read: ReadValue<T>,
  help: string,
  complete?: Option["complete"],
): Option<T> {
  return { value, read, help, ...complete && { complete } };
}

function repeatable<T>(one: Option<T>): Option<T> {
  return { ...one, isRepeatable: true };
}

/** All options, by their names in {@linkcode Flags}. */
export const OPTIONS = {
  resume: option(
    "DIR",
    text,
    "resume this export; skips what is complete",
    "directory",
  ),
  output: option(
    "DIR",
    text,
    `where exports are (default: ${DEFAULT_OUTPUT}); the newest one in
it may be called latest, as in --resume latest`,
    "directory",
  ),
  to: option(
    "OUT",
    text,
    "where to write; files of the same name are replaced",
    "directory",
  ),
  database: option(
    "FILE",
    text,
    "the database (default: humanloop.db in the first DIR)",
    "file",
  ),
  format: option("FORMAT", text, "how to write it"),
  deployed: toggle("only the Versions that are deployed"),
  directory: option("ID", text, "only this Directory and what is below it"),
  type: repeatable(option(
    "TYPE",
    someOf(FILE_TYPES),
    "only Files of this type; may be repeated",
    FILE_TYPES,
  )),
  file: repeatable(option(
    "ID|PATH",
    texts,
    `only this File, or the Files of a path: Support,
'Support/*', '**/Triage'; may be repeated`,
  )),
  since: option(
    "TIME",
    text,
    `only Logs from this time on: 2025-01-31, 2025-01-31T08:00Z,
24h, 30d, 2w; needs --logs`,
  ),
  until: option("TIME", text, "only Logs up to this time"),
  shard: option("I/N", text, "only part I of N of the Files, for N machines"),
  endpoint: option(
    "URL",
    text,
    "send to this OTLP/HTTP endpoint, most end in /v1/traces",
  ),
  for: option(
    "TARGET",
    oneOf(TARGETS),
    "langfuse: adds attributes that Langfuse looks for",
    TARGETS,
  ),
  resend: toggle("also send what the endpoint accepted before"),
  dryRun: toggle("write and send nothing; print the counts and one trace"),
  limit: option("N", wholeNumber(1, 1_000_000_000), "only the first N traces"),
  logs: toggle("with Logs; --resume DIR --logs adds them to an export"),
  noLogs: toggle("without Logs (the default)"),
  remote: toggle("compare counts with the API too; needs the key"),
  repair: toggle(`set aside what is damaged, fetch it again; needs the key;
nothing is deleted, and what is set aside is printed`),
  serve: toggle("only serve the workspace, and print how to export it"),
  port: option(
    "N",
    wholeNumber(0, 65535),
    "with --serve: the port (default: any free one)",
  ),
  slow: toggle("with --serve: answer slowly, to watch, stop and resume"),
  concurrency: option(
    "N",
    wholeNumber(1, 100),
    `requests in flight, 1 to 100 (default: ${DEFAULT_CONCURRENCY})`,
  ),
  patienceMs: option(
    "TIME",
    durationMs,
    `how long to wait for a server that is down (default: 15m),
and at least 30s for one that asks to slow down (429)`,
  ),
  apiUrl: option("URL", text, `default: ${DEFAULT_API_URL}`),
  envFile: option(
    "PATH",
    text,
    "read settings from this file instead of .env",
    "file",
  ),
  json: toggle("print one JSON document, and lines of JSON on stderr"),
  quiet: toggle("only what goes wrong", "q"),
  verbose: toggle("every log line", "v"),
  noColor: toggle("no colors"),
  version: toggle("the version", "V"),
  help: toggle("this text", "h"),
};

/** The name of an option in {@linkcode Flags}. */
export type OptionKey = keyof typeof OPTIONS;

/** Makes the name of an option on the command line, without its hyphens. */
export function optionName(key: OptionKey): string {
  return key.replace(/Ms$/, "")
    .replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

const API = ["concurrency", "patienceMs", "apiUrl", "envFile"] as const;
const FILTERS = ["type", "file", "since", "until", "shard"] as const;
const SCOPE = ["directory", ...FILTERS, "logs", "noLogs"] as const;

/** Options of every command, which `--help` names in one line. */
export const COMMON: readonly OptionKey[] = [
  "quiet",
  "verbose",
  "noColor",
  "version",
  "help",
];

/** The name of a command. */
export type Command =
  | "export"
  | "plan"
  | "verify"
  | "index"
  | "browse"
  | "database"
  | "otlp"
  | "prompts"
  | "datasets"
  | "demo"
  | "completions";

/** A command. */
export interface CommandSpec {
  /** What follows the program's name. */
  readonly usage: string;
  /** What it does, in at most 42 characters. */
  readonly summary: string;
  /** Its options besides {@linkcode COMMON}. */
  readonly options: readonly OptionKey[];
  /** How its options differ from {@linkcode OPTIONS}. */
  readonly own?: {
    readonly [key in OptionKey]?: Pick<Option, "help" | "value" | "complete">;
  };
  /** What it takes besides options. */
  readonly operand?: {
    readonly name: string;
    /** What an error calls it when it is missing. */
    readonly missing: string;
    /** The only words allowed; if absent, it is an export's directory. */
    readonly words?: readonly string[];
    readonly isRepeatable?: boolean;
  };
  /** What else a user should know. */
  readonly about: string;
  /** Loads text that follows, whose code only the help needs. */
  readonly details?: () => Promise<string>;
  readonly example: string;
}

const EXPORT_DIR = {
  name: "DIR",
  missing: "the directory of an export, such as exports/20250606-120000",
};
const EXPORT_DIRS = { ...EXPORT_DIR, isRepeatable: true };

/** All commands, in the order of `--help`. */
export const COMMANDS: Readonly<Record<Command, CommandSpec>> = {
  export: {
    usage: "[export] [options]",
    summary: "export into exports/YYYYMMDD-HHMMSS",
    options: ["resume", "output", ...SCOPE, ...API, "json"],
    about:
      `Prints a summary; with --quiet only the export's path, with --json a document
of state, exitCode, exportDir, resumeCommand, scope, files, records and gaps.
Filters are kept, and used by every --resume. Lists of Logs are frozen at the
moment when the export was started, by the API's clock.

HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY are used. DENO_CERT names a file
of a certificate authority; DENO_TLS_CA_STORE=system trusts the system's.`,
    example: "--logs --output /backup/humanloop",
  },
  plan: {
    usage: "plan [options]",
    summary: "what an export would fetch; writes nothing",
    options: [...SCOPE, ...API, "json"],
    own: { logs: { help: "count Logs too" } },
    about:
      `One small request a list asks how many records there are; bytes are estimated
from ten records of each, time from how long these requests took. Exit 3 if
something could not be counted.`,
    example: "plan --logs --since 90d",
  },
  verify: {
    usage: "verify DIR… [options]",
    summary: "check exports; --repair fixes them",
    operand: EXPORT_DIRS,
    options: ["remote", "repair", "output", ...API, "json"],
    about:
      `Works offline and without a key, unless --remote or --repair is given. Prints a
line for each problem, and what to do. Takes several exports, such as all
shards. Exit 0 without a problem, 4 with one, 2 if there is no export; with
--repair the code of the resume, or else of a second check.

verify finds what an export itself can prove: files that are missing, extra or
not what was written, records that are not JSON or are there twice, references
that lead nowhere, counts that differ. It cannot find a value that was changed
inside a document or a record together with its sum, a File removed together
with every mention of it, or what the API never sent; --remote compares the
numbers of records with the API.`,
    example: "verify exports/20250606-120000 --remote",
  },
  index: {
    usage: "index DIR… [options]",
    summary: "pages to look inside it with a browser",
    operand: EXPORT_DIRS,
    options: ["output", "json"],
    about:
      `Writes DIR/index.html, with a search by name, path, id and type, and a page
for each File: its Versions and how they differ, its Evaluations, its newest
Logs. Every export ends with this; the command is for exports of the official
script and after an update of this program. The pages need no network, and are
made from what the export holds. Exit 3 if the export lacks something, or
something could not be read.`,
    example: "index exports/20250606-120000",
  },
  browse: {
    usage: "browse DIR… [options]",
    summary: "search and read all of it with a browser",
    operand: EXPORT_DIRS,
    options: ["port", "to", "output"],
    own: {
      port: { help: "the port (default: any free one)" },
      to: OPTIONS.database,
    },
    about:
      `Every File, Version, Log, trace, Evaluation and Datapoint, until Ctrl-C: Logs by
word, Version, user, time, error or judgment, a trace step by step, Runs side by
side. Takes several exports, such as all shards. Makes the database first (see
hl-export help database) if it is missing or older than the export; nothing
else is written, and only this machine can open the pages.`,
    example: "browse exports/20250606-120000",
  },
  database: {
    usage: "database DIR… [options]",
    summary: "all of it as one SQLite file",
    operand: EXPORT_DIRS,
    options: ["to", "output", "json"],
    own: { to: OPTIONS.database },
    about:
      `Exit 3 if the export lacks something, or something could not be read.`,
    details: async () =>
      (await import("../../database/schema.ts")).schemaText(),
    example: "database exports/20250606-120000",
  },
  otlp: {
    usage: "otlp DIR… [options]",
    summary: "its Logs as traces of OpenTelemetry",
    operand: EXPORT_DIRS,
    options: [
      ...["to", "endpoint", "for", "resend", "dryRun", "limit"] as const,
      ...["type", "file", "since", "until", "patienceMs"] as const,
      ...["database", "output", "json"] as const,
    ],
    own: {
      to: {
        value: "FILE",
        help: `traces.jsonl, one TracesData a line; beside it
traces.judgments.jsonl, one LogsData a line`,
        complete: "file",
      },
      limit: {
        help: "only N traces; with --endpoint, the next run sends others",
      },
      type: { help: "only Logs of Files of this type" },
      file: { help: "only Logs of this File, or those of this path" },
      since: { help: "only Logs from this time on: 2025-01-31, 30d" },
    },
    about:
      `Makes one span of every Log, in the traces that Humanloop had; ids are the same
in every run. Makes the database first if it is missing or older than the
export. Exit 3 if something could not be converted or sent; each such thing is
named.

--endpoint sends OTLP/JSON over HTTP, compressed, at most 4 MB at once and in
the order of time. An address without a path gets /v1/traces, as for
OTEL_EXPORTER_OTLP_ENDPOINT; with --for langfuse /api/public/otel before it.
Headers come from OTEL_EXPORTER_OTLP_HEADERS and from nowhere else:
  export OTEL_EXPORTER_OTLP_HEADERS="Authorization=Basic%20…"
What is accepted is recorded beside the database, in humanloop.otlp-….db, one
for each address and target: after Ctrl-C, kill or outage the same command
continues and sends nothing twice, except the batch that was in flight. --resend
sends everything again, such as to another account. A batch that is refused
(4xx, or a partial success) is halved down to single spans; those still refused
are listed in humanloop.otlp-….refused.jsonl with the ids of their Logs and the
reason, and tried again by the next run; exit 3. If a partial success does not
name the spans that it refused, some that it accepted are sent again: their ids
are the same, but Langfuse bills them twice. Judgments are sent as attributes of
their spans; only --to writes them as events. As read in November 2026:
LangSmith's and Opik's clouds refuse spans older than 24 h, Logfire drops them
silently, Phoenix and W&B Weave take protobuf only.`,
    details: async () =>
      (await import("../../otlp/fields_text.ts")).detailsText(),
    example: "otlp exports/20250606-120000 --to traces.jsonl",
  },
  prompts: {
    usage: "prompts DIR… --to OUT",
    summary: "Prompts and Agents as Humanloop's files",
    operand: EXPORT_DIRS,
    options: ["to", "deployed", "format", "database", "output", "json"],
    own: {
      format: {
        help: "humanloop (the default) or promptfoo",
        complete: ["humanloop", "promptfoo"],
      },
    },
    about:
      `Writes OUT/Support/Triage.prompt for the Version of Support/Triage that is
deployed by default, OUT/Support/Triage@prv_….prompt for each other: files as
Humanloop serialised them, or its own text where the export has that. With
--deployed, only what is deployed: Triage.prompt for the default environment,
Triage@staging.prompt where staging has another Version. What cannot be in a
file name on Linux, macOS or Windows is written as % and hexadecimal.

The format has no fields for ids, names, dates, environments of Versions: they
are in OUT/%versions.json. It cannot express images without an https address,
their detail, other parts, a message's name, thoughts, text beside calls (it
becomes a message of its own) and newer fields; text that contains one of its
tags, such as </user>, may be read as that tag. Each such file is named on
stderr, and the whole Version is beside it: Triage@prv_….json. White space
around a text is kept, though some readers trim it. The Files that an Agent
links to have files of their own.

--format promptfoo writes OUT/prompts/Support/Triage.promptfooconfig.yaml for
each Prompt that is deployed, with its Versions side by side as ….j2, and
Datasets as tests in OUT/datasets (see hl-export help datasets): those that an
Evaluation ran it over or, if there is none, those with all of its inputs; the
Version that is deployed, or the newest. Messages of a Datapoint follow the
Prompt's. Agents, linked Tools and Evaluators are left out, and jinja templates
are given to Nunjucks. Needs the database, as browse does. To run it:
npx promptfoo eval -c OUT/prompts/Support/Triage.promptfooconfig.yaml

Exit 3 if the export lacks something, or something could not be read; what a
format cannot express is a warning.`,
    example: "prompts exports/20250606-120000 --to prompts",
  },
  datasets: {
    usage: "datasets DIR… --to OUT",
    summary: "Datasets as JSONL, CSV, promptfoo tests",
    operand: EXPORT_DIRS,
    options: ["to", "format", "database", "output", "json"],
    own: {
      format: {
        help: "jsonl (the default), csv or promptfoo",
        complete: ["jsonl", "csv", "promptfoo"],
      },
    },
    about:
      `Writes OUT/Support/Golden@dsv_….jsonl for each Version of Support/Golden, and
OUT/Support/Golden.jsonl for the one that is deployed by default, or else the
newest; names are made as by prompts, and OUT/%datasets.json lists them. Makes
the database first, as browse does. Exit 3 if something is missing.

jsonl      {"id", "input", "messages", "expected_output", "metadata"} a line,
           exactly the JSON that the API sent. metadata: path and id of the
           Dataset; id, name, date and attributes of the Version; in datapoint
           the other fields of the Datapoint.
csv        a column for each input, then messages, expected_output, metadata
           as JSON; empty without quotes if there is none. An input called
           id, messages, …, input.x or __x is in the column input.id and so on.
           A text that begins like a formula gets an apostrophe before it.
promptfoo  {"description", "vars", "assert", "metadata"} a line. vars: the
           inputs, and messages as JSON. assert: equals the target's field
           output, or its only field; none if there are several (the target
           is in metadata.expected_output). Lists and objects are JSON text. A
           text with {{, {% or {#, with file:// in front or a line break at
           the end is in a list of one: promptfoo neither runs nor changes it.`,
    example: "datasets exports/20250606-120000 --to datasets --format csv",
  },
  demo: {
    usage: "demo [options]",
    summary: "export a sample workspace, or serve it",
    options: ["output", "concurrency", "serve", "port", "slow"],
    about: "Nothing leaves this machine, and no key is needed.",
    example: "demo --serve --port 8080",
  },
  completions: {
    usage: "completions SHELL",
    summary: "completions for bash, zsh or fish",
    operand: {
      name: "SHELL",
      missing: "the name of a shell: bash, zsh or fish",
      words: ["bash", "zsh", "fish"],
    },
    options: [],
    about:
      `Prints a script for the shell. bash: source it in ~/.bashrc. zsh: save it as
_hl-export in a directory of $fpath. fish: save it as
~/.config/fish/completions/hl-export.fish.`,
    example: "completions bash > ~/.hl-export.bash",
  },
};

/** Lists the options of a command, in the order of `--help`. */
export function optionsOf(command: Command): readonly OptionKey[] {
  return [...COMMANDS[command].options, ...COMMON];
}

/** Returns an option as it is for a command. */
export function optionOf(command: Command, key: OptionKey): Option {
  return { ...OPTIONS[key], ...COMMANDS[command].own?.[key] };
}

/** The options that the user gave; others are absent. */
export type Flags =
  & {
    readonly command: Command;
    /** What the command takes besides options: a directory, a shell. */
    readonly operands: readonly string[];
  }
  & {
    readonly [key in OptionKey]?: ReturnType<typeof OPTIONS[key]["read"]>;
  };
