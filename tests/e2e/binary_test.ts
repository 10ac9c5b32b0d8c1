/**
 * The built program, of the kind that can be built here: what `deno compile`
 * makes where its runtime can be had, else the one that unpacks itself. It runs
 * without Deno or Node on its path.
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { walk } from "@std/fs";
import { dirname, join, relative } from "@std/path";
import { build } from "../../src/build/build.ts";
import { DEMO_KEY } from "../../src/cli/commands/demo.ts";
import { sampleWorkspace } from "../../src/demo/sample/sample.ts";
import { serveDemo } from "../../src/demo/server.ts";
import {
  AUTHORITY,
  NETWORK_KEY,
  NO_PROXIES,
  serveApi,
  serveProxy,
} from "../helpers/network.ts";
import {
  assertTree,
  expectedTree,
  onlyExport,
  readPages,
  readTree,
  tempDir,
} from "../helpers/tree.ts";

const CANARY = "hl_sk_canary8e21d5b7f3";
const workspace = sampleWorkspace();
const whole = expectedTree(workspace, { logs: true });

/** Makes a built program, with a cache of its own. */
async function built(entry?: string) {
  const dir = await tempDir();
  assertEquals(await build(dir.path, [], entry), 0);
  return { dir, binary: join(dir.path, "hl-export") };
}

