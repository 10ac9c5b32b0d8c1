/**
 * `demo`: exports the sample workspace from a server on loopback, with the code
 * of `export`, or only serves it.
 */
import { type Os, shellWord } from "../../core/runtime/platform.ts";
import type { Runtime } from "../../core/runtime/runtime.ts";
import {
  CLASSIFIER,
  GOLDEN,
  sampleWorkspace,
} from "../../demo/sample/sample.ts";
import { type DemoServer, serveDemo } from "../../demo/server.ts";
import { newSettings } from "../options/config.ts";
import { EXIT } from "../exit_codes.ts";
import type { Flags } from "../options/options.ts";
import { portError } from "../options/port.ts";
import { runAndReport } from "./export.ts";

/** The demo server's key, which no other server accepts. */
export const DEMO_KEY = "hl_sk_demo0000000000000000000000000000000000000000000";

/** With `--slow`, the time before each response, in milliseconds. */
const SLOW_MS = 250;

/**
 * Runs the demo.
 *
 * @returns The exit code.
 * @throws {UsageError} When the port is taken.
 */
export async function demo(flags: Flags, runtime: Runtime): Promise<number> {
  await using server = serve(flags, runtime);
  if (flags.serve) return await serveUntilStopped(server, runtime);
  const settings = newSettings({
    apiKey: null,
    apiUrl: server.url,
    directoryId: null,
    logsFlag: true,
    logsVariable: null,
    filters: null,
  });
  let root = "";
  const code = await runAndReport({
    runtime,
    flags,
    settings,
    apiKey: DEMO_KEY,
    resumed: null,
    resumeCommand: (exportDir) => {
      root = exportDir;
      // The server ends with this process.
      return null;
    },
  });
  if (code === EXIT.complete && !flags.quiet) {
    runtime.terminal.out(filesToLookAt(root, runtime.build.os));
  }
  return code;
}

function serve({ port, slow }: Flags, { clock }: Runtime): DemoServer {
  try {
    const delayMs = slow ? SLOW_MS : 0;
    const options = { key: DEMO_KEY, port: port ?? 0, clock, delayMs };
    return serveDemo(sampleWorkspace(), options);
  } catch (error) {
    throw portError(error, port);
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

function filesToLookAt(root: string, os: Os): string {
  const at = (path: string) => shellWord(`${root}/${path}`, os);
  return `This was the sample workspace of the demo. Look first at:
  ${at("index.html")}  the overview, for a browser
  ${at(`files/${CLASSIFIER.id}/file.json`)}  a Prompt, as the API sent it
  ${at(`files/${CLASSIFIER.id}/logs/1.jsonl`)}  its newest 1000 Logs, one a line
  ${at(`files/${GOLDEN.id}/datapoints`)}  a Dataset, Version by Version
  ${at("export.json")}  the settings, and the state of each File
`;
}
