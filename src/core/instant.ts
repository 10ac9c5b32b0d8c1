/** Reads times. */

/**
 * Reads a date and time; one without a zone is UTC.
 *
 * @returns Milliseconds since 1970; `NaN` if the text is not a time.
 */
export function instantMs(text: string): number {
  const hasZone = /(Z|[+-]\d{2}:?\d{2})$/.test(text);
  return Date.parse(hasZone ? text : `${text}Z`);
}
