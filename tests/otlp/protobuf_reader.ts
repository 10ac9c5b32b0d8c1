/**
 * Reads OTLP/JSON as a receiver does, by way of bytes of protobuf, in a process of
 * its own: the messages are no part of the program. Argument: the package. Takes
 * lines of a letter, `T` for traces or `L` for logs, and OTLP/JSON; gives a line
 * for each.
 */
import { Buffer } from "node:buffer";

/** A message of protobufjs. */
interface MessageType {
  verify(message: object): string | null;
  fromObject(value: object): object;
  encode(message: object): { finish(): Uint8Array };
  decode(bytes: Uint8Array): object;
  toObject(message: object, options: object): object;
}
interface Published {
  readonly trace: { readonly v1: { readonly TracesData: MessageType } };
  readonly logs: { readonly v1: { readonly LogsData: MessageType } };
}

const [name = ""] = Deno.args;
const { default: root }: {
  readonly default: { readonly opentelemetry: { readonly proto: Published } };
} = await import(name);
const { trace, logs } = root.opentelemetry.proto;
const text = await new Response(Deno.stdin.readable).text();
const answers = text.split("\n").filter((line) => line !== "").map((line) => {
  const type = line[0] === "T" ? trace.v1.TracesData : logs.v1.LogsData;
  // Ids are hexadecimal in OTLP/JSON, where protobuf's own JSON has base64.
  const value = JSON.parse(
    line.slice(1),
    (key, value) =>
      /^(trace|span|parentSpan)Id$/.test(key)
        ? Buffer.from(value, "hex").toString("base64")
        : value,
  );
  const message = type.fromObject(value);
  const problem = type.verify(message);
  if (problem !== null) throw new Error(problem);
  const decoded = type.decode(type.encode(message).finish());
  return JSON.stringify(
    type.toObject(decoded, { longs: String, bytes: String }),
  );
});
await new Blob([answers.join("\n")]).stream().pipeTo(Deno.stdout.writable);
