/**
 * Hides secrets in texts. Texts are often cut short, and the API may quote a
 * key in another case: so the first characters of a secret, in any case, are
 * enough.
 */

/**
 * Wherever so many characters of a secret stand, counted from its first, they
 * are hidden.
 */
const SHORTEST_PREFIX = 8;

/**
 * Hides secrets in a text, in upper and lower case, and also where only their
 * first 8 characters or more are there.
 *
 * @param text What is to be shown or written.
 * @param secrets Texts that are never repeated.
 * @returns The text, with `[key]` instead of each secret.
 */
export function redact(text: string, secrets: readonly string[]): string {
  return redactor(secrets)(text);
}

/**
 * Makes a {@linkcode redact} for many texts, which prepares the secrets once.
 *
 * @param secrets Texts that are never repeated.
 */
export function redactor(
  secrets: readonly string[],
): (text: string) => string {
  const hidden = secrets.filter((secret) => secret !== "").map((secret) => {
    const prefix = RegExp.escape(secret.slice(0, SHORTEST_PREFIX));
    return { secret, prefix: new RegExp(prefix, "gi") };
  });
  return (text) => {
    let safe = text;
    for (const { secret, prefix } of hidden) {
      if (safe.search(prefix) >= 0) safe = redactOne(safe, secret, prefix);
    }
    return safe;
  };
}

function redactOne(text: string, secret: string, prefix: RegExp): string {
  let safe = "";
  let shownTo = 0;
  for (const { index } of text.matchAll(prefix)) {
    if (index < shownTo) continue;
    safe += `${text.slice(shownTo, index)}[key]`;
    shownTo = index + sharedLength(text, index, secret);
  }
  return safe + text.slice(shownTo);
}

/** Counts how many characters of `secret` are at `start`. */
function sharedLength(text: string, start: number, secret: string): number {
  let length = 0;
  while (
    length < secret.length &&
    text[start + length]?.toLowerCase() === secret[length]!.toLowerCase()
  ) length++;
  return length;
}
