/**
 * The address that a test's user says, where a test says none: that of the export
 * in question. The program itself never takes it from there.
 */

/**
 * Finds the address of the API in the export that a command line names.
 *
 * @param read Reads a file; `undefined` where it is not there.
 */
export function trustedUrl(
  args: readonly string[],
  read: (path: string) => string | undefined,
): string | undefined {
  const resume = args.indexOf("--resume");
  const dir = resume === -1 ? args[1] : args[resume + 1];
  if (resume === -1 && args[0] !== "verify" || dir === undefined) return;
  try {
    return JSON.parse(read(`${dir}/export.json`) ?? "null")?.settings?.apiUrl;
  } catch {
    return undefined;
  }
}

/** Reads a file of the real disk for {@linkcode trustedUrl}. */
export function readReal(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return undefined;
  }
}