function start(
  binary: string,
  args: readonly string[],
  { cwd, cache = join(cwd, "cache"), env = {} }: {
    cwd: string;
    cache?: string;
    env?: Record<string, string>;
  },
): Deno.ChildProcess {
  return new Deno.Command("sh", {
    args: ["-c", `exec "$0" "$@"`, binary, ...args],
    cwd,
    clearEnv: true,
    env: {
      PATH: "/usr/bin:/bin",
      HOME: cwd,
      XDG_CACHE_HOME: cache,
      HUMANLOOP_API_KEY: DEMO_KEY,
      ...env,
    },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

/** Returns the files below a directory that hold a text: export, cache, anything. */
async function filesWith(dir: string, text: string): Promise<string[]> {
  const paths: string[] = [];
  for await (const { path } of walk(dir, { includeDirs: false })) {
    const bytes = await Deno.readFile(path);
    if (new TextDecoder("latin1").decode(bytes).includes(text)) {
      paths.push(path);
    }
  }
  return paths;
}

/** Returns the program as it was unpacked; `null` where it did not need to be. */
async function bundleOf(cache: string): Promise<string | null> {
  for await (const { path } of walk(cache, { includeDirs: false })) {
    if (path.endsWith("hl-export.js")) return path;
  }
  return null;
}

async function end(child: Deno.ChildProcess) {
  const { code, stdout, stderr } = await child.output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, out: text(stdout), err: text(stderr) };
}

Deno.test({
  name: "the built program",
  ignore: Deno.build.os === "windows",
  fn: async (t) => {
    const { dir, binary } = await built();
    await using _dir = dir;
    const cwd = dir.path;
    const run = (args: readonly string[]) => end(start(binary, args, { cwd }));

    await t.step("says what it is", async () => {
      const { code, out, err } = await run(["--version"]);
      assertEquals([code, err], [0, ""]);
      const { deno } = Deno.version;
      assert(
        new RegExp(
          `^hl-export \\S+ \\((compiled|self-extracting), Deno ${deno}, ${Deno.build.target}\\)\n$`,
        ).test(out),
        out,
      );
    });

    await t.step("exports the sample workspace, and checks it", async () => {
      const demo = await run(["demo"]);
      assertEquals(demo.code, 0, demo.err);
      const root = await onlyExport(join(cwd, "exports"));
      await assertTree(root, whole);
      assertEquals((await run(["verify", root])).code, 0);
      const pages = await readPages(root);
      assertEquals(pages.size, 14);
      assertEquals((await run(["index", root])).code, 0);
      assertEquals(await readPages(root), pages);
      await Deno.remove(join(cwd, "exports"), { recursive: true });
    });

    await t.step(
      "goes on after a kill -9, and leaves its key nowhere",
      async () => {
        const child = Promise.withResolvers<Deno.ChildProcess>();
        const env = { HUMANLOOP_API_KEY: CANARY };
        let requests = 0;
        await using server = serveDemo(workspace, {
          key: CANARY,
          before: async () => {
            if (++requests === 60) (await child.promise).kill("SIGKILL");
            return requests % 7 === 0
              ? new Response(`busy: ${CANARY}`, { status: 503 })
              : undefined;
          },
        });
        const args = ["--logs", "--api-url", server.url, "--concurrency", "4"];
        child.resolve(start(binary, [...args, "--verbose"], { cwd, env }));
        const killed = await end(await child.promise);
        assert(killed.code !== 0);
        const root = await onlyExport(join(cwd, "exports"));
        const there = (await readTree(root)).size;
        assert(there > 0 && there < whole.size, `${there} files`);
        const resumed = await end(
          start(binary, ["--resume", root, "--api-url", server.url], {
            cwd,
            env,
          }),
        );
        assertEquals(resumed.code, 0, resumed.err);
        await assertTree(root, whole);
        for (const { out, err } of [killed, resumed]) {
          assert(!(out + err).includes(CANARY));
        }
        assertEquals(await filesWith(cwd, CANARY), []);
      },
    );

    await t.step(
      "trusts the authorities and goes through the proxies that its environment names",
      async () => {
        await using server = serveApi("good");
        await using proxy = serveProxy("me:p@ss");
        const plan = (env: Record<string, string>) =>
          end(start(binary, ["plan", "--api-url", server.url], {
            cwd,
            env: { ...NO_PROXIES, HUMANLOOP_API_KEY: NETWORK_KEY, ...env },
          }));
        const HTTPS_PROXY = `http://me:p%40ss@${proxy.address}`;
        const proxied = await plan({ HTTPS_PROXY, DENO_CERT: AUTHORITY });
        assertEquals([proxied.code, proxied.err], [0, ""]);
        assert(proxy.seen.length > 0);
        assert(proxy.seen.every((method) => method === "CONNECT"));
        const requests = proxy.seen.length;
        const direct = await plan({
          ...{ ALL_PROXY: HTTPS_PROXY, NO_PROXY: "127.0.0.1" },
          ...{ DENO_TLS_CA_STORE: "system", SSL_CERT_FILE: AUTHORITY },
        });
        assertEquals([direct.code, proxy.seen.length], [
          Deno.build.os === "linux" ? 0 : direct.code,
          requests,
        ]);
        const untrusted = await plan({});
        assertEquals(untrusted.code, 3);
        assertStringIncludes(untrusted.err, "certificate is not trusted");
      },
    );

    await t.step(
      "two that start at once unpack once, or not at all",
      async () => {
        const cache = join(cwd, "shared");
        const ended = await Promise.all(
          Array.from(
            { length: 3 },
            () => end(start(binary, ["--version"], { cwd, cache })),
          ),
        );
        assertEquals(ended.map(({ code, err }) => [code, err]), [
          [0, ""],
          [0, ""],
          [0, ""],
        ]);
      },
    );

    await t.step(
      "a damaged or replaced program of the same size is replaced",
      async () => {
        const cache = join(cwd, "cache");
        const program = await bundleOf(cache);
        if (program === null) return;
        for (const path of [join(dirname(program), "deno"), program]) {
          const before = await Deno.readFile(path);
          const changed = before.slice();
          changed[before.length >> 1]! ^= 1;
          await Deno.writeFile(path, changed);
          const { code, err } = await run(["--version"]);
          assertEquals([code, err], [0, ""]);
          const after = await Deno.readFile(path);
          assert(after.every((byte, i) => byte === before[i]), path);
        }
      },
    );

    await t.step(
      "a start that was killed while it unpacked leaves nothing behind the next",
      async () => {
        const program = await bundleOf(join(cwd, "cache"));
        if (program === null) return;
        const cache = join(cwd, "killed");
        const below = relative(join(cwd, "cache"), dirname(program));
        const unpacked = join(cache, below);
        await Deno.mkdir(unpacked, { recursive: true, mode: 0o700 });
        const parts = async () => {
          const names = await Array.fromAsync(Deno.readDir(unpacked));
          return names.filter(({ name }) => name.includes(".part."));
        };
        using watcher = Deno.watchFs(unpacked);
        const child = start(binary, ["--version"], { cwd, cache });
        for await (const { paths } of watcher) {
          if (paths.some((path) => path.includes(".part."))) break;
        }
        child.kill("SIGKILL");
        assert((await end(child)).code !== 0);
        assertEquals((await parts()).length, 1);
        const { code, err } = await end(
          start(binary, ["--version"], { cwd, cache }),
        );
        assertEquals([code, err], [0, ""]);
        assertEquals(await parts(), []);
      },
    );

    await t.step(
      "a cache that others may write to is not used",
      async () => {
        if (await bundleOf(join(cwd, "cache")) === null) return;
        const cache = join(cwd, "cache");
        const deno = join(dirname((await bundleOf(cache))!), "deno");
        const sound = await Deno.readFile(deno);
        const TMPDIR = join(cwd, "temp");
        await Deno.mkdir(TMPDIR, { mode: 0o700 });
        const thief = "#!/bin/sh\necho stolen\n";
        await Deno.writeTextFile(deno, thief);
        const assertUnused = async () => {
          const { code, out, err } = await end(
            start(binary, ["--version"], { cwd, env: { TMPDIR } }),
          );
          assertEquals(code, 0, err);
          assertStringIncludes(out, "self-extracting");
          const warning =
            `hl-export: warning: others may write to ${cache}: using ${TMPDIR}/hl-export-`;
          assert(err.startsWith(warning), err);
          assertEquals(err.trimEnd().split("\n").length, 1);
          assertEquals(await Deno.readTextFile(deno), thief);
        };
        await Deno.chmod(cache, 0o777);
        await assertUnused();
        await Deno.chmod(cache, 0o700);
        const { uid, gid } = await Deno.stat(cache);
        // Only root can give a directory to somebody else.
        if (uid === 0) {
          await Deno.chown(cache, 12_345, gid);
          await assertUnused();
          await Deno.chown(cache, uid, gid);
        }
        await Deno.writeFile(deno, sound);
        // Nowhere else to go: nothing is started.
        await Deno.chmod(cache, 0o777);
        await Deno.chmod(TMPDIR, 0o777);
        const { code, out, err } = await end(
          start(binary, ["--version"], { cwd, env: { TMPDIR } }),
        );
        assertEquals([code, out], [1, ""]);
        assertStringIncludes(err, "set XDG_CACHE_HOME to another place");
        await Deno.chmod(cache, 0o700);
      },
    );

    await t.step("is small, and the same whenever it is built", async () => {
      const second = await built();
      await using _second = second.dir;
      const program = await bundleOf(join(cwd, "cache"));
      // What deno compile makes holds more than the program.
      if (program === null) return;
      assert((await Deno.stat(program)).size < 1_000_000);
      const [one, other] = await Promise.all(
        [binary, second.binary].map((path) => Deno.readFile(path)),
      );
      assertEquals(one!.length, other!.length);
      assert(one!.every((byte, i) => byte === other![i]));
    });

    await t.step("where there is no room it says so in one line", async () => {
      if (await bundleOf(join(cwd, "cache")) === null) return;
      const cache = join(cwd, "full");
      // No file may grow beyond 2 MB, as on a disk that is full.
      const limited = join(cwd, "limited");
      const script = `#!/bin/sh\nulimit -f 4000\nexec "${binary}" "$@"\n`;
      await Deno.writeTextFile(limited, script, { mode: 0o755 });
      const { code, err } = await end(
        start(limited, ["--version"], { cwd, cache }),
      );
      assert(code !== 0);
      assertStringIncludes(err, "too little space there");
      assertEquals(err.trimEnd().split("\n").length, 1, err);
      const left = await Array.fromAsync(walk(cache, { includeDirs: false }));
      assertEquals(left, []);
    });

    await t.step(
      "one that was damaged says so and starts nothing",
      async () => {
        const damaged = join(cwd, "damaged");
        const bytes = await Deno.readFile(binary);
        const isScript = bytes[0] === "#".charCodeAt(0);
        if (!isScript) return;
        bytes[20_000_000]! ^= 1;
        await Deno.writeFile(damaged, bytes, { mode: 0o755 });
        const cache = join(cwd, "empty");
        const { code, out, err } = await end(
          start(damaged, ["--version"], { cwd, cache }),
        );
        assertEquals([code, out], [1, ""]);
        assertStringIncludes(err, "the file is damaged");
        assertEquals(err.trimEnd().split("\n").length, 1);
      },
    );
  },
});

Deno.test({
  name: "a program built the same way can do nothing but what hl-export needs",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    const { dir, binary } = await built("tests/build/probe.ts");
    await using _dir = dir;
    const cwd = dir.path;
    const probe = async (args: readonly string[], env = {}) => {
      const { code, out, err } = await end(start(binary, args, { cwd, env }));
      assertEquals([code, err], [0, ""]);
      return JSON.parse(out);
    };
    const { network: _, ...tried } = await probe(["127.0.0.1"]);
    assertEquals(tried, {
      ownVariable: "allowed",
      otherVariable: "NotCapable",
      allVariables: "NotCapable",
      process: "NotCapable",
      system: "NotCapable",
      library: "NotCapable",
      remoteCode: "TypeError",
      textAsCode: "EvalError",
    });
    // What unpacks itself knows the host when it starts, and allows no other.
    const head = await Deno.readFile(binary);
    if (head[0] !== "#".charCodeAt(0)) return;
    const api = { HUMANLOOP_API_URL: "http://127.0.0.1:9/v5" };
    assertEquals((await probe(["127.0.0.2"], api)).network, "NotCapable");
    assertEquals(
      (await probe(["127.0.0.1"], api)).network,
      "ConnectionRefused",
    );
    for (const flag of ["--remote", "--repair"]) {
      const { network } = await probe([
        "verify",
        "127.0.0.1",
        flag,
        "127.0.0.1",
      ]);
      assertEquals([flag, network], [flag, "ConnectionRefused"]);
    }
    assertEquals((await probe(["verify", "127.0.0.1"])).network, "NotCapable");
  },
});
