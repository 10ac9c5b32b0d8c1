/** An export on the real disk, made in memory. */
import { dirname, join } from "@std/path";
import type { Workspace } from "../../src/demo/workspace.ts";
import { MemoryDisk } from "../helpers/memory_disk.ts";
import {
  EXPORT_ARGS,
  MEMORY_EXPORT,
  runInMemory,
} from "../helpers/memory_run.ts";

/** Exports a workspace, and puts the export into a directory. */
export async function exportTo(
  dir: string,
  workspace: Workspace,
  before?: (url: URL) => Response | undefined,
): Promise<void> {
  const disk = new MemoryDisk();
  const options = { disk, workspace, ...before && { before } };
  await runInMemory(EXPORT_ARGS, options);
  for (const [name, text] of disk.files(MEMORY_EXPORT)) {
    await Deno.mkdir(dirname(join(dir, name)), { recursive: true });
    await Deno.writeTextFile(join(dir, name), text);
  }
}
