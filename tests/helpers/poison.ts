/** Records that a server cannot serve. */

/** Checks whether a page that is asked for holds an offset of its list. */
export function holdsPlace({ searchParams }: URL, place: number): boolean {
  const page = Number(searchParams.get("page") ?? 1);
  const size = Number(searchParams.get("size") ?? 10);
  return (page - 1) * size <= place && place < page * size;
}

/** Checks whether a page is of the Logs of a File and holds one of these offsets. */
export function holdsLogs(
  url: URL,
  fileId: string,
  places: Iterable<number>,
): boolean {
  return url.pathname === "/v5/logs" &&
    url.searchParams.get("file_id") === fileId &&
    [...places].some((place) => holdsPlace(url, place));
}
