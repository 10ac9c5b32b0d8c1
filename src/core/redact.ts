/**
 * A text with `[key]` where a secret stood.
 *
 * @param secrets Texts that are never repeated.
 */
export function redact(text: string, secrets: readonly string[]): string {
  return secrets.filter((secret) => secret !== "")
    .reduce((safe, secret) => safe.replaceAll(secret, "[key]"), text);
}
