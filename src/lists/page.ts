/**
 * Fetches one page of a list, and trusts it only when its number, its size and
 * its count of records agree with each other.
 */
import { ProtocolError } from "../core/errors.ts";
import { listLabel, type ListSpec } from "../api/list_spec.ts";
import { asObject, countField } from "../api/fields.ts";
import type { Session } from "../api/session/session.ts";
import { endOf, type PageAddress, startOf } from "./page_address.ts";
import { type RawRecord, sliceRecords } from "../api/records.ts";

/** A page as the server sent it. */
export interface Page<T> {
  readonly records: readonly RawRecord<T>[];
  /** How many records the list has, as this page says. */
  readonly total: number;
  /** The page size that the server used: not always the requested one. */
  readonly size: number;
  readonly bytes: number;
}

/** How a page is requested. */
export interface PageOptions {
  /** The most attempts; absent for as many as any request has. */
  readonly attempts?: number | undefined;
  /** The most bytes to accept, unless the page is of one record. */
  readonly maxBytes?: number | undefined;
}

/**
 * Fetches one page.
 *
 * @param session The way to the API.
 * @param spec The list.
 * @param address Which page.
 * @returns A page that holds every record that its own total promises.
 * @throws {ApiError | NetworkError | ProtocolError} When the last attempt failed.
 */
export function fetchPage<T>(
  session: Session,
  spec: ListSpec<T>,
  address: PageAddress,
  { attempts, maxBytes }: PageOptions = {},
): Promise<Page<T>> {
  const { page, size } = address;
  const range = `${startOf(address) + 1}–${endOf(address)}`;
  return session.get({
    path: spec.path,
    query: [...spec.query, ["page", String(page)], ["size", String(size)]],
    label: listLabel(spec, size === 1 ? String(page) : range),
    timeoutMs: spec.timeoutMs,
    attempts,
    maxBytes: size === 1 ? undefined : maxBytes,
    read: (body) => readPage(body, spec, address),
  });
}

function readPage<T>(
  body: Uint8Array,
  spec: ListSpec<T>,
  asked: PageAddress,
): Page<T> {
  const { records, envelope } = sliceRecords(body, "records", spec.read);
  const fields = asObject(envelope, "the answer");
  const total = countField(fields, "total");
  const page = fields["page"] ?? asked.page;
  const size = fields["size"] ?? asked.size;
  if (page !== asked.page) {
    throw new ProtocolError(
      `the answer is page ${shown(page)}, not ${asked.page}`,
    );
  }
  if (!Number.isSafeInteger(size) || Number(size) < 1) {
    throw new ProtocolError(`"size" of the answer is ${shown(size)}`);
  }
  if (records.length > Number(size)) {
    throw new ProtocolError(
      `the page holds ${records.length} records, more than its own limit of ${size}`,
    );
  }
  const promised = Math.min(
    total - (asked.page - 1) * Number(size),
    Number(size),
  );
  if (records.length < promised) {
    throw new ProtocolError(
      `the page holds ${records.length} of ${promised} records`,
    );
  }
  const keys = new Set(records.map(({ info }) => spec.key(info)));
  if (keys.size < records.length) {
    throw new ProtocolError("the page holds a record twice");
  }
  return { records, total, size: Number(size), bytes: body.length };
}

function shown(value: unknown): string {
  return (JSON.stringify(value) ?? "absent").slice(0, 40);
}
