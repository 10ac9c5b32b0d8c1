/** Records that a server cannot serve. */

/** Checks whether a page that is asked for holds an offset of its list. */
export function holdsOffset({ searchParams }: URL, offset: number): boolean {
  const page = Number(searchParams.get("page") ?? 1);
  const size = Number(searchParams.get("size") ?? 10);
  return (page - 1) * size <= offset && offset < page * size;
}

/** Checks whether a page is of the Logs of a File and holds one of these offsets. */
export function holdsLogs(
  url: URL,
  fileId: string,
  offsets: Iterable<number>,
): boolean {
  return url.pathname === "/v5/logs" &&
    url.searchParams.get("file_id") === fileId &&
    [...offsets].some((offset) => holdsOffset(url, offset));
}
