/** Explains the failure of a server that a command starts on this machine. */
import { UsageError } from "../../core/errors.ts";

/**
 * Explains a port that is taken.
 *
 * @param error What the server threw.
 * @returns The error to throw: any other stays as it is.
 */
export function portError(error: unknown, port: number | undefined): unknown {
  if (!(error instanceof Deno.errors.AddrInUse)) return error;
  return new UsageError(
    `port ${port} is taken; choose another with --port, or leave it out`,
    { cause: error },
  );
}
