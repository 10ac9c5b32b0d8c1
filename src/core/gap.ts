/** Places of a list of records: what the API's side and the disk's both speak of. */

/** A list's records between two instants (ISO 8601, `null` for no bound). */
export interface DateWindow {
  readonly after: string | null;
  readonly until: string | null;
  /** Places of the list before its first. */
  readonly before: number;
  /** How many records it holds. */
  readonly count: number;
}

/** Places of a list that are empty, because their records cannot be had. */
export interface EmptyPlaces {
  /** Places of the list before them. */
  readonly offset: number;
  readonly count: number;
  readonly reason: string;
  /** The window of time that they were asked for in, where there was one. */
  readonly window?: DateWindow;
}
