/**
 * Knows where spans are sent: the address, the headers and their secrets, and
 * warnings about some services, which are printed before anything is sent.
 */
import type { ApiRequest, Server } from "../../api/session/request.ts";
import { ApiError, UsageError } from "../../core/errors.ts";
import { isObject } from "../../core/text/json.ts";
import { isInsecure, webAddress } from "../../core/web_address.ts";
import type { Target } from "../targets.ts";

/** Where spans go. */
export interface Endpoint {
  /** The whole address, without a slash at its end. */
  readonly url: string;
  readonly target: Target | null;
  readonly server: Server;
}

/** The variable that holds the headers, as OpenTelemetry names it. */
export const HEADERS_VARIABLE = "OTEL_EXPORTER_OTLP_HEADERS";

const ADDRESS_OPTION = "--endpoint; most end in /v1/traces";
const TRACES_PATH = "/v1/traces";
/** Where Langfuse takes traces, below its address. */
const LANGFUSE_PATH = "/api/public/otel";

/**
 * Reads where spans go.
 *
 * @param address What the user typed for `--endpoint`.
 * @param headers The text of {@linkcode HEADERS_VARIABLE}.
 * @throws {UsageError} When one of them cannot be used.
 */
export function readEndpoint(
  address: string,
  headers: string | undefined,
  target: Target | null,
): Endpoint {
  const given = readHeaders(headers ?? "");
  const url = readUrl(address, target);
  return {
    url,
    target,
    server: {
      name: "the endpoint",
      goOn: "run the same command",
      headers: {
        ...given,
        ...target === "langfuse" && { "x-langfuse-ingestion-version": "4" },
      },
      secrets: secretsOf(given),
      addressOption: ADDRESS_OPTION,
      refusesInJson: false,
      credentials: {
        name: Object.keys(given).length === 0
          ? "a request without credentials"
          : "the credentials",
        advice:
          `check ${HEADERS_VARIABLE}; nothing that was not accepted is marked as sent`,
      },
      probe: EMPTY,
    },
  };
}

/**
 * Completes an address as OTEL_EXPORTER_OTLP_ENDPOINT does: one without a path gets
 * `/v1/traces`, for Langfuse below its own path.
 */
function readUrl(address: string, target: Target | null): string {
  const url = webAddress(address);
  if (url === null) {
    throw new UsageError(
      `--endpoint must be a web address such as http://localhost:4318/v1/traces, without a question mark or a user name; credentials belong in ${HEADERS_VARIABLE}`,
    );
  }
  const path = url.pathname.replace(/\/+$/, "");
  const base = path === "" && target === "langfuse" ? LANGFUSE_PATH : path;
  const isBase = base === "" || target === "langfuse" && base === LANGFUSE_PATH;
  return url.origin + base + (isBase ? TRACES_PATH : "");
}

/**
 * Reads headers: `name=value` pairs with commas between them, the values
 * percent-encoded (OpenTelemetry's form of W3C Baggage).
 */
function readHeaders(text: string): Readonly<Record<string, string>> {
  const headers: Record<string, string> = {};
  const pairs = text.split(",").map((pair) => pair.trim())
    .filter((pair) => pair !== "");
  for (const [i, pair] of pairs.entries()) {
    const [, name = "", coded = ""] =
      /^([!#$%&'*+.^_`|~\w-]+)\s*=\s*(.*)$/s.exec(pair) ?? [];
    const value = decoded(coded);
    if (name === "" || value === null || !/^[\t\x20-\x7e]*$/.test(value)) {
      // Does not repeat the text, which may be a secret.
      throw new UsageError(
        `${HEADERS_VARIABLE} must be name=value pairs with commas between them, the values percent-encoded (a space as %20), and number ${
          i + 1
        } is not`,
      );
    }
    headers[name.toLowerCase()] = value;
  }
  return headers;
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text).trim();
  } catch {
    return null;
  }
}

/** Matches the names of headers whose value is a secret, however short. */
const SECRET_NAME = /auth|key|token|secret|cookie|password|credential/;
/**
 * Other values, and parts of them, count as secrets from this length on: hiding
 * shorter ones would hide parts of words.
 */
const SECRET_LENGTH = 8;

/**
 * Lists what no message may repeat: values, and the parts of `authorization`.
 */
