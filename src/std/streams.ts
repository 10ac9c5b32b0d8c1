/**
 * Gives types to `@std/streams` (CONTRIBUTING, "Dependencies"): the functions
 * used, with their standard signatures.
 */
import { TextLineStream as TextLineStreamJs } from "deno-std/streams/text_line_stream.js";

export const TextLineStream: new (
  options?: { readonly allowCR?: boolean },
) => TransformStream<string, string> = TextLineStreamJs;
