/**
 * Reads settings: flags win over the environment, that over `.env`, that over
 * defaults; a resume keeps those of the first run. Everything is checked here,
 * before anything is written.
 */
import { parse } from "@std/dotenv";
import { UsageError } from "../../core/errors.ts";
import { type Filters, NO_FILTERS } from "../../core/filters.ts";
import type { Runtime, Terminal } from "../../core/runtime/runtime.ts";
import { isInsecure, webAddress } from "../../core/web_address.ts";
import { readFile } from "../../tree/write/atomic_file.ts";
import { isSafeId } from "../../tree/layout.ts";
import type { Settings } from "../../tree/manifest.ts";
import { DEFAULT_API_URL, KEY_PAGE } from "./defaults.ts";
import { readFilters, resumedFilters } from "./filters.ts";
import type { Flags } from "./options.ts";

const DEFAULT_ENV_FILE = ".env";

/** The settings that the user gave, checked; `null` for those not given. */
export interface ConfigInput {
  readonly apiKey: string | null;
  /** The address that the key may be sent to. */
  readonly apiUrl: string;
  readonly directoryId: string | null;
  /** By a flag. */
  readonly logsFlag: boolean | null;
  /** By EXPORT_LOGS. */
  readonly logsVariable: boolean | null;
  readonly filters: Filters | null;
}

/** Where settings come from. */
export interface Sources {
  readonly flags: Flags;
  /** A variable of the environment. */
  readonly env: (name: string) => string | undefined;
  /** The text of `.env`, `null` when there is none. */
  readonly envFile: string | null;
  /** The present, in milliseconds since 1970. */
  readonly nowMs: number;
  /** Hides the key in everything that is shown. */
  readonly hide?: Terminal["hide"];
}

/**
 * Reads the settings in flags, environment and `.env`.
 *
 * @throws {UsageError} When a value, or the file, cannot be used.
 */
export async function readConfig(
  flags: Flags,
  { disk, env, clock, terminal }: Pick<
    Runtime,
    "disk" | "env" | "clock" | "terminal"
  >,
): Promise<ConfigInput> {
  const path = flags.envFile ?? DEFAULT_ENV_FILE;
  const bytes = await readFile(disk, path).catch((cause) => {
    throw new UsageError(cause.message, { cause });
  });
  if (bytes === null && flags.envFile !== undefined) {
    throw new UsageError(`there is no file ${path}; check --env-file`);
  }
  const envFile = bytes && new TextDecoder().decode(bytes);
  const { hide } = terminal;
  return readConfigInput({ flags, env, envFile, nowMs: clock.now(), hide });
}

/**
 * Reads the settings in given texts.
 *
 * @throws {UsageError} When a value cannot be used.
 */
export function readConfigInput(
  { flags, env, envFile, nowMs, hide }: Sources,
): ConfigInput {
  const file = envFile === null ? {} : parse(envFile.replace(/^\ufeff/, ""));
  const variable = (name: string): string | null =>
    env(name)?.trim() || file[name]?.trim() || null;
  const said = (flag: string | undefined, flagName: string, name: string) =>
    [flag ?? variable(name), flag === undefined ? name : flagName] as const;
  const apiKey = validKey(variable("HUMANLOOP_API_KEY"));
  if (apiKey !== null) hide?.(apiKey);
  return {
    apiKey,
    apiUrl: validUrl(...said(flags.apiUrl, API_URL_FLAG, "HUMANLOOP_API_URL")),
    directoryId: validDirectory(
      ...said(flags.directory, "--directory", "HUMANLOOP_DIRECTORY_ID"),
    ),
    logsFlag: flags.logs ? true : flags.noLogs ? false : null,
    logsVariable: validLogs(variable("EXPORT_LOGS")),
    filters: readFilters(flags, nowMs),
  };
}

/**
 * Makes the settings of a new export, or of one that keeps none (of the
 * official script).
 *
 * @throws {UsageError} When Logs are filtered but not exported.
 */
export function newSettings(input: ConfigInput): Settings {
  const logs = input.logsFlag ?? input.logsVariable ?? false;
  const filters = input.filters ?? NO_FILTERS;
  if (!logs && (filters.since !== null || filters.until !== null)) {
    throw new UsageError(
      "--since and --until choose Logs, which are not exported; add --logs",
    );
  }
  return {
    apiUrl: input.apiUrl,
    directoryId: input.directoryId,
    logs,
    cutoff: null,
    filters,
    rootDirectoryId: null,
  };
}

/**
 * Makes the settings of a resume: those of the first run, Logs added if wanted.
 *
 * @throws {UsageError} When the user gave others.
 */
export function resumedSettings(input: ConfigInput, first: Settings): Settings {
  expectSameApi(input.apiUrl, first.apiUrl);
  if (input.directoryId !== null && input.directoryId !== first.directoryId) {
    throw new UsageError(
      `this export covers ${
        first.directoryId ?? "the whole workspace"
      }, not ${input.directoryId}; leave that setting out (flag, environment, .env), or start a new export without --resume`,
    );
  }
  if (first.logs && input.logsFlag === false) {
    throw new UsageError(
      "this export includes Logs, which --no-logs cannot remove; leave it out, or start a new export without --resume",
    );
  }
  const logs = first.logs || (input.logsFlag ?? input.logsVariable ?? false);
  const filters = resumedFilters(first.filters, input.filters);
  return { ...first, filters, logs };
}

/**
 * Makes sure that a key goes only where its user wants it: `export.json` may
 * come from another person.
 *
 * @param apiUrl The user's setting, or the default.
 * @param manifestUrl The address in the export.
 * @throws {UsageError} When they differ.
 */
export function expectSameApi(apiUrl: string, manifestUrl: string): void {
  if (apiUrl === manifestUrl) return;
  throw new UsageError(
    `this export is from ${manifestUrl}, but the settings name ${apiUrl}; if the key may be sent to the first, give that with --api-url`,
  );
}

/** Checks a key that was typed in or set. */
export function validKey(key: string | null): string | null {
  if (key === null || /^[\x21-\x7e]+$/.test(key)) return key;
  throw new UsageError(
    `the API key has characters that no key has (spaces, line breaks, letters beyond ASCII); copy it again from ${KEY_PAGE}`,
  );
}

const API_URL_FLAG = "--api-url";

function validUrl(text: string | null, name: string): string {
  if (text === null) return DEFAULT_API_URL;
  const url = webAddress(text);
  if (url === null) {
    throw new UsageError(
      `${name} must be a web address such as ${DEFAULT_API_URL}, without a question mark or a user name`,
    );
  }
  // Allows it by the flag only: a variable may have been forgotten.
  if (name !== API_URL_FLAG && isInsecure(text)) {
    throw new UsageError(
      `${name} must begin with https://, or others on the network could read the key; --api-url allows it for one command`,
    );
  }
  return url.href.replace(/\/+$/, "");
}

function validDirectory(id: string | null, name: string): string | null {
  if (id === null || isSafeId(id)) return id;
  throw new UsageError(
    `${name} must be an id such as dir_xvNi1CKM872aETtBU6SBF`,
  );
}

function validLogs(text: string | null): boolean | null {
  if (text === null) return null;
  const word = text.toLowerCase();
  if (word === "true" || word === "false") return word === "true";
  throw new UsageError(
    `EXPORT_LOGS must be true or false, not ${text.slice(0, 40)}`,
  );
}
