import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import {
  type Command,
  COMMANDS,
  optionName,
  optionsOf,
} from "../../src/cli/options/options.ts";
import { run } from "../helpers/program.ts";
import { tempDir } from "../helpers/tree.ts";
import { join } from "@std/path";

/** Asks bash for the completions of a command line whose last word is open. */
async function complete(words: readonly string[]): Promise<readonly string[]> {
  await using dir = await tempDir();
  const { out } = await run(["completions", "bash"]);
  const script = join(dir.path, "completions.bash");
  await Deno.writeTextFile(script, out);
  await Deno.mkdir(join(dir.path, "exports"));
  const lines = [
    "bash -c '",
    "set -u",
    `source ${script}`,
    "complete -p hl-export >/dev/null",
    `COMP_WORDS=(hl-export ${words.map((word) => `"${word}"`).join(" ")})`,
    `COMP_CWORD=${words.length}`,
    "_hl_export",
    'printf "%s\\n" "${COMPREPLY[@]-}"',
    "'",
  ];
  const { code, stdout, stderr } = await new Deno.Command("sh", {
    args: ["-c", lines.join("\n")],
    cwd: dir.path,
  }).output();
  const decoder = new TextDecoder();
  assertEquals([code, decoder.decode(stderr)], [0, ""]);
  return decoder.decode(stdout).split("\n").filter((line) => line !== "");
}

const hasBash = Deno.build.os !== "windows" &&
  new Deno.Command("sh", { args: ["-c", "command -v bash"], stdout: "null" })
    .outputSync().success;

Deno.test({
  name:
    "bash loads the completions, and completes commands, options and values",
  ignore: !hasBash,
  fn: async () => {
    assertEquals(await complete(["pl"]), ["plan"]);
    assertEquals(await complete([""]), [...Object.keys(COMMANDS), "help"]);
    assertEquals(await complete(["--resu"]), ["--resume"]);
    assertEquals(await complete(["verify", "--rem"]), ["--remote"]);
    assertEquals(await complete(["verify", "--logs"]), []);
    assertEquals(await complete(["verify", "exp"]), ["exports"]);
    assertEquals(await complete(["--type", "da"]), ["dataset"]);
    assertEquals(await complete(["plan", "--type", "t"]), ["tool"]);
    assertEquals(await complete(["datasets", "--format", "c"]), ["csv"]);
    assertEquals(await complete(["--resume", "e"]), ["exports"]);
    assertEquals(await complete(["--since", "2"]), []);
    assertEquals(await complete(["help", "ver"]), ["verify"]);
    assertEquals(await complete(["completions", ""]), ["bash", "zsh", "fish"]);
  },
});

for (const shell of ["bash", "zsh", "fish"]) {
  Deno.test(`the completions of ${shell} name every command and every option`, async () => {
    const { code, out, err } = await run(["completions", shell]);
    assertEquals([code, err], [0, ""]);
    for (const command of Object.keys(COMMANDS) as Command[]) {
      assertStringIncludes(out, command);
      for (const key of optionsOf(command)) {
        const name = optionName(key);
        assert(out.includes(`--${name}`) || out.includes(`-l ${name}`), name);
      }
    }
    assertEquals(out.startsWith("#compdef hl-export\n"), shell === "zsh");
  });
}
