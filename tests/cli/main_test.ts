import {
  type Command,
  COMMANDS,
  optionName,
  optionsOf,
} from "../../src/cli/options/options.ts";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { run, start } from "../helpers/program.ts";
import { tempDir } from "../helpers/tree.ts";
import config from "../../deno.json" with { type: "json" };

const env = { HUMANLOOP_API_KEY: "hl_sk_x" };

const WRONG: ReadonlyArray<readonly [readonly string[], string]> = [
  [
    ["--type", "tool", "--type", "promt"],
    "--type must be prompt, tool, dataset, evaluator, flow or agent, not promt; did you mean prompt?",
  ],
  [["datasets", "x", "--to", "y", "--format", "jsnl"], "did you mean jsonl?"],
  [["--resum", "x"], "unknown option --resum; did you mean --resume?"],
  [["--directry=x"], "unknown option --directry; did you mean --directory?"],
  [["--xyzzy"], "unknown option --xyzzy; --help lists the options"],
  [["-x"], "unknown option -x"],
  [["exprot"], "there is no command exprot; did you mean export?"],
  [["export", "exports/20250606-120000"], "did you mean --resume?"],
  [["exports/20250606-120000"], "did you mean --resume?"],
  [["export", "20250606-120000"], "did you mean --resume?"],
  [["--resume"], "--resume needs a value"],
  [["--resume="], "--resume needs a value"],
  [["--output", "--logs"], "--output needs a value"],
  [["--concurrency", "0"], "a whole number from 1 to 100, not 0"],
  [["--concurrency", "1e1"], "a whole number from 1 to 100, not 1e1"],
  [["--concurrency=101"], "a whole number from 1 to 100, not 101"],
  [["--concurrency", "-5"], "unknown option -5"],
  [["--logs=yes"], "--logs takes no value"],
  [["--logs", "--no-logs"], "contradict each other"],
  [["--quiet", "--verbose"], "contradict each other"],
  [["--logs", "--logs"], "--logs is given twice"],
  [["--output", "a", "--output", "b"], "--output is given twice"],
  [["--resume", "a", "--output", "b"], "--output is for new exports"],
  [["--api-url", "api.humanloop.com"], "--api-url must be a web address"],
  [["--api-url", "ftp://x"], "--api-url must be a web address"],
  [["--api-url", "https://u:p@x"], "--api-url must be a web address"],
  [["--directory", "a/b"], "--directory must be an id"],
  [["--env-file", "/nowhere/.env"], "there is no file /nowhere/.env"],
  [["--resume", "/nowhere"], "there is no directory /nowhere"],
  [["demo", "--resume", "x"], "unknown option --resume"],
  [
    ["otlp", "exports"],
    "otlp needs --to FILE, where to write, --endpoint URL, or",
  ],
  [["demo", "--port", "80"], "--port goes with --serve"],
  [["demo", "--slow"], "--slow goes with --serve"],
  [["resume", "exports/1"], "did you mean --resume exports/1?"],
  [["resume"], "did you mean --resume DIR?"],
  [["latest"], "did you mean --resume?"],
  [["demo", "exports/20250606-120000"], "; --help lists the options"],
  [["--resume", "latest"], "there is no export in exports"],
  [["verify", "latest", "--output", "x"], "there is no export in x"],
  [["help", "exprot"], "did you mean export?"],
  [["verify"], "verify needs the directory of an export"],
  [["verify", "a", "b"], "there is no directory a"],
  [["prompts", "a"], "prompts needs --to OUT"],
  [["datasets", "a"], "datasets needs --to OUT"],
  [["completions", "csh"], "bash, zsh or fish, not csh"],
  [["--since", "30d"], "which are not exported; add --logs"],
  [["--logs", "--since", "2025-02-30"], "--since must be a date"],
  [["demo", "--serve", "--port", "65536"], "from 0 to 65535"],
];
for (const [args, words] of WRONG) {
  Deno.test(`hl-export ${args.join(" ")}: exit 2, one clear line, nothing written`, async () => {
    await using dir = await tempDir();
    const here = Deno.cwd();
    Deno.chdir(dir.path);
    try {
      const { code, out, err } = await run(args, { env });
      assertEquals([code, out], [2, ""]);
      assertStringIncludes(err, words);
      assert(/^error: [^\n]+[^.\n]\n$/.test(err), err);
      assertEquals(await Array.fromAsync(Deno.readDir(".")), []);
    } finally {
      Deno.chdir(here);
    }
  });
}

