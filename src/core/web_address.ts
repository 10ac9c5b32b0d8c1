/** Reads the addresses of servers that a user names. */

/**
 * Reads an address of the web: `http://` or `https://`, and nothing that is no
 * part of an address (a login, a question mark, a fragment).
 *
 * @returns `null` where the text is none.
 */
export function webAddress(text: string): URL | null {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^https?:$/.test(url.protocol)) return null;
  const { username, password, search, hash } = url;
  return username + password + search + hash === "" ? url : null;
}

/** Checks whether what is sent to an address can be read on its way. */
export function isInsecure(address: string): boolean {
  const { protocol, hostname } = new URL(address);
  return protocol === "http:" &&
    !/^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname);
}
