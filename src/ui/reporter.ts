/**
 * Shows a run to a person: log lines, to `export.log` and to the terminal above
 * the progress bar, and the bar itself. Without a terminal, it prints a plain
 * line every few seconds.
 */
import type {
  FileProgress,
  Level,
  Observer,
  RecordKind,
} from "../core/observer.ts";
import type { Clock, DiskFile, Terminal } from "../core/runtime/runtime.ts";
import { redact } from "../core/text/redact.ts";
import { Progress, progressLine } from "./progress.ts";
import { escapeControls } from "./text.ts";

/** What {@linkcode Reporter} is made from. */
export interface ReporterOptions {
  readonly terminal: Terminal;
  readonly clock: Clock;
  /** Texts that are never printed. */
  readonly secrets: readonly string[];
  /** The lowest level that is shown in the terminal. */
  readonly shown: Level;
  /** Whether progress is shown. */
  readonly progress: boolean;
  readonly color: boolean;
}

const REDRAW_MS = 200;
const PLAIN_LINE_MS = 5_000;
const LEVELS: readonly Level[] = ["DEBUG", "INFO", "WARN", "ERROR"];
const COLORS: Readonly<Record<Level, string>> = {
  DEBUG: "\x1b[2m",
  INFO: "",
  WARN: "\x1b[33m",
  ERROR: "\x1b[31m",
};
const RESET = "\x1b[0m";
const CLEAR_LINE = "\r\x1b[2K";

/** Observes a run; `run` shows the progress until the work is done. */
export class Reporter implements Observer {
  readonly #options: ReporterOptions;
  readonly progress: Progress;
  #barShown = false;
  /** `export.log`; `null` once it is closed. */
  #log: DiskFile | null = null;
  /** Lines from before there was a log; `null` from then on. */
  #early: string[] | null = [];
  #logFailed = false;

  constructor(options: ReporterOptions) {
    this.#options = options;
    this.progress = new Progress(options.clock.now());
  }

  log(level: Level, message: string): void {
    this.record(level, message);
    const { shown } = this.#options;
    if (LEVELS.indexOf(level) < LEVELS.indexOf(shown)) return;
    this.#print(level, this.safe(message));
  }

  /** Writes a line to `export.log` only. */
  record(level: Level, message: string): void {
    const time = new Date(this.#options.clock.now()).toISOString();
    const line = `${time} ${level.padEnd(5)} ${this.safe(message)}\n`;
    if (this.#early !== null) this.#early.push(line);
    else this.#write(line);
  }

  /**
   * Starts to write `export.log`, with the lines from before.
   *
   * @param log The file, open at its end; closed by {@linkcode closeLog}.
   */
  openLog(log: DiskFile): void {
    this.#log = log;
    const early = this.#early ?? [];
    this.#early = null;
    for (const line of early) this.#write(line);
  }

  /** Closes `export.log`; lines that come later are shown only. */
  closeLog(): void {
    this.#log?.close();
    this.#log = null;
  }

  #write(line: string): void {
    try {
      this.#log?.writeSync(new TextEncoder().encode(line));
    } catch {
      // Warns once: a disk that takes no log takes no data either, which is
      // reported.
      if (!this.#logFailed) this.#print("WARN", "cannot write export.log");
      this.#logFailed = true;
    }
  }

  /** Hides secrets and control characters in a text. */
  safe(message: string): string {
    return redact(escapeControls(message), this.#options.secrets);
  }

  waiting(reason: string, untilMs: number): void {
    this.progress.waitUntil(reason, untilMs);
  }

  written(kind: RecordKind | "document", records: number, bytes: number): void {
    if (kind !== "document") this.progress.records += records;
    this.progress.bytes += bytes;
  }

  filesListed(files: number): void {
    this.progress.filesListed(files);
  }

  fileStarted(name: string): FileProgress {
    return this.progress.fileStarted(name, this.#options.clock.now());
  }

  /** Shows the progress while `work` goes on. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    const done = new AbortController();
    const showing = this.#options.progress
      ? this.#show(done.signal)
      : Promise.resolve();
    try {
      return await work();
    } finally {
      done.abort();
      await showing;
      this.#clearBar();
    }
  }

  async #show(done: AbortSignal): Promise<void> {
    const { clock, terminal } = this.#options;
    const everyMs = terminal.errIsTerminal ? REDRAW_MS : PLAIN_LINE_MS;
    while (!done.aborted) {
      // The sleep is aborted when the work is done; the loop then ends.
      await clock.sleep(everyMs, { signal: done }).catch(() => {});
      if (done.aborted) return;
      if (terminal.progress !== undefined) {
        terminal.progress(this.progress.snapshot(clock.now()));
      } else if (terminal.errIsTerminal) this.#drawBar();
      else terminal.err(`${this.#line(0)}\n`);
    }
  }

  #line(columns: number): string {
    const snapshot = this.progress.snapshot(this.#options.clock.now());
    return progressLine(snapshot, columns);
  }

  #drawBar(): void {
    const { terminal } = this.#options;
    terminal.err(CLEAR_LINE + this.#line(terminal.columns()));
    this.#barShown = true;
  }

  #clearBar(): void {
    if (this.#barShown) this.#options.terminal.err(CLEAR_LINE);
    this.#barShown = false;
  }

  #print(level: Level, text: string): void {
    const { terminal, color } = this.#options;
    const line = `${level.toLowerCase()}: ${text}`;
    const painted = color && COLORS[level] !== ""
      ? COLORS[level] + line + RESET
      : line;
    const redraw = this.#barShown;
    this.#clearBar();
    terminal.err(`${painted}\n`);
    if (redraw) this.#drawBar();
  }
}
