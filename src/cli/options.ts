/** Which commands and options there are. */

/** What the program can do. */
export const COMMANDS = [
  "export",
  "plan",
  "verify",
  "index",
  "prompts",
  "demo",
] as const;

/** One of {@linkcode COMMANDS}. */
export type Command = typeof COMMANDS[number];

/** The options, as given; absent ones are `undefined`. */
export interface Flags {
  readonly command: Command;
  /** The export that `verify`, `index` or `prompts` is to look at. */
  readonly dir?: string;
  /** Whether what is printed is for programs. */
  readonly json: boolean;
  /** Where `prompts` is to write. */
  readonly to?: string;
  /** Whether `verify` is to compare with the API. */
  readonly remote: boolean;
  readonly resume?: string;
  readonly output?: string;
  readonly directory?: string;
  readonly logs?: boolean;
  readonly types?: readonly string[];
  readonly files?: readonly string[];
  readonly since?: string;
  readonly until?: string;
  readonly shard?: string;
  readonly concurrency?: number;
  readonly patienceMs?: number;
  readonly apiUrl?: string;
  readonly envFile?: string;
  readonly serve: boolean;
  readonly port?: number;
  readonly quiet: boolean;
  readonly verbose: boolean;
  readonly color: boolean;
  readonly version: boolean;
  readonly help: boolean;
}

/** What an export is of, and how the API is reached. */
const WHAT = [
  ...["directory", "type", "file", "since", "until", "shard"],
  ...["concurrency", "patience", "api-url", "env-file"],
];
const SWITCHES = ["quiet", "verbose", "no-color", "version", "help"];
/** The options of each command, and whether it takes a directory. */
export const OPTIONS: Readonly<
  Record<Command, {
    readonly values: readonly string[];
    readonly switches: readonly string[];
    readonly takesDir: boolean;
  }>
> = {
  export: {
    values: ["resume", "output", ...WHAT],
    switches: ["logs", "no-logs", "json", ...SWITCHES],
    takesDir: false,
  },
  plan: {
    values: WHAT,
    switches: ["logs", "no-logs", "json", ...SWITCHES],
    takesDir: false,
  },
  verify: {
    values: ["concurrency", "patience", "api-url", "env-file"],
    switches: ["remote", ...SWITCHES],
    takesDir: true,
  },
  index: {
    values: [],
    switches: SWITCHES,
    takesDir: true,
  },
  prompts: {
    values: ["to"],
    switches: SWITCHES,
    takesDir: true,
  },
  demo: {
    values: ["output", "concurrency", "port"],
    switches: ["serve", ...SWITCHES],
    takesDir: false,
  },
};
/** Options that may be given more than once. */
export const REPEATABLE: readonly string[] = ["type", "file"];

/** Letters for options. */
export const SHORT: Readonly<Record<string, string>> = {
  q: "quiet",
  v: "verbose",
  h: "help",
};
