/** Writes `--help` from the table of options. Each fits a screen. */
import type { Build } from "../../core/runtime/runtime.ts";
import { VERSION } from "../../core/runtime/version.ts";
import { KEY_PAGE } from "./defaults.ts";
import { EXIT_HELP } from "../exit_codes.ts";
import {
  type Command,
  COMMANDS,
  COMMON,
  type OptionKey,
  optionName,
  optionOf,
  OPTIONS,
} from "./options.ts";

const OPTION_COLUMNS = 19;
const USAGE_COLUMNS = 36;
/** The options of `export` that the overview shows. */
const MOST_USED: readonly OptionKey[] = ["resume", "output", "logs", "json"];

/** Writes what `--version` prints. */
export function versionText({ kind, deno, target }: Build): string {
  return `hl-export ${VERSION} (${kind}, Deno ${deno}, ${target})\n`;
}

/** Writes what `--help` prints without a command. */
export function overviewText(): string {
  const usages = [
    ...Object.values(COMMANDS),
    {
      usage: "help COMMAND",
      summary: "all options of a command, and an example",
    },
  ].map(({ usage, summary }) =>
    `  hl-export ${usage}`.padEnd(USAGE_COLUMNS) + summary
  );
  return `hl-export ${VERSION} - export everything from Humanloop to your own disk

${usages.join("\n")}

Options of export (hl-export help export names all)
${MOST_USED.map((key) => optionText("export", key)).join("\n")}
${commonText()}

Settings (flags go before the environment, that before .env)
  HUMANLOOP_API_KEY       from ${KEY_PAGE}
  HUMANLOOP_DIRECTORY_ID  like --directory
  EXPORT_LOGS             true or false, like --logs and --no-logs
  HUMANLOOP_API_URL       like --api-url

Exit codes
${EXIT_HELP}

Example:  hl-export ${COMMANDS.export.example}
`;
}

/** Writes what `--help` prints for a command. */
export async function helpText(command: Command): Promise<string> {
  const { usage, summary, options, about, details, example } =
    COMMANDS[command];
  const lines = options.map((key) => optionText(command, key));
  const more = details === undefined ? "" : `\n\n${await details()}`;
  return `hl-export ${usage} - ${summary}

${[...lines, commonText()].join("\n")}

${about}${more}

Example:  hl-export ${example}
`;
}

function optionText(command: Command, key: OptionKey): string {
  const { value, help } = optionOf(command, key);
  const name = `--${optionName(key)}${value ? ` ${value}` : ""}`;
  const indent = " ".repeat(OPTION_COLUMNS + 2);
  return `  ${name.padEnd(OPTION_COLUMNS)}${
    help.replaceAll("\n", `\n${indent}`)
  }`;
}

function commonText(): string {
  const names = COMMON.flatMap((key) => {
    const { short } = OPTIONS[key];
    return [short ? `-${short}` : [], `--${optionName(key)}`].flat();
  });
  return `  ${names.join(", ")}`;
}
