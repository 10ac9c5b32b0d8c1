import { assert, assertEquals, assertThrows } from "@std/assert";
import { ApiError, UsageError } from "../../src/core/errors.ts";
import {
  endpointWarnings,
  readAnswer,
  readEndpoint,
} from "../../src/otlp/send/endpoint.ts";

Deno.test("an address without a path gets that of traces, any other stays", () => {
  const cases = [
    ["http://localhost:4318", null, "http://localhost:4318/v1/traces"],
    ["http://localhost:4318/", null, "http://localhost:4318/v1/traces"],
    ["https://o.test/v1/traces/", null, "https://o.test/v1/traces"],
    ["https://o.test/otel", null, "https://o.test/otel"],
    [
      "https://cloud.langfuse.com",
      "langfuse",
      "https://cloud.langfuse.com/api/public/otel/v1/traces",
    ],
    [
      "https://l.test/api/public/otel",
      "langfuse",
      "https://l.test/api/public/otel/v1/traces",
    ],
    [
      "https://l.test/api/public/otel/v1/traces",
      "langfuse",
      "https://l.test/api/public/otel/v1/traces",
    ],
  ] as const;
  for (const [address, target, url] of cases) {
    assertEquals(readEndpoint(address, undefined, target).url, url);
  }
});

Deno.test("an address that cannot be used, or may hold a secret, is refused and not repeated", () => {
  const addresses = [
    ...["", "localhost:4318", "ftp://o.test", "https://user:geheim@o.test"],
    ...["https://o.test/?key=geheim", "https://o.test/#geheim"],
  ];
  for (const address of addresses) {
    const error = assertThrows(
      () => readEndpoint(address, undefined, null),
      UsageError,
      "--endpoint must be a web address",
    );
    assert(!error.message.includes("geheim"));
  }
});

Deno.test("headers are read as OpenTelemetry writes them", () => {
  const text = " Authorization=Basic%20cGs6c2s=, x-scope-orgid = one,,x-a=b=c ";
  const { server } = readEndpoint("https://o.test", text, "langfuse");
  assertEquals(server.headers, {
    "authorization": "Basic cGs6c2s=",
    "x-scope-orgid": "one",
    "x-a": "b=c",
    "x-langfuse-ingestion-version": "4",
  });
});

Deno.test("headers that cannot be read are refused and not repeated", () => {
  for (
    const text of ["geheim", "a=b,geheim", "x=%E4geheim%", "x=geheim%0Aheim"]
  ) {
    const error = assertThrows(
      () => readEndpoint("https://o.test", text, null),
      UsageError,
      "OTEL_EXPORTER_OTLP_HEADERS must be name=value pairs",
    );
    assert(!error.message.includes("heim"));
  }
});

Deno.test("secrets are the values of headers, and what is within them", () => {
  const secrets = (text: string) =>
    readEndpoint("https://o.test", text, null).server.secrets;
  assertEquals(secrets("authorization=Bearer%20abc"), ["Bearer abc"]);
  const login = btoa("pk-1:sk-long-2");
  assertEquals(secrets(`Authorization=Basic%20${login}`), [
    ...[`Basic ${login}`, login, "pk-1:sk-long-2", "sk-long-2"],
  ]);
  assertEquals(secrets("x-api-key=k,x-project=12345678"), ["k", "12345678"]);
  assertEquals(secrets("x-scope-orgid=1"), []);
});

Deno.test("what is known of a service is printed before anything is sent", () => {
  const warnings = (address: string, headers?: string) =>
    endpointWarnings(readEndpoint(address, headers, null)).join("\n");
  assert(/older than 24 h/.test(warnings("https://api.smith.langchain.com")));
  assert(/older than 24 h/.test(warnings("https://www.comet.com/opik")));
  assert(/drops them/.test(warnings("https://logfire-eu.pydantic.dev")));
  assert(/protobuf only/.test(warnings("https://app.phoenix.arize.com")));
  assert(/protobuf only/.test(warnings("https://trace.wandb.ai/otel")));
  assert(/31 days/.test(warnings("https://app.langwatch.ai/api/otel")));
  for (
    const address of [
      ...["http://localhost:4318", "http://127.0.0.1:1", "http://[::1]:1"],
      ...["https://cloud.langfuse.com", "https://notwandb.ai.test"],
    ]
  ) assertEquals(warnings(address, "authorization=Bearer%20x"), "");
});

Deno.test("a secret that is sent unencrypted to another machine gets a warning", () => {
  const of = (headers?: string) =>
    endpointWarnings(readEndpoint("http://o.test", headers, null));
  assertEquals(of(), [
    "everything is sent to http://o.test/v1/traces unencrypted, and others on the network can read it",
  ]);
  assertEquals(of("authorization=Bearer%20geheim"), [
    "everything, and the headers of OTEL_EXPORTER_OTLP_HEADERS, is sent to http://o.test/v1/traces unencrypted, and others on the network can read it",
  ]);
});

Deno.test("answers are read in the forms that endpoints give", () => {
  const read = (text: string) => readAnswer(new TextEncoder().encode(text));
  const all = { rejected: 0, message: "" };
  for (
    const text of ["", "{}", "ok", "null", `{"partialSuccess":{}}`, `"fine"`]
  ) assertEquals(read(text), all);
  assertEquals(
    read(`{"partialSuccess":{"rejectedSpans":"3","errorMessage":"old"}}`),
    { rejected: 3, message: "old" },
  );
  assertEquals(
    read(`{"partial_success":{"rejected_spans":2,"error_message":"x"}}`),
    { rejected: 2, message: "x" },
  );
  assertThrows(() => read("<!doctype html>"), ApiError, "a web page");
});
