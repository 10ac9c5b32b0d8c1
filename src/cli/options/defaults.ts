/** Holds the defaults of the settings. */

/** The address of the API. */
export const DEFAULT_API_URL = "https://api.humanloop.com/v5";

/** Requests in flight at once. */
export const DEFAULT_CONCURRENCY = 16;

/** How long to wait for an API that does not answer, in milliseconds. */
export const DEFAULT_PATIENCE_MS = 15 * 60_000;

/** The directory for new exports. */
export const DEFAULT_OUTPUT = "exports";

/** The word that stands for the newest export. */
export const LATEST = "latest";

export { KEY_PAGE } from "../../core/key_page.ts";
