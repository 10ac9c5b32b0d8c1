/**
 * Puts failures in words, made from what cannot be printed as it is: response
 * bodies (control characters, customer data, a quoted key) and the messages of
 * fetch (which hold the URL).
 */
import { isObject } from "../../core/text/json.ts";
import { redact } from "../../core/text/redact.ts";
import { NetworkError } from "../../core/errors.ts";

const LONGEST_EXCERPT = 200;

/** Checks whether a body is a JSON object, as the API's own errors are. */
export function isJsonObject(body: Uint8Array): boolean {
  try {
    return isObject(JSON.parse(new TextDecoder().decode(body)));
  } catch {
    return false;
  }
}

/**
 * Takes up to 200 characters of an error's body, safe to print.
 *
 * @param body The body of an answer that is no success.
 * @param secrets Texts that are never repeated.
 * @returns `": …"`, or the empty string if the body says nothing.
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

/** Why no answer arrived, in this program's words, and what the user may do. */
type Reason = readonly [fetchSays: RegExp, text: string, advice?: string];

/** Stands for the option that sets the address. */
const OPTION = "{option}";
const CHECK_SCHEME =
  `check whether the address begins with http:// or https:// (${OPTION})`;

/** Failures that may pass, by the messages of `fetch` in Deno 2.9. */
const PASSING: readonly Reason[] = [
  [
    /unsuccessful tunnel/i,
    "the proxy refuses the connection",
    "check HTTPS_PROXY, or name the host in NO_PROXY",
  ],
  [
    /dns error.*(temporary|try again)/i,
    "the host name cannot be resolved just now",
  ],
  [
    /refused/i,
    "the connection was refused",
    `check the address (${OPTION}) and the network, and HTTPS_PROXY where it is set`,
  ],
  [/unreachable/i, "the network is unreachable"],
  [/tls|ssl/i, "the secure connection cannot be made"],
  [
    /reset|broken pipe|closed|incomplete|end of file|eof|aborted|body/i,
    "the connection was cut",
  ],
  [/timed? ?out/i, "the connection timed out"],
];

/** Failures that do not pass; tried first, since they are more specific. */
const PERMANENT: readonly Reason[] = [
  [
    /certificate not valid for name/i,
    "the server's certificate is for another host name",
    `check the address (${OPTION}), and HTTPS_PROXY where it is set`,
  ],
  [
    /certificate expired/i,
    "the server's certificate has expired",
    "check the clock of this machine, or ask who runs the server",
  ],
  [
    /certificate not valid yet/i,
    "the server's certificate is not valid yet",
    "check the clock of this machine",
  ],
  [
    /opening CA file/i,
    "the file of certificates that DENO_CERT names cannot be read",
    "check DENO_CERT",
  ],
  [
    /certificate|UnknownIssuer/i,
    "the server's certificate is not trusted",
    "if it is your company's own, set DENO_TLS_CA_STORE=system, or DENO_CERT to the file of the certificate that signed it",
  ],
  [
    /InvalidContentType|corrupt message/i,
    "the server does not speak TLS",
    CHECK_SCHEME,
  ],
  [/invalid HTTP version/i, "the server does not speak HTTP", CHECK_SCHEME],
  [
    /proxy authentication required/i,
    "the proxy asks for a login",
    "set HTTPS_PROXY to http://USER:PASSWORD@HOST:PORT, with %40 for an @ in the password",
  ],
  [
    /(dns error|lookup address)(?!.*(temporary|try again))/i,
    "the host name cannot be resolved",
  ],
  [
    /requests to port \d+ are blocked/i,
    "this port is not allowed for a web server",
  ],
];

/**
 * Says why no answer arrived, without the words of fetch: those may hold the URL.
 *
 * @param cause What fetch, or reading the body, threw.
 * @param addressOption The option that sets the address.
 */
export function networkError(
  cause: unknown,
  addressOption: string,
): NetworkError {
  const said = messagesOf(cause).replace(/\bhttps?:\/\/[^\s)]+/gi, "");
  const isSaid = ([pattern]: Reason) => pattern.test(said);
  const lasting = PERMANENT.find(isSaid);
  const [, text = "the connection failed", advice] = lasting ??
    PASSING.find(isSaid) ?? [];
  return new NetworkError(text, {
    cause,
    permanent: lasting !== undefined,
    ...advice !== undefined &&
      { advice: advice.replace(OPTION, addressOption) },
  });
}

/** Makes the error for a proxy that asks for a login with HTTP 407. */
export function proxyLoginError(): NetworkError {
  return networkError(new Error("proxy authentication required"), "");
}

function messagesOf(error: unknown): string {
  if (!(error instanceof Error)) return "";
  return `${error.message} ${messagesOf(error.cause)}`;
}

export const YEAR_MS = 365 * 24 * 3_600_000;

/** Writes a duration: `0.4 s`, `42 s`, `15 min`, `3 h`, `more than a year`. */
export function durationText(ms: number): string {
  if (ms < 10_000) return `${Number((ms / 1000).toFixed(1))} s`;
  if (ms < 120_000) return `${Math.round(ms / 1000)} s`;
  if (ms < 120 * 60_000) return `${Math.round(ms / 60_000)} min`;
  return ms <= YEAR_MS ? `${Math.round(ms / 3_600_000)} h` : "more than a year";
}
