/** The text of `--help`, which fits a screen. */
import {
  DEFAULT_API_URL,
  DEFAULT_CONCURRENCY,
  DEFAULT_OUTPUT,
  KEY_PAGE,
} from "./config.ts";
import type { Command } from "./options.ts";
import { VERSION } from "../core/version.ts";
import type { Build } from "../core/runtime.ts";

/** What `--version` prints. */
export function versionText({ kind, deno, target }: Build): string {
  return `hl-export ${VERSION} (${kind}, Deno ${deno}, ${target})\n`;
}

/** What `--help` prints without a command. */
const HELP_TEXT =
  `hl-export ${VERSION} - export everything from Humanloop to your own disk

  hl-export [export] [options]          export into exports/YYYYMMDD-HHMMSS
  hl-export plan [options]              what that would fetch; writes nothing
  hl-export --resume DIR                go on with an export
  hl-export verify DIR [--remote]       check an export; with the API, by counts
  hl-export index DIR                   pages to look inside it with a browser
  hl-export prompts DIR --to OUT        Prompts and Agents of an export as text
  hl-export demo [--serve [--port N]]   export a sample workspace, or serve it

Options of export
  --resume DIR       go on with this export; skips what is complete
  --output DIR       where to make new exports (default: ${DEFAULT_OUTPUT})
  --directory ID     only this Directory and what is below it
  --type TYPE        only Files of this type; may be repeated
  --file ID|GLOB     only these Files, such as 'support/**'; may be repeated
  --since, --until T only Logs of this time: 2025-01-31, 2025-01-31T08:00Z, 30d
  --shard I/N        only part I of N of the Files, for N machines
  --logs, --no-logs  with or without Logs (default: without);
                     --resume DIR --logs adds them to an export
  --concurrency N    requests in flight at once, 1 to 100 (default: ${DEFAULT_CONCURRENCY})
  --patience TIME    how long to wait for an API that is down (default: 15m)
  --api-url URL      default: ${DEFAULT_API_URL}
  --env-file PATH    read settings from this file instead of .env
  --json             print JSON: lines on stderr, one document on stdout
  -q, --quiet        only what goes wrong; -v, --verbose: every log line
  --no-color, --version, -h, --help

Settings (flags go before the environment, that before .env)
  HUMANLOOP_API_KEY       from ${KEY_PAGE}
  HUMANLOOP_DIRECTORY_ID  like --directory
  EXPORT_LOGS             true or false, like --logs and --no-logs
  HUMANLOOP_API_URL       like --api-url

Exit codes
  0 complete   1 a defect, or the disk refused   2 wrong usage or settings
  3 finished, but something is missing   4 verify found something wrong
  5 the key was refused                  130 interrupted

Example:  hl-export --logs --output /backup/humanloop
`;

/** The texts of `--help` behind a command. */
const COMMAND_HELP: Readonly<Record<Exclude<Command, "export">, string>> = {
  plan: `hl-export plan [options] - what an export would fetch; writes nothing

  --directory ID     only this Directory and what is below it
  --type TYPE        only Files of this type; may be repeated
  --file ID|GLOB     only these Files, such as 'support/**'; may be repeated
  --since, --until T only Logs of this time: 2025-01-31, 2025-01-31T08:00Z, 30d
  --shard I/N        only part I of N of the Files, for N machines
  --logs, --no-logs  with or without Logs (default: without)
  --concurrency N    requests in flight at once (default: ${DEFAULT_CONCURRENCY})
  --patience TIME    how long to wait for an API that is down (default: 15m)
  --api-url URL      default: ${DEFAULT_API_URL}
  --env-file PATH    read settings from this file instead of .env
  --json             print one JSON document
  -q, --quiet, -v, --verbose, --no-color, --version, -h, --help

One small request a list tells how many records there are; bytes are reckoned
from one record of each, time from how long these requests took. Exit 3 where
something could not be counted.

Example:  hl-export plan --logs --since 90d
`,
  verify:
    `hl-export verify DIR [options] - check an export, offline and without a key

  --remote           compare counts with the API too; needs the key
  --concurrency N    with --remote: requests in flight (default: ${DEFAULT_CONCURRENCY})
  --patience TIME    with --remote: wait for an API that is down (default: 15m)
  --api-url URL      with --remote: where the API is (default: the export's)
  --env-file PATH    read settings from this file instead of .env
  -q, --quiet, -v, --verbose, --no-color, --version, -h, --help

Reads every file once: sums, JSON, chunks, counts, references, no record twice.
Prints a line for each problem, with what to do. Exports by the official script
can be checked too. Exit 0 when all is sound, 4 when not, 2 when there is none.

Example:  hl-export verify exports/20250606-120000 --remote
`,
  index: `hl-export index DIR - write pages to look inside an export

  -q, --quiet, -v, --verbose, --no-color, --version, -h, --help

Writes DIR/index.html, where Files are found by name, path, id and type, and a
page for each File: its Versions and how they differ, its Evaluations, its
newest Logs. Every export ends with this; the command is for exports of the
official script, for merged ones, and after an update of this program. The
pages need no network, and are made from what the export holds.

Example:  hl-export index exports/20250606-120000
`,
  prompts:
    `hl-export prompts DIR --to OUT - Prompts and Agents of an export as text

  --to OUT           where to write; files of the same name are replaced
  -q, --quiet, -v, --verbose, --no-color, --version, -h, --help

Writes OUT/Support/Triage.prompt for the deployed Version of Support/Triage and
OUT/Support/Triage@prv_….prompt for each other: front matter with model and
parameters, then the messages. What cannot stand in a file name on Linux, macOS
or Windows stands there as % and hexadecimal.

Example:  hl-export prompts exports/20250606-120000 --to prompts
`,
  demo: `hl-export demo [options] - export a sample workspace from this machine

  --output DIR       where to make the export (default: ${DEFAULT_OUTPUT})
  --concurrency N    requests in flight at once (default: ${DEFAULT_CONCURRENCY})
  --serve            only serve the workspace, and print how to export it
  --port N           with --serve: the port (default: any free one)
  -q, --quiet, -v, --verbose, --no-color, --version, -h, --help

Nothing leaves this machine, and no key is needed.

Example:  hl-export demo --serve --port 8080
`,
};

/** What `--help` prints for a command. */
export function helpText(command: Command): string {
  return command === "export" ? HELP_TEXT : COMMAND_HELP[command];
}
