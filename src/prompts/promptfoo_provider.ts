/** Maps model, provider and parameters of a Version to a provider of promptfoo. */
import { isEmpty, isObject } from "../core/text/json.ts";
import type { Note } from "./template_text.ts";
import { flowText } from "./yaml.ts";

/** A provider of promptfoo. */
export interface Provider {
  readonly id: string;
  readonly config: Readonly<Record<string, unknown>>;
}

type Version = Readonly<Record<string, unknown>>;

/** The names that promptfoo has for a provider and its parameters. */
interface Mapping {
  readonly chat: string;
  readonly complete?: string;
  /** The names of parameters; any other is reported. */
  readonly names: Readonly<Record<string, string>>;
}

const sameNames = (...names: readonly string[]) =>
  Object.fromEntries(names.map((name) => [name, name]));
const COMMON = sameNames("temperature", "max_tokens", "top_p");
const OPENAI = sameNames(
  ...["temperature", "max_tokens", "top_p", "presence_penalty"],
  ...["frequency_penalty", "stop", "seed", "response_format"],
  ...["reasoning_effort", "tools"],
);

const PROVIDERS: Readonly<Record<string, Mapping>> = {
  openai: {
    chat: "openai:chat",
    complete: "openai:completion",
    names: { ...OPENAI, other: "passthrough" },
  },
  openai_azure: {
    chat: "azure:chat",
    complete: "azure:completion",
    names: { ...OPENAI, other: "passthrough" },
  },
  groq: { chat: "groq", names: OPENAI },
  deepseek: { chat: "deepseek", names: OPENAI },
  anthropic: {
    chat: "anthropic:messages",
    complete: "anthropic:completion",
    names: { ...COMMON, tools: "tools", other: "extra_body" },
  },
  google: {
    chat: "google",
    names: {
      ...{ temperature: "temperature", top_p: "topP" },
      ...{ max_tokens: "maxOutputTokens", stop: "stopSequences" },
    },
  },
  bedrock: { chat: "bedrock", names: COMMON },
  cohere: { chat: "cohere", names: COMMON },
  replicate: { chat: "replicate", names: COMMON },
  mock: { chat: "echo", names: COMMON },
};
const PARAMETERS = [...Object.keys(OPENAI), "other"];
/** The providers that take messages in the form of OpenAI, like Humanloop's. */
const LIKE_OPENAI = new Set(["openai", "openai_azure", "groq", "deepseek"]);

/**
 * Maps a Version to a provider.
 *
 * @param version As the API sent it; numbers keep their spelling.
 * @param note Called with what is not mapped, in words.
 */
export function promptfooProvider(version: Version, note: Note): Provider {
  const { provider, model, endpoint } = version;
  const name = typeof provider === "string" ? provider : "openai";
  const known = Object.hasOwn(PROVIDERS, name) ? PROVIDERS[name]! : null;
  if (isEmpty(provider)) {
    note("its provider, which is not in the export: openai is assumed");
  } else if (known === null) {
    note(`the provider ${flowText(provider)}, which has no mapping`);
  }
  const { chat, complete, names } = known ?? { chat: name, names: COMMON };
  const isText = !isEmpty(endpoint) && endpoint !== "chat";
  if (isText && complete === undefined) {
    note(`the endpoint ${flowText(endpoint)} of ${name}`);
  }
  const kind = isText ? complete ?? chat : chat;
  const values = Object.fromEntries(
    PARAMETERS.filter((one) => isGiven(one, version[one])).flatMap((one) => {
      const named = names[one];
      if (named === undefined) note(`${one}, which ${name} has no mapping for`);
      return named === undefined
        ? []
        : [[named, valueOf(one, version[one], name)]];
    }),
  );
  const config = name === "google" && Object.keys(values).length > 0
    ? { generationConfig: values }
    : values;
  if (!isEmpty(version["linked_tools"])) {
    note("linked_tools, which promptfoo cannot run");
  }
  if (/\{[{%#]/.test(flowText(config))) {
    note("parameters with {{ or the like, which promptfoo may render");
  }
  if (!LIKE_OPENAI.has(name) && hasParts(version["template"])) {
    note(`images or calls in the form of OpenAI, which ${name} may refuse`);
  }
  return { id: kind === "echo" ? kind : `${kind}:${model}`, config };
}

/** Checks whether a template has images or calls. */
function hasParts(template: unknown): boolean {
  return Array.isArray(template) &&
    template.some((message) =>
      isObject(message) && (message["role"] === "tool" ||
        !isEmpty(message["tool_calls"]) ||
        flowText(message["content"] ?? null).includes('"image_url"'))
    );
}

/** Checks whether a parameter is set: -1 means no limit of tokens. */
function isGiven(name: string, value: unknown): boolean {
  return !isEmpty(value) &&
    !(name === "max_tokens" && JSON.stringify(value) === "-1");
}

function valueOf(name: string, value: unknown, provider: string): unknown {
  if (name === "stop") return Array.isArray(value) ? value : [value];
  if (name === "response_format" && isObject(value)) return withoutEmpty(value);
  if (name !== "tools" || !Array.isArray(value)) return value;
  return value.filter(isObject).map((tool) => {
    const { parameters, ...rest } = withoutEmpty(tool);
    const schema = parameters ?? { type: "object", properties: {} };
    return provider === "anthropic"
      ? {
        name: rest["name"],
        description: rest["description"] ?? "",
        input_schema: schema,
      }
      : { type: "function", function: { ...rest, parameters: schema } };
  });
}

function withoutEmpty(value: Version): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(value).filter(([, one]) => !isEmpty(one)),
  );
}
