/** Names the exit codes, and chooses one for a failure. */
import {
  AuthError,
  isRecoverable,
  StorageError,
  UsageError,
} from "../core/errors.ts";

/** The exit codes. */
export const EXIT = {
  complete: 0,
  internalError: 1,
  usage: 2,
  incomplete: 3,
  verifyFailed: 4,
  authFailed: 5,
  interrupted: 130,
} as const;

/** Chooses the exit code of a command that finished. */
export function exitCodeOf(isComplete: boolean): number {
  return isComplete ? EXIT.complete : EXIT.incomplete;
}

/** How a run ended. */
export type State =
  | "complete"
  | "incomplete"
  | "interrupted"
  | "refused"
  | "failed";

/** The exit codes, as `--help` lists them. */
export const EXIT_HELP =
  `  0 complete   1 internal error, or a disk error   2 wrong usage or settings
  3 something is missing or could not be reached   4 verify reports a problem
  5 the API refused the key                        130 interrupted`;

/** A failure, as the command reports it. */
export interface Failure {
  readonly code: number;
  readonly state: State;
  /** For the user. */
  readonly message: string;
}

/** Chooses the exit code and the message for an error that ended a command. */
export function failureOf(error: unknown): Failure {
  if (error instanceof DOMException && error.name === "AbortError") {
    const message = "interrupted";
    return { code: EXIT.interrupted, state: "interrupted", message };
  }
  if (error instanceof AuthError) {
    return { code: EXIT.authFailed, state: "refused", message: error.message };
  }
  const state = "failed";
  if (error instanceof UsageError) {
    return { code: EXIT.usage, state, message: error.message };
  }
  if (isRecoverable(error)) {
    return { code: EXIT.incomplete, state, message: error.message };
  }
  if (error instanceof StorageError) {
    return { code: EXIT.internalError, state, message: error.message };
  }
  const trace = error instanceof Error ? error.stack : String(error);
  const message = `internal error, please report it: ${trace}`;
  return { code: EXIT.internalError, state, message };
}