function secretsOf(headers: Readonly<Record<string, string>>): string[] {
  return Object.entries(headers).flatMap(([name, value]) => {
    const [, scheme = "", token = ""] = /^(\w+) +(\S+)$/.exec(value) ?? [];
    const login = /^basic$/i.test(scheme) ? fromBase64(token) : "";
    const password = login.slice(login.indexOf(":") + 1);
    return [value, token, login, password].filter((text, i) =>
      text.length >= SECRET_LENGTH ||
      i === 0 && text !== "" && SECRET_NAME.test(name)
    );
  });
}

function fromBase64(text: string): string {
  try {
    return atob(text);
  } catch {
    return "";
  }
}

/**
 * What an endpoint answers to a batch that it accepted (OTLP, "partial
 * success").
 */
export interface Answer {
  /** How many spans it refused. */
  readonly rejected: number;
  /** Its message; empty if there is none. */
  readonly message: string;
}

/**
 * Reads the body of a success. An empty one, and a text such as `ok`, counts as
 * a full success, since many endpoints leave out what OTLP requires.
 *
 * @throws {ApiError} When it is a web page: the address is that of a website.
 */
export function readAnswer(body: Uint8Array): Answer {
  const text = new TextDecoder().decode(body).trim();
  if (text.startsWith("<")) {
    throw new ApiError(
      `a web page instead of an answer of OTLP; check the address (${ADDRESS_OPTION})`,
      { status: 200, retryable: false },
    );
  }
  const partial = partialOf(text);
  const rejected = Number(
    partial["rejectedSpans"] ?? partial["rejected_spans"] ?? 0,
  );
  const said = partial["errorMessage"] ?? partial["error_message"];
  return {
    rejected: Number.isSafeInteger(rejected) ? Math.max(0, rejected) : 0,
    message: typeof said === "string" ? said : "",
  };
}

function partialOf(text: string): Readonly<Record<string, unknown>> {
  try {
    const answer: unknown = JSON.parse(text);
    const partial = isObject(answer)
      ? answer["partialSuccess"] ?? answer["partial_success"]
      : null;
    return isObject(partial) ? partial : {};
  } catch {
    return {};
  }
}

/**
 * A request without spans: OTLP allows it, and endpoints check the credentials.
 */
export const EMPTY = {
  path: "",
  label: "a request without spans, to see whether the endpoint answers",
  timeoutMs: 30_000,
  headers: { "content-type": "application/json" },
  body: new TextEncoder().encode(`{"resourceSpans":[]}`),
  read: readAnswer,
} satisfies ApiRequest<Answer>;

/** What is known about a service, by its host. */
interface Known {
  readonly host: RegExp;
  readonly warning: string;
}

const AS_OF = "(read in November 2026, not tried)";

const KNOWN: readonly Known[] = [
  {
    host: /(^|\.)smith\.langchain\.com$/,
    warning: `LangSmith's cloud refuses spans older than 24 h ${AS_OF}`,
  },
  {
    host: /(^|\.)comet\.com$/,
    warning: `Opik's cloud refuses traces older than 24 h ${AS_OF}`,
  },
  {
    host: /^logfire[\w-]*\.pydantic\.(dev|info)$/,
    warning:
      `Logfire accepts spans older than 24 h but drops them ${AS_OF}: spans counted as accepted below may not be there`,
  },
  {
    host: /(^|\.)langwatch\.ai$/,
    warning: `LangWatch drops spans older than 31 days ${AS_OF}`,
  },
  {
    host: /(^|\.)phoenix\.arize\.com$/,
    warning: `Phoenix takes protobuf only ${AS_OF}`,
  },
  {
    host: /(^|\.)wandb\.ai$/,
    warning: `W&B Weave takes protobuf only ${AS_OF}`,
  },
];

/** What to do for an endpoint that takes protobuf only. */
export const USE_COLLECTOR =
  "write a file with --to and let the OpenTelemetry collector send it (see hl-export help otlp)";

/** Returns the warnings about an endpoint, to print before anything is sent. */
export function endpointWarnings({ url, server }: Endpoint): readonly string[] {
  const { hostname } = new URL(url);
  const known = KNOWN.filter(({ host }) => host.test(hostname))
    .map(({ warning }) => warning);
  const sent = server.secrets.length === 0
    ? "everything"
    : `everything, and the headers of ${HEADERS_VARIABLE},`;
  return [
    ...known,
    ...isInsecure(url)
      ? [
        `${sent} is sent to ${url} unencrypted, and others on the network can read it`,
      ]
      : [],
  ];
}
