/**
 * Puts failures in words, made from what cannot be printed as it is: response
 * bodies (control characters, customer data, a quoted key) and the messages of
 * fetch (which hold the URL).
 */
import { isObject } from "../core/json.ts";
import { redact } from "../core/redact.ts";
import { NetworkError } from "../core/errors.ts";

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
 * Takes up to 200 characters of an error's body, fit to print.
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

/** Why no answer arrived, in our words, and what the user may do. */
interface Reason {
  /** Matches the message of fetch, as Deno 2.9 has it. */
  readonly pattern: RegExp;
  readonly text: string;
  readonly advice?: string;
  /** Whether waiting does not help. */
  readonly permanent?: true;
}

/** Stands for the option of the address in an advice. */
const OPTION = "{option}";
const CHECK_SCHEME =
  `check whether the address begins with http:// or https:// (${OPTION})`;

/** The first that matches counts: host names are in messages about certificates only. */
const REASONS: readonly Reason[] = [
  {
    pattern: /certificate not valid for name/i,
    text: "the server's certificate is for another host name",
    advice: `check the address (${OPTION}), and HTTPS_PROXY where it is set`,
    permanent: true,
  },
  {
    pattern: /certificate expired/i,
    text: "the server's certificate has expired",
    advice: "check the clock of this machine, or ask who runs the server",
    permanent: true,
  },
  {
    pattern: /certificate not valid yet/i,
    text: "the server's certificate is not valid yet",
    advice: "check the clock of this machine",
    permanent: true,
  },
  {
    pattern: /opening CA file/i,
    text: "the file of certificates that DENO_CERT names cannot be read",
    advice: "check DENO_CERT",
    permanent: true,
  },
  {
    pattern: /certificate|UnknownIssuer/i,
    text: "the server's certificate is not trusted",
    advice:
      "if it is your company's own, set DENO_TLS_CA_STORE=system, or DENO_CERT to the file of the certificate that signed it",
    permanent: true,
  },
  {
    pattern: /InvalidContentType|corrupt message/i,
    text: "the server does not speak TLS",
    advice: CHECK_SCHEME,
    permanent: true,
  },
  {
    pattern: /invalid HTTP version/i,
    text: "the server does not speak HTTP",
    advice: CHECK_SCHEME,
    permanent: true,
  },
  {
    pattern: /proxy authentication required/i,
    text: "the proxy asks for a login",
    advice:
      "set HTTPS_PROXY to http://USER:PASSWORD@HOST:PORT, with %40 for an @ in the password",
    permanent: true,
  },
  {
    pattern: /unsuccessful tunnel/i,
    text: "the proxy refuses the connection",
    advice: "check HTTPS_PROXY, or name the host in NO_PROXY",
  },
  {
    pattern: /dns error.*(temporary|try again)/i,
    text: "the host name cannot be resolved just now",
  },
  {
    pattern: /dns error|lookup address/i,
    text: "the host name cannot be resolved",
    permanent: true,
  },
  {
    pattern: /requests to port \d+ are blocked/i,
    text: "this port is not one of a web server",
    permanent: true,
  },
  {
    pattern: /refused/i,
    text: "the connection was refused",
    advice:
      `check the address (${OPTION}) and the network, and HTTPS_PROXY where it is set`,
  },
  { pattern: /unreachable/i, text: "the network is unreachable" },
  { pattern: /tls|ssl/i, text: "the secure connection cannot be made" },
  {
    pattern:
      /reset|broken pipe|closed|incomplete|end of file|eof|aborted|body/i,
    text: "the connection was cut",
  },
  { pattern: /timed? ?out/i, text: "the connection timed out" },
];

/**
 * Says why no answer arrived, without the words of fetch: those may hold the URL.
 *
 * @param cause What fetch, or reading the body, threw.
 * @param addressOption How the user names the address.
 */
export function networkError(
  cause: unknown,
  addressOption: string,
): NetworkError {
  const said = messagesOf(cause).replace(/\bhttps?:\/\/[^\s)]+/gi, "");
  const reason = REASONS.find(({ pattern }) => pattern.test(said));
  return new NetworkError(reason?.text ?? "the connection failed", {
    cause,
    ...reason?.advice !== undefined &&
      { advice: reason.advice.replace(OPTION, addressOption) },
    ...reason?.permanent && { permanent: true },
  });
}

/** Says that a proxy wants a login, where it does so by an answer of its own (HTTP 407). */
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
