/**
 * Records which spans an endpoint accepted or refused, in a small SQLite file
 * beside the database, one for each endpoint and target. Flushes after each
 * batch, so that a run that is killed can be continued.
 */
import { createHash } from "node:crypto";
import { DatabaseSync } from "node:sqlite";
import { basename, dirname, join } from "@std/path";
import { UsageError } from "../../core/errors.ts";
import type { Disk } from "../../core/runtime/runtime.ts";
import {
  AtomicFile,
  onDisk,
  orNull,
  storageError,
} from "../../tree/write/atomic_file.ts";
import type { Endpoint } from "./endpoint.ts";
import type { SpanRecord } from "../spans/spans.ts";

/** A span that was refused for good. */
export interface Refusal {
  readonly logId: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly reason: string;
}

/** What an endpoint did with a span. */
export type SpanState = "new" | "accepted" | "refused";

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS about (endpoint TEXT, target TEXT);
  CREATE TABLE IF NOT EXISTS accepted (span INTEGER PRIMARY KEY);
  CREATE TABLE IF NOT EXISTS refused (span INTEGER PRIMARY KEY,
    log_id TEXT, trace_id TEXT, span_id TEXT, reason TEXT);`;

/** How many lines of the list of refusals are written at once. */
const LINES_AT_ONCE = 1000;

/**
 * Names the journal of an endpoint: `humanloop.otlp-1a2b3c4d5e6f.db` beside
 * `humanloop.db`. Only the headers tell which account it is for, and they are
 * not part of the name.
 */
export function journalPath(
  databasePath: string,
  { url, target }: Pick<Endpoint, "url" | "target">,
): string {
  const sum = createHash("sha256").update(`${url}\n${target ?? ""}`);
  const name = basename(databasePath).replace(/\.db$/, "");
  const hash = sum.digest("hex").slice(0, 12);
  return join(dirname(databasePath), `${name}.otlp-${hash}.db`);
}

/** Names the list of refusals beside a journal. */
export function refusalsPath(path: string): string {
  return path.replace(/\.db$/, ".refused.jsonl");
}

/** Records which spans were accepted or refused. */
export class Journal implements Disposable {
  readonly #database: DatabaseSync;
  readonly #path: string;
  readonly #isAccepted;
  readonly #isRefused;
  readonly #accept;
  readonly #refuse;
  readonly #forgive;

  private constructor(database: DatabaseSync, path: string) {
    this.#database = database;
    this.#path = path;
    const one = (sql: string) => database.prepare(sql);
    this.#isAccepted = one("SELECT 1 FROM accepted WHERE span = ?");
    this.#isRefused = one("SELECT 1 FROM refused WHERE span = ?");
    this.#accept = one("INSERT OR IGNORE INTO accepted VALUES (?)");
    this.#refuse = one("INSERT OR REPLACE INTO refused VALUES (?, ?, ?, ?, ?)");
    this.#forgive = one("DELETE FROM refused WHERE span = ?");
  }

  /**
   * Opens the journal to send spans, and locks it.
   *
   * @throws {UsageError} When another run sends to the same endpoint.
   * @throws {StorageError} On a disk error.
   */
  static async open(
    disk: Disk,
    path: string,
    { url, target }: Pick<Endpoint, "url" | "target">,
  ): Promise<Journal> {
    if (await orNull(`look at ${path}`, () => disk.lstat(path)) === null) {
      // Creates the file, for its owner only.
      const file = await onDisk(
        `create ${path}`,
        () => disk.open(path, { write: true, createNew: true, mode: 0o600 }),
      );
      file.close();
    }
    return opened(path, () => {
      const database = new DatabaseSync(path);
      try {
        database.exec(
          `PRAGMA locking_mode = EXCLUSIVE; PRAGMA synchronous = FULL;
          BEGIN IMMEDIATE; ${SCHEMA}`,
        );
        database.prepare(
          "INSERT INTO about SELECT ?, ? WHERE NOT EXISTS (SELECT 1 FROM about)",
        ).run(url, target);
        database.exec("COMMIT");
        return new Journal(database, path);
      } catch (error) {
        database.close();
        throw error;
      }
    });
  }

  /**
   * Opens the journal to read it.
   *
   * @returns `null` if there is none.
   * @throws As {@linkcode open}.
   */
  static async look(disk: Disk, path: string): Promise<Journal | null> {
    const info = await orNull(`look at ${path}`, () => disk.lstat(path));
    if (info === null || info.size === 0) return null;
    return opened(
      path,
      () => new Journal(new DatabaseSync(path, { readOnly: true }), path),
    );
  }

  /** Returns what the endpoint did with a span. */
  stateOf(spanId: string): SpanState {
    const key = keyOf(spanId);
    return this.#use("read", () => {
      if (this.#isAccepted.get(key) !== undefined) return "accepted";
      return this.#isRefused.get(key) === undefined ? "new" : "refused";
    });
  }

  /** How many spans were refused and not accepted later. */
  get refused(): number {
    return this.#use("read", () => {
      const row = this.#database.prepare("SELECT count(*) n FROM refused")
        .get();
      return Number(row!["n"]);
    });
  }

  /** Records that spans were accepted. On return this is on disk. */
  accept(spans: readonly Pick<SpanRecord, "spanId">[]): void {
    this.#together(() => {
      for (const { spanId } of spans) {
        const key = keyOf(spanId);
        this.#accept.run(key);
        this.#forgive.run(key);
      }
    });
  }

  /** Records that a span was refused. */
  refuse({ spanId, traceId, logId, reason }: Refusal): void {
    this.#together(() =>
      this.#refuse.run(keyOf(spanId), logId, traceId, spanId, reason)
    );
  }

  /** Forgets everything, so that all is sent again. */
  clear(): void {
    this.#together(() =>
      this.#database.exec("DELETE FROM accepted; DELETE FROM refused")
    );
  }

  /**
   * Writes the list of refusals beside the journal, a line of JSON for each.
   * Writes none if nothing was ever refused.
   *
   * @returns Its path; `null` if nothing is refused.
   * @throws {StorageError} On a disk error.
   */
  async writeRefusals(disk: Disk): Promise<string | null> {
    const path = refusalsPath(this.#path);
    const isEmpty = this.refused === 0;
    const before = await orNull(`look at ${path}`, () => disk.lstat(path));
    if (isEmpty && before === null) return null;
    using file = await AtomicFile.open(disk, path, null);
    let lines = "";
    let waiting = 0;
    const flush = async () => {
      await file.write(new TextEncoder().encode(lines));
      [lines, waiting] = ["", 0];
    };
    for (const refusal of this.refusals()) {
      lines += `${JSON.stringify(refusal)}\n`;
      if (++waiting === LINES_AT_ONCE) await flush();
    }
    await flush();
    await file.commit();
    return isEmpty ? null : path;
  }

  /** Yields everything that is refused. */
  *refusals(): Generator<Refusal> {
    const rows = this.#database.prepare(
      `SELECT log_id AS logId, trace_id AS traceId, span_id AS spanId, reason
      FROM refused ORDER BY rowid`,
    );
    yield* rows.iterate() as Iterable<unknown> as Iterable<Refusal>;
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }

  #together(work: () => unknown): void {
    this.#use("write", () => {
      this.#database.exec("BEGIN");
      try {
        work();
        this.#database.exec("COMMIT");
      } catch (error) {
        if (this.#database.isTransaction) this.#database.exec("ROLLBACK");
        throw error;
      }
    });
  }

  #use<T>(action: string, work: () => T): T {
    try {
      return work();
    } catch (cause) {
      throw storageError(`${action} ${this.#path}`, cause);
    }
  }
}

