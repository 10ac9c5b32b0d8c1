/** Serves the pages of browse over an export, for tests. */
import { serveBrowse } from "../../src/browse/serve.ts";
import { denoRuntime } from "../../src/core/runtime/deno_runtime.ts";
import { buildDatabase } from "../../src/database/build.ts";

/** Pages that are served until they are disposed of. */
export interface ServedBrowse extends AsyncDisposable {
  readonly url: string;
  /** The path of the database. */
  readonly path: string;
}

/** Makes the database of an export, and serves the pages over it. */
export async function servedBrowse(dir: string): Promise<ServedBrowse> {
  const { disk } = denoRuntime();
  const { path } = await buildDatabase({ disk, dirs: [dir] });
  const control = new AbortController();
  const listening = Promise.withResolvers<string>();
  const served = serveBrowse({
    ...{ database: path, signal: control.signal },
    onListen: listening.resolve,
  });
  return {
    url: await listening.promise,
    path,
    async [Symbol.asyncDispose]() {
      control.abort();
      await served;
    },
  };
}