Deno.test("a directory that is not an export is exit 2 and stays as it is", async () => {
  await using dir = await tempDir();
  await Deno.writeTextFile(join(dir.path, "holiday.jpg"), "");
  const { code, err } = await run(["--resume", dir.path], { env });
  assertEquals(code, 2);
  assertStringIncludes(err, "is not an export");
  const names = await Array.fromAsync(Deno.readDir(dir.path));
  assertEquals(names.map(({ name }) => name), ["holiday.jpg"]);
});

Deno.test("an export.json that cannot be read is not ignored", async () => {
  await using dir = await tempDir();
  await Deno.writeTextFile(join(dir.path, "export.json"), '{"settings":');
  const { code, err } = await run(["--resume", dir.path], { env });
  assertEquals(code, 2);
  assertStringIncludes(err, "export.json is damaged or not from hl-export");
});

Deno.test("without a key and without a terminal: exit 2 and where to get one", async () => {
  const { code, err } = await run([], { env: { HUMANLOOP_API_KEY: "  " } });
  assertEquals(code, 2);
  assertStringIncludes(err, "no API key: set HUMANLOOP_API_KEY");
  assertStringIncludes(err, "https://app.humanloop.com/account/api-keys");
});

for (const command of Object.keys(COMMANDS) as Command[]) {
  Deno.test(`${command} --help fits a screen, names every option and shows an example`, async () => {
    const { code, out } = await run([command, "--help"]);
    assertEquals(code, 0);
    for (const key of optionsOf(command)) {
      assertStringIncludes(out, `--${optionName(key)}`);
    }
    assertEquals((await run(["help", command])).out, out);
    assertStringIncludes(
      out,
      `\nExample:  hl-export ${command === "export" ? "--logs" : command}`,
    );
    const lines = out.split("\n");
    // That of otlp has more pages: where fields go, what is sent, what a collector needs.
    const most = command === "otlp" ? 115 : 41;
    assert(lines.length <= most, `${lines.length} lines`);
    for (const line of lines) assert(line.length <= 80, line);
  });
}

Deno.test("the help of --patience says that a 429 is waited for longer than a short one", async () => {
  for (const command of ["export", "otlp"]) {
    const { out } = await run(["help", command]);
    assertStringIncludes(
      out.replaceAll(/\s+/g, " "),
      "--patience TIME how long to wait for a server that is down (default: 15m), and at least 30s for one that asks to slow down (429)",
    );
  }
});

Deno.test("--help fits a screen and names every command, variable and exit code", async () => {
  const { code, out, err } = await run(["--help"]);
  assertEquals([code, err], [0, ""]);
  const lines = out.trimEnd().split("\n");
  assert(lines.length <= 40, `${lines.length} lines`);
  for (const line of lines) assert(line.length <= 80, line);
  for (
    const word of [
      "--resume DIR",
      "--output DIR",
      "--logs",
      "--json",
      "--quiet",
      "--verbose",
      "--no-color",
      "--version",
      "-V",
      ...Object.values(COMMANDS).map(({ usage }) => `hl-export ${usage}`),
      "hl-export help COMMAND",
      "HUMANLOOP_API_KEY",
      "HUMANLOOP_DIRECTORY_ID",
      "EXPORT_LOGS",
      "HUMANLOOP_API_URL",
      "130 interrupted",
    ]
  ) assertStringIncludes(out, word);
  // What each is stands in one column, behind a space.
  for (const { usage, summary } of Object.values(COMMANDS)) {
    const line = `  hl-export ${usage}`.padEnd(36) + summary;
    assertEquals([lines.includes(line), usage.length <= 23], [true, true]);
  }
});

Deno.test("--version prints the version of deno.json, and -V too", async () => {
  const { code, out } = await start(["--version"]).ended;
  assertEquals((await run(["-V"])).out, out);
  const { deno } = Deno.version;
  const build = `source, Deno ${deno}, ${Deno.build.target}`;
  assertEquals([code, out], [0, `hl-export ${config.version} (${build})\n`]);
});

Deno.test("the demo exports the sample and says what to look at", async () => {
  await using dir = await tempDir();
  const { code, out } = await run(["demo", "--output", dir.path]);
  assertEquals(code, 0);
  assertStringIncludes(out, "Export complete: ");
  const paths = [...out.matchAll(/^ {2}(\/\S+) {2}/gm)].map(([, path]) =>
    path!
  );
  assertEquals(paths.length, 5);
  for (const path of paths) await Deno.stat(path);
});

Deno.test("the demo's port may be taken", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const port = String((listener.addr as Deno.NetAddr).port);
  const { code, err } = await run(["demo", "--serve", "--port", port]);
  assertEquals(code, 2);
  assertStringIncludes(err, `port ${port} is taken`);
});