/**
 * Leaves out the spans that an endpoint has accepted. Those that it refused come last,
 * as they are sent.
 *
 * @param spans Reads all spans.
 * @param onAccepted Called with each that is left out.
 */
export function* withoutAccepted(
  spans: () => Iterable<SpanRecord>,
  journal: Pick<Journal, "stateOf" | "refused">,
  onAccepted: (span: SpanRecord) => void,
): Generator<SpanRecord> {
  for (const span of spans()) {
    const state = journal.stateOf(span.spanId);
    if (state === "accepted") onAccepted(span);
    else if (state === "new") yield span;
  }
  if (journal.refused === 0) return;
  for (const span of spans()) {
    if (journal.stateOf(span.spanId) === "refused") yield span;
  }
}

/** Makes the key of a span: its id as a number of 64 bits. */
function keyOf(spanId: string): bigint {
  return BigInt.asIntN(64, BigInt(`0x${spanId}`));
}

function opened(path: string, open: () => Journal): Journal {
  try {
    return open();
  } catch (cause) {
    if (cause instanceof Error && /locked/.test(cause.message)) {
      throw new UsageError(
        `another run is sending to this endpoint (${path} is in use); wait until it has ended`,
        { cause },
      );
    }
    throw storageError(`open ${path}`, cause);
  }
}
