/**
 * Settings: flags over the environment over `.env` over defaults, and on a
 * resume what `export.json` kept of the first run. Everything is validated
 * here, before anything is written.
 */
import { parse } from "@std/dotenv";
import type { Flags } from "./options.ts";
import { UsageError } from "../core/errors.ts";
import { isSafeId } from "../tree/layout.ts";
import { readFilters, resumedFilters } from "../core/filters.ts";
import { type Settings } from "../tree/manifest.ts";
import { type Filters, NO_FILTERS } from "../core/filters.ts";

/** Where the API is, unless something else is said. */
export const DEFAULT_API_URL = "https://api.humanloop.com/v5";

/** Requests in flight at once, unless something else is said. */
export const DEFAULT_CONCURRENCY = 16;

/** How long to wait for an API that does not answer, in milliseconds. */
export const DEFAULT_PATIENCE_MS = 15 * 60_000;

/** Where new exports go, unless something else is said. */
export const DEFAULT_OUTPUT = "exports";

/** Where a key is made. */
export const KEY_PAGE = "https://app.humanloop.com/account/api-keys";

/** What was said, validated; `null` where nothing was. */
export interface ConfigInput {
  readonly apiKey: string | null;
  readonly apiUrl: string | null;
  readonly directoryId: string | null;
  /** Said by a flag. */
  readonly logsFlag: boolean | null;
  /** Said by EXPORT_LOGS. */
  readonly logsVariable: boolean | null;
  /** `null` where none were said. */
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
}

/**
 * Reads what was said about the settings.
 *
 * @throws {UsageError} When a value cannot be used.
 */
export function readConfigInput(
  { flags, env, envFile, nowMs }: Sources,
): ConfigInput {
  const file = envFile === null ? {} : parse(envFile.replace(/^\ufeff/, ""));
  const variable = (name: string): string | null =>
    env(name)?.trim() || file[name]?.trim() || null;
  return {
    apiKey: validKey(variable("HUMANLOOP_API_KEY")),
    apiUrl: flags.apiUrl !== undefined
      ? validUrl(flags.apiUrl, "--api-url")
      : validUrl(variable("HUMANLOOP_API_URL"), "HUMANLOOP_API_URL"),
    directoryId: flags.directory !== undefined
      ? validDirectory(flags.directory, "--directory")
      : validDirectory(
        variable("HUMANLOOP_DIRECTORY_ID"),
        "HUMANLOOP_DIRECTORY_ID",
      ),
    logsFlag: flags.logs ?? null,
    logsVariable: validLogs(variable("EXPORT_LOGS")),
    filters: readFilters(flags, nowMs),
  };
}

/**
 * The settings of a new export, or of one that does not say (the official
 * script's).
 *
 * @param nowMs The present: Logs created later are left out.
 */
export function newSettings(input: ConfigInput, nowMs: number): Settings {
  return {
    apiUrl: input.apiUrl ?? DEFAULT_API_URL,
    directoryId: input.directoryId,
    logs: input.logsFlag ?? input.logsVariable ?? false,
    cutoff: new Date(nowMs).toISOString(),
    filters: input.filters ?? NO_FILTERS,
    rootDirectoryId: null,
  };
}

/**
 * The settings to go on with: those of the first run, Logs added if wanted.
 *
 * @throws {UsageError} When what was said contradicts them.
 */
export function resumedSettings(input: ConfigInput, first: Settings): Settings {
  if (input.apiUrl !== null && input.apiUrl !== first.apiUrl) {
    throw contradiction("of the API at", first.apiUrl, input.apiUrl);
  }
  if (
    input.directoryId !== null && input.directoryId !== first.directoryId
  ) {
    throw contradiction(
      "of",
      first.directoryId ?? "the whole workspace",
      input.directoryId,
    );
  }
  if (first.logs && input.logsFlag === false) {
    throw new UsageError(
      "this export includes Logs, which --no-logs cannot take away; leave it out, or start a new export without --resume",
    );
  }
  const wanted = input.logsFlag ?? input.logsVariable ?? false;
  const filters = resumedFilters(first.filters, input.filters);
  return { ...first, filters, logs: first.logs || wanted };
}

function contradiction(of: string, first: string, now: string): UsageError {
  return new UsageError(
    `this export is ${of} ${first}, not ${now}; leave that setting out (flag, environment and .env), or start a new export without --resume`,
  );
}

/** Checks a key that was typed in or set. */
export function validKey(key: string | null): string | null {
  if (key === null || /^[\x21-\x7e]+$/.test(key)) return key;
  throw new UsageError(
    `the API key has characters that no key has (spaces, line breaks, letters beyond ASCII); copy it again from ${KEY_PAGE}`,
  );
}

function validUrl(text: string | null, name: string): string | null {
  if (text === null) return null;
  const url = URL.canParse(text) ? new URL(text) : null;
  const isWeb = url?.protocol === "https:" || url?.protocol === "http:";
  if (
    url === null || !isWeb || url.username !== "" || url.password !== "" ||
    url.search !== "" || url.hash !== ""
  ) {
    throw new UsageError(
      `${name} must be a web address such as ${DEFAULT_API_URL}, without a question mark or a user name`,
    );
  }
  const loopback = /^(localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname);
  if (url.protocol === "http:" && !loopback) {
    throw new UsageError(
      `${name} must begin with https://, or the key would travel in the clear`,
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
