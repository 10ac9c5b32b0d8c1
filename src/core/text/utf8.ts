/** Decodes UTF-8; invalid bytes are an error, and are not replaced. */

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const strictDecoder = new TextDecoder("utf-8", {
  fatal: true,
  ignoreBOM: true,
});

/**
 * Decodes UTF-8. Uses the strict decoder, which is slow, only where the fast
 * one replaced something.
 *
 * @throws {TypeError} When it is not valid UTF-8.
 */
export function decodeUtf8(bytes: Uint8Array): string {
  const text = decoder.decode(bytes);
  return text.includes("\ufffd") ? strictDecoder.decode(bytes) : text;
}
