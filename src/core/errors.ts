/**
 * The six kinds of failure that the program tells apart. A message says in one
 * sentence what was tried, what happened and what to do, without a trailing
 * stop; it never holds a header, a query string or more than 200 characters of
 * a response. The exit code is chosen from the class, once, in `cli.ts`.
 */

/** The arguments, the settings or the chosen directory cannot be used. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** The API refused the key (a 401 or 403 of its own, not of a proxy's). */
export class AuthError extends Error {
  override readonly name = "AuthError";
}

/** Options of {@linkcode ApiError}. */
export interface ApiErrorOptions extends ErrorOptions {
  readonly status: number;
  /** Whether the same request may succeed a little later. */
  readonly retryable: boolean;
  /** What `Retry-After` asked for, in milliseconds from now. */
  readonly retryAfterMs?: number;
}

/** The API answered with a status that is no success. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly status: number;
  readonly retryable: boolean;
  readonly retryAfterMs: number | undefined;

  constructor(message: string, options: ApiErrorOptions) {
    super(message, options);
    this.status = options.status;
    this.retryable = options.retryable;
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** Options of {@linkcode NetworkError}. */
export interface NetworkErrorOptions extends ErrorOptions {
  /** Whether the API answered nothing at all for as long as was to be waited. */
  readonly outage?: boolean;
}

/** No complete answer arrived: connection, name, TLS, time-out, cut body. */
export class NetworkError extends Error {
  override readonly name = "NetworkError";
  readonly outage: boolean;

  constructor(message: string, options: NetworkErrorOptions = {}) {
    super(message, options);
    this.outage = options.outage ?? false;
  }
}

/** An answer arrived, but not in the shape that the API promises. */
export class ProtocolError extends Error {
  override readonly name = "ProtocolError";
}

/** The disk refused: full, read-only, no permission, input/output error. */
export class StorageError extends Error {
  override readonly name = "StorageError";
}

/**
 * Whether a failure costs one part of the export (a gap) rather than the run.
 *
 * @param error What was thrown.
 * @returns `true` for failures of one request, `false` for all others.
 */
export function isRecoverable(error: unknown): error is Error {
  return error instanceof ApiError || error instanceof NetworkError ||
    error instanceof ProtocolError;
}

/**
 * Whether a failure costs some places of a list: that of one request, but not
 * that the API does not answer at all, for longer than was to be waited.
 */
export function isListRecoverable(error: unknown): error is Error {
  const isOutage = error instanceof NetworkError && error.outage;
  return isRecoverable(error) && !isOutage;
}
