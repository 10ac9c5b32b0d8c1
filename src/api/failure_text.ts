/**
 * Words for failures, made from what cannot be printed as it is: response
 * bodies (control characters, customer data, an echoed key) and the messages of
 * fetch (which hold the URL).
 */
import { isObject } from "../core/json.ts";
import { redact } from "../core/redact.ts";

const LONGEST_EXCERPT = 200;

/** Whether a body is a JSON object, as the API's own errors are. */
export function isJsonObject(body: Uint8Array): boolean {
  try {
    return isObject(JSON.parse(new TextDecoder().decode(body)));
  } catch {
    return false;
  }
}

/**
 * Up to 200 characters of an error's body, fit to print.
 *
 * @param body The body of an answer that is no success.
 * @param secrets Texts that are never repeated.
 * @returns `": …"`, or the empty string where there is nothing to say.
 */
export function excerpt(body: Uint8Array, secrets: readonly string[]): string {
  let text = redact(new TextDecoder().decode(body.subarray(0, 8192)), secrets);
  if (/^\s*</.test(text)) return ": a web page instead of JSON";
  text = text.replace(/[\p{C}\s]+/gu, " ").trim();
  if (text === "") return "";
  return text.length > LONGEST_EXCERPT
    ? `: ${text.slice(0, LONGEST_EXCERPT)}…`
    : `: ${text}`;
}

/** The words of fetch that tell failures apart, and ours for them. */
const REASONS: ReadonlyArray<readonly [RegExp, string]> = [
  [/dns|lookup|resolve/i, "the host name cannot be resolved"],
  [/refused/i, "the connection was refused"],
  [/certificate|tls|ssl/i, "the secure connection cannot be made"],
  [/unreachable/i, "the network is unreachable"],
  [
    /reset|broken pipe|closed|incomplete|end of file|eof|aborted|body/i,
    "the connection was cut",
  ],
  [/timed? ?out/i, "the connection timed out"],
];

/**
 * Why no answer arrived.
 *
 * @param error What fetch, or reading the body, threw.
 * @returns Words of our own: those of the error may hold the URL.
 */
export function reasonOf(error: unknown): string {
  const text = error instanceof Error
    ? `${error.message} ${
      error.cause instanceof Error ? error.cause.message : ""
    }`
    : "";
  return REASONS.find(([pattern]) => pattern.test(text))?.[1] ??
    "the connection failed";
}
