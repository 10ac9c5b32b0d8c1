/**
 * Defines the six kinds of failure that the program distinguishes. A message
 * says in one sentence what was tried, what happened and what to do, without a
 * trailing stop; it never holds a header, a query string or more than 200
 * characters of a response. The exit code is chosen from the class, once, in
 * `cli/exit_codes.ts`.
 */

/** The arguments, the settings or the chosen directory cannot be used. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** The API refused the key, even if only for one File. */
export class AuthError extends Error {
  override readonly name = "AuthError";
}

/** Options of {@linkcode ApiError}. */
export interface ApiErrorOptions extends ErrorOptions {
  readonly status: number;
  /** Whether the same request may succeed a little later. */
  readonly retryable: boolean;
  /** When `Retry-After` allows the next request, by the monotonic clock. */
  readonly retryAtMs?: number;
}

/** The API answered with a status that is no success. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly status: number;
  readonly retryable: boolean;
  readonly retryAtMs: number | undefined;

  constructor(message: string, options: ApiErrorOptions) {
    super(message, options);
    this.status = options.status;
    this.retryable = options.retryable;
    this.retryAtMs = options.retryAtMs;
  }
}

/** Options of {@linkcode NetworkError}. */
export interface NetworkErrorOptions extends ErrorOptions {
  /** What a user may do about it, without a trailing stop. */
  readonly advice?: string;
  /** Whether waiting does not help: an unknown host, a certificate that is not trusted. */
  readonly permanent?: boolean;
  /**
   * Whether the run was given up because the API did not answer within
   * `--patience`.
   */
  readonly outage?: boolean;
  /** Whether the API did not answer once in this run. */
  readonly neverReached?: boolean;
}

/** No complete answer arrived: connection, name, TLS, time-out, cut body. */
export class NetworkError extends Error {
  override readonly name = "NetworkError";
  readonly advice: string | undefined;
  readonly permanent: boolean;
  readonly outage: boolean;
  readonly neverReached: boolean;

  constructor(message: string, options: NetworkErrorOptions = {}) {
    super(message, options);
    this.advice = options.advice;
    this.permanent = options.permanent ?? false;
    this.neverReached = options.neverReached ?? false;
    this.outage = options.outage ?? this.neverReached;
  }
}

/** An answer arrived, but not in the shape that the API promises. */
export class ProtocolError extends Error {
  override readonly name = "ProtocolError";
}

/** The disk failed: full, read-only, no permission, input/output error. */
export class StorageError extends Error {
  override readonly name = "StorageError";
}

/**
 * Checks whether a request failed, an outage included. Such a failure makes a
 * gap; every other one ends the run.
 *
 * @param error What was thrown.
 */
export function isRecoverable(error: unknown): error is Error {
  return error instanceof ApiError || error instanceof NetworkError ||
    error instanceof ProtocolError;
}

/**
 * Checks whether the run was given up because the API did not answer, or asked to
 * wait, for longer than `--patience`: then no further request can succeed.
 *
 * @param error What was thrown.
 */
export function isOutage(error: unknown): error is NetworkError {
  return error instanceof NetworkError && error.outage;
}

/**
 * Checks whether no more than one request failed: its records are a gap, and
 * the next request may succeed.
 *
 * @param error What was thrown.
 */
export function isListRecoverable(error: unknown): error is Error {
  return isRecoverable(error) && !isOutage(error);
}
