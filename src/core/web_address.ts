/** Reads the addresses of servers that a user names. */

/**
 * Reads an `http://` or `https://` address without login, query or fragment.
 *
 * @returns `null` if the text is not one.
 */
export function webAddress(text: string): URL | null {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^https?:$/.test(url.protocol)) return null;
  const { username, password, search, hash } = url;
  return username + password + search + hash === "" ? url : null;
}

/** Checks whether others on the network can read what is sent to an address. */
export function isInsecure(address: string): boolean {
  const { protocol, hostname } = new URL(address);
  return protocol === "http:" &&
    !/^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname);
}
