/**
 * Distinguishes a key that is refused from a File that the key may not read:
 * the API answers 401 or 403 to both. A probe decides; if the key is good, only
 * what was asked for is missing.
 */
import {
  ApiError,
  AuthError,
  isOutage,
  isRecoverable,
} from "../../core/errors.ts";
import type { ApiRequest, LayerOptions, Transport } from "./request.ts";

/** How long the result of a probe holds, in milliseconds. */
const BELIEVED_MS = 5_000;

/** The outermost layer: judges what a refusal means. */
export class KeyCheck implements Transport {
  readonly #next: Transport;
  readonly #options: Pick<LayerOptions, "clock" | "server">;
  /** Whether any request of this run succeeded. */
  #hasWorked = false;
  #probe: Promise<AuthError | null> | null = null;
  #probedMs = -Infinity;

  constructor(
    next: Transport,
    options: Pick<LayerOptions, "clock" | "server">,
  ) {
    this.#next = next;
    this.#options = options;
  }

  /**
   * Makes a request.
   *
   * @throws {AuthError} When the API refuses the key.
   * @throws {ApiError} When it refuses only this request.
   * @throws What the layer below throws.
   */
  async get<T>(request: ApiRequest<T>): Promise<T> {
    try {
      const value = await this.#next.get(request);
      this.#hasWorked = true;
      return value;
    } catch (error) {
      if (!isRefusal(error)) throw error;
      const isProbe = request === this.#options.server.probe;
      const failure = isProbe
        ? this.#authError(error)
        : await this.#askProbe(error);
      if (failure !== null) throw failure;
      const { name, goOn } = this.#options.server;
      throw new ApiError(
        `${name} refuses this (${error.message}); ask for access and ${goOn}`,
        { status: error.status, retryable: false, cause: error },
      );
    }
  }

  /** Probes once for all requests that are refused within a few seconds. */
  async #askProbe(refusal: ApiError): Promise<AuthError | null> {
    const isOld =
      this.#options.clock.monotonicMs() - this.#probedMs >= BELIEVED_MS;
    if (this.#probe === null || isOld) {
      this.#probedMs = Infinity;
      this.#probe = this.#judge(refusal).finally(() => {
        this.#probedMs = this.#options.clock.monotonicMs();
      });
    }
    return await this.#probe;
  }

  async #judge(refusal: ApiError): Promise<AuthError | null> {
    try {
      await this.#next.get(this.#options.server.probe);
      this.#hasWorked = true;
      return null;
    } catch (error) {
      if (isRefusal(error)) return this.#authError(error);
      if (!isRecoverable(error) || isOutage(error)) throw error;
      return this.#hasWorked ? null : this.#authError(refusal);
    }
  }

  #authError(refusal: ApiError): AuthError {
    const { name, credentials } = this.#options.server;
    return new AuthError(
      `${name} refused ${credentials.name} (${refusal.message}); ${credentials.advice}`,
      { cause: refusal },
    );
  }
}

/**
 * Checks whether the API refused a request for good, not for now as a proxy
 * may.
 */
function isRefusal(error: unknown): error is ApiError {
  return error instanceof ApiError && !error.retryable &&
    (error.status === 401 || error.status === 403);
}
