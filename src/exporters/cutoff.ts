/**
 * Whether the API's Logs can be asked for up to an instant. It documents neither
 * whether `end_date` is honoured nor whether it includes its instant: the first
 * is asked once in a run, the second never matters (see `api/date_windows.ts`).
 */
import { type FileInfo, logsList } from "../api/client.ts";
import { countList } from "../api/date_windows.ts";
import type { Http } from "../api/http.ts";
import { ApiError } from "../errors.ts";

/** Before any Log: a server that honours it has none up to here. */
const LONG_AGO = "1970-01-02T00:00:00.000Z";

/** Knows whether dates are honoured, once it was asked. */
export class Cutoff {
  #honoured: Promise<boolean> | null = null;

  /** @param instant Logs created later are left out (ISO 8601, UTC). */
  constructor(readonly instant: string) {}

  /**
   * The instant up to which Logs are read, `null` where the server ignores or
   * refuses dates.
   *
   * @param file One that has Logs.
   * @throws {ApiError | NetworkError | ProtocolError} When nothing was answered.
   */
  async until(http: Http, file: FileInfo): Promise<string | null> {
    this.#honoured ??= isHonoured(http, file);
    try {
      return await this.#honoured ? this.instant : null;
    } catch (error) {
      this.#honoured = null;
      throw error;
    }
  }
}

async function isHonoured(http: Http, file: FileInfo): Promise<boolean> {
  try {
    const { total } = await countList(http, logsList(file, null, LONG_AGO));
    return total === 0;
  } catch (error) {
    if (!(error instanceof ApiError) || error.retryable) throw error;
    return false;
  }
}
