/**
 * Makes the connection of a command to the API: key, session, and the first
 * request.
 */
import { Session } from "../api/session/session.ts";
import { UsageError } from "../core/errors.ts";
import { logOnly, type Observer } from "../core/observer.ts";
import type { Runtime } from "../core/runtime/runtime.ts";
import { isInsecure } from "../core/web_address.ts";
import { type ReaderContext, readerContext } from "../lists/reader_context.ts";
import { type ConfigInput, validKey } from "./options/config.ts";
import {
  DEFAULT_CONCURRENCY,
  DEFAULT_PATIENCE_MS,
  KEY_PAGE,
} from "./options/defaults.ts";
import type { Flags } from "./options/options.ts";
import { printLine } from "./output.ts";

/** What a connection is made from, besides flags and runtime. */
export interface ConnectionOptions {
  readonly apiUrl: string;
  readonly apiKey: string;
  readonly signal: AbortSignal;
  /** Without it, only warnings are printed. */
  readonly observer?: Observer;
}

/**
 * Connects to the API and makes sure that it answers and takes the key.
 *
 * @throws {AuthError} When it refuses the key.
 * @throws {ApiError | NetworkError | ProtocolError} When it cannot be reached.
 */
export async function connectToApi(
  flags: Pick<Flags, "concurrency" | "patienceMs">,
  runtime: Runtime,
  options: ConnectionOptions,
): Promise<ReaderContext> {
  const reader = openConnection(flags, runtime, options);
  await reader.session.reach();
  return reader;
}

/**
 * Makes the connection of {@linkcode connectToApi}, without a first request.
 */
export function openConnection(
  { concurrency, patienceMs }: Pick<Flags, "concurrency" | "patienceMs">,
  runtime: Runtime,
  { observer = warningsOnly(runtime), ...api }: ConnectionOptions,
): ReaderContext {
  if (isInsecure(api.apiUrl)) {
    observer.log(
      "WARN",
      `the key is sent to ${api.apiUrl} unencrypted, and others on the network can read it`,
    );
  }
  const atOnce = concurrency ?? DEFAULT_CONCURRENCY;
  const session = new Session({
    ...{ ...api, runtime, observer, concurrency: atOnce },
    patienceMs: patienceMs ?? DEFAULT_PATIENCE_MS,
  });
  return readerContext(session, atOnce, api.signal);
}

/**
 * Returns the key that was set, or asks for it.
 *
 * @throws {UsageError} When there is none.
 */
export async function keyOf(
  { apiKey }: ConfigInput,
  { terminal }: Pick<Runtime, "terminal">,
): Promise<string> {
  if (apiKey !== null) return apiKey;
  const answer = await terminal.askSecret("Humanloop API key (not shown): ");
  const key = validKey(answer?.trim() || null);
  if (key !== null) {
    terminal.hide?.(key);
    return key;
  }
  throw new UsageError(
    `no API key: set HUMANLOOP_API_KEY in the environment or in .env; keys are made at ${KEY_PAGE}`,
  );
}

function warningsOnly(runtime: Runtime): Observer {
  return logOnly((level, message) => {
    if (level === "WARN") printLine(runtime, "warn", message);
  });
}
