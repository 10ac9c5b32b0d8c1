/**
 * Connects the program with the real world: network, clock, random numbers,
 * disk, terminal, signals, environment. No other module does; they get it
 * passed in, which a test checks.
 */
import { PROGRAM_NAME } from "./version.ts";
import {
  renamePatiently,
  type Signals,
  signalsOf,
  type SyncWriter,
  writeText,
} from "./platform.ts";
import type { BuildKind, Clock, Disk, Runtime, Terminal } from "./runtime.ts";

/** Gathers the real world, once. */
export function denoRuntime(): Runtime {
  return {
    fetch: (input, init) => fetch(input, init),
    clock: realClock,
    random: () => Math.random(),
    disk: realDisk,
    terminal: realTerminal(),
    env: (name) => Deno.env.get(name),
    onInterrupt,
    exit: (code) => Deno.exit(code),
    program: programName(),
    build: {
      kind: buildKind(),
      deno: Deno.version.deno,
      target: Deno.build.target,
      os: Deno.build.os,
    },
  };
}

/** The longest wait that a timer takes, in milliseconds. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

const realClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  async sleep(ms, { signal } = {}) {
    for (let left = ms; left > 0; left -= LONGEST_TIMER_MS) {
      await timer(Math.min(left, LONGEST_TIMER_MS), signal);
    }
  },
};

function timer(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const stop = () => {
      clearTimeout(id);
      reject(signal?.reason);
    };
    const id = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal?.addEventListener("abort", stop, { once: true });
  });
}

const realDisk: Disk = {
  open: (path, options) => Deno.open(path, options),
  readFile: (path) => Deno.readFile(path),
  readDir: (path) => Deno.readDir(path),
  lstat: (path) => Deno.lstat(path),
  realPath: (path) => Deno.realPath(path),
  rename: (from, to) =>
    renamePatiently(() => Deno.rename(from, to), Deno.build.os, realClock),
  remove: (path, options) => Deno.remove(path, options),
  mkdir: (path, options) => Deno.mkdir(path, options),
  ensureDir: (path) => Deno.mkdir(path, { recursive: true, mode: 0o700 }),
};

function realTerminal(): Terminal {
  const errIsTerminal = Deno.stderr.isTerminal();
  const canAsk = errIsTerminal && Deno.stdin.isTerminal();
  const err = (text: string) => {
    try {
      write(Deno.stderr, text);
    } catch {
      // Nothing else could show it: a full disk or a closed pipe is no
      // reason to end a run.
    }
  };
  return {
    out: (text) => {
      try {
        write(Deno.stdout, text);
      } catch (error) {
        if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
      }
    },
    err,
    errIsTerminal,
    color: errIsTerminal && !Deno.noColor,
    columns: () => (errIsTerminal && Deno.consoleSize().columns) || 80,
    ask: async (question) => {
      if (!canAsk) return null;
      err(question);
      const line = new Uint8Array(1024);
      const length = await Deno.stdin.read(line) ?? 0;
      return textOf([...line.subarray(0, length)]).trim();
    },
    askSecret: async (question) => {
      if (!canAsk) return null;
      err(question);
      try {
        return await readSecret();
      } finally {
        err("\n");
      }
    },
  };
}

function write(to: SyncWriter, text: string): void {
  writeText(to, text, sleepSync);
}

/** Blocks the whole process; for short waits only. */
function sleepSync(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

const CTRL_C = 0x03;
const CTRL_D = 0x04;
const BACKSPACES = [0x08, 0x7f];
const LINE_ENDS = [0x0a, 0x0d];

/**
 * Reads a line without echo. Does not use `promptSecret` of @std/cli, where a
 * Ctrl-C ends the process with the terminal's echo still off.
 */
async function readSecret(): Promise<string> {
  const typed: number[] = [];
  const chunk = new Uint8Array(256);
  Deno.stdin.setRaw(true);
  try {
    while (true) {
      const length = await Deno.stdin.read(chunk) ?? 0;
      for (const byte of chunk.subarray(0, length)) {
        if (byte === CTRL_C) {
          Deno.stdin.setRaw(false);
          Deno.exit(130);
        }
        if (byte === CTRL_D || LINE_ENDS.includes(byte)) return textOf(typed);
        if (BACKSPACES.includes(byte)) typed.pop();
        else typed.push(byte);
      }
      if (length === 0) return textOf(typed);
    }
  } finally {
    Deno.stdin.setRaw(false);
  }
}

function textOf(bytes: readonly number[]): string {
  return new TextDecoder().decode(new Uint8Array(bytes));
}

/** Ignores signals that would end the process and must not. */
export function ignoreSignals(): void {
  for (const signal of realSignals().ignored) {
    Deno.addSignalListener(signal, () => {});
  }
}

function realSignals(): Signals {
  const hasTerminal = Deno.stdout.isTerminal() || Deno.stderr.isTerminal();
  return signalsOf(Deno.build.os, hasTerminal);
}

function onInterrupt(handler: () => void): () => void {
  const signals = realSignals().interrupt;
  for (const signal of signals) Deno.addSignalListener(signal, handler);
  return () => {
    for (const signal of signals) Deno.removeSignalListener(signal, handler);
  };
}

/** Finds out how this program was built: the self-extracting one is known by its name. */
function buildKind(): BuildKind {
  if (Deno.build.standalone) return "compiled";
  return import.meta.url.endsWith(`/${PROGRAM_NAME}`)
    ? "self-extracting"
    : "source";
}

/** Finds out how the user started this program, without the arguments. */
function programName(): string {
  if (buildKind() !== "source") return "hl-export";
  const viaNpx = /[\\/]_npx[\\/]/.test(Deno.execPath());
  const deno = viaNpx ? `npx -y deno@${Deno.version.deno}` : "deno";
  return `${deno} task export`;
}
