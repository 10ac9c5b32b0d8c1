/** The whole program in memory: no socket, no disk, no waiting. */
import { main } from "../../src/cli/main.ts";
import { DEMO_KEY } from "../../src/cli/commands/demo.ts";
import {
  answerRequest,
  type DemoServerOptions,
} from "../../src/demo/server.ts";
import type { Disk } from "../../src/core/runtime/runtime.ts";
import type { Workspace } from "../../src/demo/workspace.ts";
import type { Snapshot } from "../../src/ui/progress.ts";
import type { Terminal } from "../../src/core/runtime/runtime.ts";
import { VirtualClock } from "./clock.ts";
import type { MemoryDisk } from "./memory_disk.ts";
import { printedTerminal } from "./terminal.ts";
import type { Ended } from "./program.ts";
import { trustedUrl } from "./trusted_url.ts";

/** Where exports go in memory. */
export const MEMORY_OUTPUT = "/exports";
/** The only export there. */
export const MEMORY_EXPORT = "/exports/20250601-000000";

/** What the program works with. */
export interface MemoryOptions {
  readonly disk: MemoryDisk;
  readonly workspace: Workspace;
  /** The disk as the program sees it; without it, the disk itself. */
  readonly through?: (disk: MemoryDisk) => Disk;
  /** How the server behaves. */
  readonly server?: Partial<DemoServerOptions>;
  /** What this machine's clock shows at the start. */
  readonly nowMs?: number;
  /** Answers instead of the server, if with anything. */
  readonly before?: (url: URL) => Response | Error | undefined;
  /** How long the server takes, in milliseconds; without it, no time at all. */
  readonly latencyMs?: (url: URL) => number;
  /** Sees the progress. */
  readonly onProgress?: (snapshot: Snapshot, nowMs: number) => void;
  readonly key?: string;
  /** Answers a question; without it, there is no terminal to ask. */
  readonly ask?: Terminal["ask"];
  /** Other variables of the environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** The key that the server accepts. */
  readonly serverKey?: string;
}

/** Reads files of a disk in memory, and of shards where those were merged. */
function readFrom(disk: MemoryDisk) {
  return (path: string) => {
    const [, dir = "", name = ""] = /^(.*)\/([^/]+)$/.exec(path) ?? [];
    const files = disk.files(dir);
    return files.get(name) ??
      [...files].find(([one]) => one.endsWith(`/${name}`))?.[1];
  };
}

/** Runs the program in memory. */
export async function runInMemory(
  args: readonly string[],
  options: MemoryOptions,
): Promise<Ended> {
  const { disk, workspace, before, key, serverKey = DEMO_KEY } = options;
  const local = new Date(2025, 5, 1);
  const clock = new VirtualClock(options.nowMs ?? local.getTime());
  const { onProgress } = options;
  const terminal = {
    ...printedTerminal(),
    ...options.ask && { ask: options.ask },
    ...onProgress && {
      errIsTerminal: true,
      progress: (snapshot: object) =>
        onProgress(snapshot as Snapshot, clock.now()),
    },
  };
  const code = await main(args, {
    fetch: async (input, init) => {
      const url = new URL(String(input));
      if (options.latencyMs) await clock.sleep(options.latencyMs(url));
      const instead = before?.(url);
      if (instead instanceof Error) throw instead;
      const request = new Request(url, { headers: init?.headers ?? {} });
      return instead ??
        await answerRequest(
          workspace,
          { ...options.server, key: serverKey },
          request,
        );
    },
    clock,
    random: () => 0.5,
    disk: options.through?.(disk) ?? disk,
    terminal,
    env: (name) =>
      name === "HUMANLOOP_API_KEY" ? key ?? DEMO_KEY : options.env?.[name] ??
        (name === "HUMANLOOP_API_URL"
          ? trustedUrl(args, readFrom(disk))
          : undefined),
    onInterrupt: () => () => {},
    program: "hl-export",
    build: { kind: "source", deno: "", target: "", os: "linux" },
    exit: () => {
      throw new Error("exit");
    },
  });
  clock.stop();
  return { code, ...terminal.printed };
}

/** The arguments of a new export in memory. */
export const EXPORT_ARGS = [
  "--logs",
  "--quiet",
  "--api-url",
  "http://127.0.0.1/v5",
  "--output",
  MEMORY_OUTPUT,
];
