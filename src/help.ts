/** The text of `--help`, which fits a screen. */
import {
  DEFAULT_API_URL,
  DEFAULT_CONCURRENCY,
  DEFAULT_OUTPUT,
  KEY_PAGE,
} from "./config.ts";
import { VERSION } from "./version.ts";
import type { Build } from "./world.ts";

/** What `--version` prints. */
export function versionText({ kind, deno, target }: Build): string {
  return `hl-export ${VERSION} (${kind}, Deno ${deno}, ${target})\n`;
}

/** What `--help` prints. */
export const HELP_TEXT =
  `hl-export ${VERSION} - export everything from Humanloop to your own disk

  hl-export [export] [options]          export into exports/YYYYMMDD-HHMMSS
  hl-export plan [options]              what that would fetch; writes nothing
  hl-export --resume DIR                go on with an export
  hl-export verify DIR [--remote]       check an export; with the API, by counts
  hl-export prompts DIR --to OUT        Prompts and Agents of an export as text
  hl-export demo [--serve [--port N]]   export a sample workspace, or serve it

Options of export
  --resume DIR       go on with this export; skips what is complete
  --output DIR       where to make new exports (default: ${DEFAULT_OUTPUT})
  --directory ID     only this Directory and what is below it
  --type TYPE        only Files of this type; may be repeated
  --file ID|GLOB     only these Files, such as 'support/**'; may be repeated
  --since, --until T only Logs of this time: 2025-01-31, 2025-01-31T08:00Z, 30d
  --logs, --no-logs  with or without Logs (default: without);
                     --resume DIR --logs adds them to an export
  --concurrency N    requests in flight at once, 1 to 100 (default: ${DEFAULT_CONCURRENCY})
  --patience TIME    how long to wait for an API that is down (default: 15m)
  --api-url URL      default: ${DEFAULT_API_URL}
  --env-file PATH    read settings from this file instead of .env
  --json             print JSON: lines on stderr, one document on stdout
  -q, --quiet        print only what goes wrong
  -v, --verbose      print every line of export.log
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
