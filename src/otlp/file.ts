/**
 * Writes spans and judgments as OTLP/JSON Lines, into one file each, which are
 * renamed when they are complete.
 */
import { Buffer } from "node:buffer";
import { setImmediate } from "node:timers/promises";
import { UsageError } from "../core/errors.ts";
import type { Disk } from "../core/runtime/runtime.ts";
import {
  type AtomicFile,
  orNull,
  readHead,
} from "../tree/write/atomic_file.ts";
import { expectOutside, writeAllOrNone } from "../tree/write/output.ts";
import {
  LOGS_HEAD,
  logsData,
  type SpanRecord,
  TRACES_HEAD,
  tracesData,
} from "./spans/spans.ts";
import { SpanCounter, type Totals } from "./totals.ts";

/**
 * The longest line, in bytes, unless one span is longer: by default the
 * collector reads lines up to 1 MiB.
 */
export const MOST_LINE_BYTES = 1_000_000;

/** How many spans are written before signals are handled. */
export const SPANS_AT_ONCE = 200;

/** What to write. */
export interface WriteOptions {
  readonly disk: Disk;
  readonly to: string;
  readonly spans: Iterable<SpanRecord>;
  /** Called with the number of spans written so far. */
  readonly onProgress?: (spans: number) => void;
  readonly signal?: AbortSignal;
}

/** What was written. */
export interface Written extends Totals {
  readonly path: string;
  readonly judgmentsPath: string;
  /** Of both files. */
  readonly bytes: number;
  /** Of the longest line. */
  readonly longestLine: number;
}

/** Returns the path of the judgments, beside the spans. */
export function judgmentsPath(to: string): string {
  return `${to.replace(/\.jsonl?$/i, "")}.judgments.jsonl`;
}

/**
 * Writes spans and judgments.
 *
 * @throws {StorageError} When the disk fails.
 * @throws The signal's reason when it aborts; nothing is left behind.
 */
export async function writeSpans(options: WriteOptions): Promise<Written> {
  const { disk, to, spans, onProgress, signal } = options;
  const counter = new SpanCounter();
  const path = judgmentsPath(to);
  return await writeAllOrNone(disk, [to, path], async (files) => {
    const [spanFile, judgmentFile] = files as [AtomicFile, AtomicFile];
    const spanLines = new LineWriter(spanFile, tracesData);
    const judgmentLines = new LineWriter(judgmentFile, logsData);
    let written = 0;
    for (const span of spans) {
      counter.add(span);
      await spanLines.add(span.json);
      for (const one of span.judgments) await judgmentLines.add(one);
      if (++written % SPANS_AT_ONCE > 0) continue;
      onProgress?.(written);
      await setImmediate();
      signal?.throwIfAborted();
    }
    await spanLines.flush();
    await judgmentLines.flush();
    return {
      ...counter.totals(),
      ...{ path: to, judgmentsPath: path },
      bytes: spanLines.bytes + judgmentLines.bytes,
      longestLine: Math.max(spanLines.longest, judgmentLines.longest),
    };
  });
}

/** Collects records into lines of about the same length. */
export class LineWriter {
  readonly #file: Pick<AtomicFile, "write"> | null;
  readonly #wrap: (records: readonly string[]) => string;
  readonly #room: number;
  #records: string[] = [];
  #length = 0;
  bytes = 0;
  longest = 0;

  /** @param file Where lines go; `null` to only count them. */
  constructor(
    file: Pick<AtomicFile, "write"> | null,
    wrap: (records: readonly string[]) => string,
  ) {
    this.#file = file;
    this.#wrap = wrap;
    this.#room = MOST_LINE_BYTES - Buffer.byteLength(wrap([])) - 1;
  }

  /** Adds a record; writes the line before it if that would become too long. */
  async add(json: string): Promise<void> {
    const length = Buffer.byteLength(json) + 1;
    if (this.#length + length > this.#room) await this.flush();
    this.#records.push(json);
    this.#length += length;
  }

  /** Writes the line. */
  async flush(): Promise<void> {
    if (this.#records.length === 0) return;
    const line = new TextEncoder().encode(`${this.#wrap(this.#records)}\n`);
    this.#records = [];
    this.#length = 0;
    this.bytes += line.length;
    this.longest = Math.max(this.longest, line.length);
    await this.#file?.write(line);
  }
}

/**
 * Makes sure that nothing is written into an export, and that only files of
 * this command are replaced.
 *
 * @param dirs The exports.
 * @throws {UsageError} When something else is there.
 * @throws {StorageError} When the disk fails.
 */
export async function expectWritable(
  disk: Disk,
  dirs: readonly string[],
  to: string,
): Promise<void> {
  await expectOutside(disk, dirs, to, "choose another file with --to");
  await expectOwn(disk, to, TRACES_HEAD);
  await expectOwn(disk, judgmentsPath(to), LOGS_HEAD);
}

/**
 * Makes sure that a file is missing, empty, or begins like one of this command.
 */
async function expectOwn(
  disk: Disk,
  path: string,
  head: string,
): Promise<void> {
  const info = await orNull(`look at ${path}`, () => disk.lstat(path));
  if (info === null || info.isFile && info.size === 0) return;
  const isOwn = info.isFile &&
    new TextDecoder().decode(await readHead(disk, path, head.length)) === head;
  if (isOwn) return;
  throw new UsageError(
    `${path} exists and is not a file of hl-export otlp; choose another file with --to`,
  );
}
