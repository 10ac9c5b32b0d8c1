/** Finds out when the span of a Log began and ended, in nanoseconds since 1970. */
import { utcMs } from "../../database/log_fields.ts";

const TIME =
  /^(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?(?:Z|([+-])(\d\d):?(\d\d))?$/;
/** OTLP holds a time in 64 bits, without a sign. */
const END_OF_TIME = 2n ** 64n;
const SECOND = 1_000_000_000n;

/**
 * Reads an instant in nanoseconds; one without a zone is UTC. Digits beyond the
 * ninth are cut off.
 *
 * @returns The instant; `null` if the text is not one that OTLP can hold.
 */
export function nanoseconds(instant: string | null): bigint | null {
  const parts = instant === null ? null : TIME.exec(instant);
  if (parts === null) return null;
  const [, year, month, day, hour, minute, second = "0", fraction = ""] = parts;
  const [, , , , , , , , sign, hours = "0", minutes = "0"] = parts;
  const ms = utcMs([year, month, day, hour, minute, second].map(Number));
  const zone = (Number(hours) * 60 + Number(minutes)) * (sign === "-" ? -1 : 1);
  const seconds = ms / 1000 - zone * 60;
  const nanos = BigInt(fraction.slice(0, 9).padEnd(9, "0"));
  const time = BigInt(seconds) * SECOND + nanos;
  return time < 0n || time >= END_OF_TIME ? null : time;
}

/** The times in a Log. */
export interface LogTimes {
  readonly start: string | null;
  readonly end: string | null;
  readonly created: string | null;
  /** In seconds. */
  readonly latency: number | null;
}

/** When a span began and ended. */
export interface SpanTimes {
  readonly startTime: bigint;
  readonly endTime: bigint;
  /** The fields that it comes from: `start_time, end_time`. */
  readonly source: string;
}

/** Decides when a span began and ended: 0 if unknown. */
export function spanTimes(times: LogTimes): SpanTimes {
  const start = nanoseconds(times.start);
  const end = nanoseconds(times.end);
  const created = nanoseconds(times.created);
  const { latency } = times;
  const took = latency === null || latency < 0 || !(latency < 1e9)
    ? null
    : BigInt(Math.round(latency * 1e9));
  const tookSource = took === null ? [] : ["provider_latency"];
  const made = (
    startTime: bigint,
    endTime: bigint,
    ...source: readonly string[]
  ) => ({
    startTime,
    // Ignores an end before the start; the Log's own times are in the
    // attributes.
    endTime: endTime < startTime ? startTime : endTime,
    source: source.join(", "),
  });
  if (start !== null && end !== null) {
    return end < start
      ? made(start, end, "start_time", "end_time is before it")
      : made(start, end, "start_time", "end_time");
  }
  if (start !== null) {
    return made(start, start + (took ?? 0n), "start_time", ...tookSource);
  }
  const last = end ?? created;
  if (last === null) return made(0n, 0n, "none");
  const first = took === null || took > last ? last : last - took;
  const name = end === null ? "created_at" : "end_time";
  return made(first, last, name, ...tookSource);
}
