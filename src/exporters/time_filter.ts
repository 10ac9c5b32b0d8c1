/**
 * Which Logs are read, by their time of creation: up to the export's cut-off, and
 * between the instants of its filters. The API documents neither whether dates
 * are honoured nor whether they include their instant: the first is asked once in
 * a run, the second never matters (see `api/date_windows.ts`).
 */
import { type FileInfo, logsList } from "../api/client.ts";
import { probeList } from "../lists/time_windows.ts";
import type { Session } from "../api/session.ts";
import { ApiError } from "../core/errors.ts";
import type { Filters } from "../core/filters.ts";

/** Before any Log: a server that honours it has none up to here. */
const LONG_AGO = "1970-01-02T00:00:00.000Z";

/** The Logs between two instants (ISO 8601, UTC). */
export interface LogRange {
  readonly after: string | null;
  readonly until: string;
}

/** Knows which Logs are wanted, and whether the API can be asked for just them. */
export class TimeFilter {
  #honoured: Promise<boolean> | null = null;
  /** What is asked for where dates are honoured. */
  readonly wanted: LogRange;
  /** Whether only some Logs are wanted. */
  readonly isFiltered: boolean;

  /** @param instant Logs created later are left out (ISO 8601, UTC). */
  constructor(formatTime: string, { since, until }: Filters) {
    const isEarlier = until !== null && until < formatTime;
    this.wanted = { after: since, until: isEarlier ? until : formatTime };
    this.isFiltered = since !== null || until !== null;
  }

  /**
   * The Logs to ask for; `null` where the server ignores or refuses dates.
   *
   * @param file One that has Logs.
   * @throws {ApiError | NetworkError | ProtocolError} When nothing was answered.
   */
  async range(session: Session, file: FileInfo): Promise<LogRange | null> {
    this.#honoured ??= isHonoured(session, file);
    try {
      return await this.#honoured ? this.wanted : null;
    } catch (error) {
      this.#honoured = null;
      throw error;
    }
  }
}

async function isHonoured(session: Session, file: FileInfo): Promise<boolean> {
  try {
    const { total } = await probeList(session, logsList(file, null, LONG_AGO));
    return total === 0;
  } catch (error) {
    if (!(error instanceof ApiError) || error.retryable) throw error;
    return false;
  }
}
