/**
 * `demo`: exports the sample workspace from a server on loopback through the
 * very code path of `export`, or only serves it.
 */
import type { Flags } from "../options.ts";
import {
  DEFAULT_CONCURRENCY,
  DEFAULT_OUTPUT,
  DEFAULT_PATIENCE_MS,
  newSettings,
} from "../config.ts";
import { UsageError } from "../../core/errors.ts";
import { EXIT } from "../exit_codes.ts";
import { runAndReport } from "./export.ts";
import { createExportDir } from "../../tree/export_dir.ts";
import { type Os, shellWord } from "../../core/platform.ts";
import type { Runtime } from "../../core/runtime.ts";
import { CLASSIFIER, GOLDEN } from "../../demo/sample/files.ts";
import { sampleWorkspace } from "../../demo/sample/sample.ts";
import { type DemoServer, serveDemo } from "../../demo/server.ts";

/** The demo server's key; worth nothing anywhere else. */
export const DEMO_KEY = "hl_sk_demo0000000000000000000000000000000000000000000";

/**
 * Runs the demo.
 *
 * @returns The exit code.
 * @throws {UsageError} When the port is taken.
 */
export async function demo(flags: Flags, runtime: Runtime): Promise<number> {
  await using server = serve(flags);
  if (flags.serve) return await serveUntilStopped(server, runtime);
  const { disk, clock, terminal } = runtime;
  const now = clock.now();
  const settings = newSettings({
    apiKey: null,
    apiUrl: server.url,
    directoryId: null,
    logsFlag: true,
    logsVariable: null,
    filters: null,
  }, now);
  const parent = flags.output ?? DEFAULT_OUTPUT;
  const dir = await createExportDir(disk, parent, new Date(now));
  const code = await runAndReport({
    runtime,
    dir,
    settings,
    apiKey: DEMO_KEY,
    concurrency: flags.concurrency ?? DEFAULT_CONCURRENCY,
    patienceMs: DEFAULT_PATIENCE_MS,
    flags,
    resumeCommand: "start the demo again",
  });
  if (code === EXIT.complete && !flags.quiet) {
    const { root } = dir.layout;
    terminal.out(whatToLookAt(root, runtime.build.os));
  }
  return code;
}

function serve(flags: Flags): DemoServer {
  try {
    const port = flags.port ?? 0;
    return serveDemo(sampleWorkspace(), { key: DEMO_KEY, port });
  } catch (cause) {
    if (!(cause instanceof Deno.errors.AddrInUse)) throw cause;
    throw new UsageError(
      `port ${flags.port} is taken; choose another with --port, or leave it out`,
      { cause },
    );
  }
}

async function serveUntilStopped(
  server: DemoServer,
  { terminal, onInterrupt, program }: Runtime,
): Promise<number> {
  terminal.out(`Serving the sample workspace; Ctrl-C stops it.
  URL  ${server.url}
  Key  ${DEMO_KEY}
Try, in another terminal:
  HUMANLOOP_API_KEY=${DEMO_KEY} ${program} --logs --api-url ${server.url}
`);
  const stopped = Promise.withResolvers<void>();
  const stopListening = onInterrupt(stopped.resolve);
  await stopped.promise;
  stopListening();
  return EXIT.complete;
}

function whatToLookAt(root: string, os: Os): string {
  const at = (path: string) => shellWord(`${root}/${path}`, os);
  return `This was the sample workspace of the demo. Look first at:
  ${at("index.html")}  all of it, in a browser
  ${at(`files/${CLASSIFIER.id}/file.json`)}  a Prompt, as the API sent it
  ${at(`files/${CLASSIFIER.id}/logs/1.jsonl`)}  its newest 1000 Logs, one a line
  ${at(`files/${GOLDEN.id}/datapoints`)}  a Dataset, Version by Version
  ${at("export.json")}  what was asked, and what came of it
`;
}
