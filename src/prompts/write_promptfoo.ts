/**
 * Writes a configuration of promptfoo for each Prompt that is deployed, with
 * its Versions side by side and the tests that were made from Datasets.
 * promptfoo runs every test of a configuration with every provider: so each
 * Prompt has its own.
 */
import { join } from "@std/path";
import { isEmpty, isObject } from "../core/text/json.ts";
import { writeJson } from "../tree/json_file.ts";
import { outputWriter } from "../tree/write/output.ts";
import {
  aboutVersion,
  openPrompts,
  type PromptVersion,
  promptVersions,
} from "./prompt_files.ts";
import { promptfooPrompt } from "./promptfoo_prompt.ts";
import { promptfooProvider } from "./promptfoo_provider.ts";
import { BROKEN } from "./prompt_text.ts";
import type { Note } from "./template_text.ts";
import type { FindTests } from "./test_files.ts";
import {
  type InexactFile,
  type PromptOptions,
  VERSIONS,
  type WrittenPrompts,
} from "./write_prompts.ts";
import { blockText } from "./yaml.ts";

/** Characters that promptfoo takes for a pattern of file names. */
const PATTERN = /[[\](){}!+]/g;

/** Where prompts and configurations are, below the chosen directory. */
const PROMPTS = "prompts/";
/** The tests that were made from Datasets. */
export const TESTS = "datasets/";
/** The endings of files, which no Directory's name gets. */
const ENDINGS = ["j2", "json", "yaml"];

/** What was written. */
export interface WrittenPromptfoo extends WrittenPrompts {
  readonly configurations: readonly Configuration[];
  /** What promptfoo cannot run, or has no tests for, in words. */
  readonly notes: readonly string[];
}

/** A configuration; paths are below the chosen directory, with `/` between names. */
export interface Configuration {
  readonly file: string;
  readonly prompts: readonly string[];
  readonly tests: readonly string[];
}

type Versions = readonly [PromptVersion, ...PromptVersion[]];

/**
 * Writes the configurations.
 *
 * @param findTests Finds the tests, which are in {@linkcode TESTS}.
 * @throws {UsageError} When there is no export, or the target is inside one.
 * @throws {StorageError} When a file cannot be written.
 */
export async function writePromptfoo(
  options: Pick<PromptOptions, "disk" | "dirs" | "to">,
  findTests: FindTests,
): Promise<WrittenPromptfoo> {
  const { disk, to } = options;
  const { files, unread, onProblem } = await openPrompts(options);
  const write = outputWriter(disk, to);
  const inexact: InexactFile[] = [];
  const configurations: Configuration[] = [];
  const about: Record<string, object> = {};
  const prompts = files.filter(({ ending }) => ending === "prompt");
  const left = new Set(prompts);
  const notes = files.filter((file) => !left.has(file)).map(({ path }) =>
    `${path.join("/")} is left out: it is an Agent, which promptfoo cannot run`
  );
  const read = { onlyDeployed: true, endings: ENDINGS, onProblem };
  const all = promptVersions(disk, prompts, read);
  for await (const versions of byFile(all)) {
    const [{ of }] = versions;
    const name = of.path.join("/");
    left.delete(of);
    const tests = findTests(of.id, inputsOf(versions))
      .map((test) => `${TESTS}${test.file}`);
    if (tests.length === 0) {
      notes.push(
        `${name} has no tests: no Dataset was evaluated with it or has its inputs`,
      );
    }
    const made = versions.map(promptOf);
    for (const { file, text, reasons, version } of made) {
      await write(file, text);
      about[file] = aboutVersion(version);
      if (reasons.length === 0) continue;
      const json = `${PROMPTS}${version.idStem}.json`;
      await write(json, version.json);
      inexact.push({ file, reasons, json });
    }
    const path = `${PROMPTS}${plainStem(versions)}.promptfooconfig.yaml`;
    await write(path, configurationText(path, { name, made, tests }));
    configurations.push({
      ...{ file: path, prompts: made.map(({ file }) => file), tests },
    });
  }
  for (const { path } of left) {
    notes.push(`${path.join("/")} is left out: it is not deployed`);
  }
  await writeJson(disk, join(to, VERSIONS), about);
  const versions = Object.keys(about).length;
  return {
    ...{ files: configurations.length, versions, unread, inexact },
    ...{ configurations, notes },
  };
}

/** Makes the prompt of a Version, and the provider that it runs with. */
function promptOf(version: PromptVersion) {
  const { id, fields, stem, of, environments } = version;
  const { text, inexact } = promptfooPrompt(fields, id);
  const reasons = [...inexact];
  const note: Note = (reason) => void reasons.push(reason);
  if (!text.isWellFormed()) note(BROKEN);
  const provider = promptfooProvider(fields, note);
  const file = `${PROMPTS}${withoutPattern(stem)}.j2`;
  const label = `${of.path.join("/")} (${environments.join(", ")})`;
  return { version, file, label, text, provider, reasons };
}

/**
 * Writes a configuration; its paths are relative to itself, beside its prompts.
 */
function configurationText(
  path: string,
  { name, made, tests }: {
    readonly name: string;
    readonly made: ReadonlyArray<ReturnType<typeof promptOf>>;
    readonly tests: readonly string[];
  },
): string {
  const up = "../".repeat(path.split("/").length - 1);
  const config = {
    description: name,
    prompts: made.map(({ file, label }) => ({
      id: `file://${file.slice(file.lastIndexOf("/") + 1)}`,
      label,
    })),
    providers: made.map(({ label, provider: { id, config } }) => ({
      ...{ id, label, prompts: [label] },
      ...!isEmpty(config) && { config },
    })),
    // In a pattern, `?` stands for any character.
    ...!isEmpty(tests) && {
      tests: tests.map((test) => `file://${up}${test.replace(PATTERN, "?")}`),
    },
  };
  return `${blockText(config)}\n`;
}

/** Groups Versions by File. */
async function* byFile(
  versions: AsyncIterable<PromptVersion>,
): AsyncGenerator<Versions, void> {
  let group: [PromptVersion, ...PromptVersion[]] | null = null;
  for await (const version of versions) {
    if (group?.[0].of === version.of) group.push(version);
    else {
      if (group !== null) yield group;
      group = [version];
    }
  }
  if (group !== null) yield group;
}

/** Returns the path of a Prompt, without a Version. */
function plainStem([{ idStem, id }]: Versions): string {
  return withoutPattern(idStem.slice(0, -`@${id}`.length));
}

function withoutPattern(stem: string): string {
  return stem.replace(
    PATTERN,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** Lists the variables of Versions. */
function inputsOf(versions: readonly PromptVersion[]): readonly string[] {
  const names = versions.flatMap(({ fields: { inputs } }) =>
    (Array.isArray(inputs) ? inputs : []).filter(isObject)
      .map(({ name }) => name).filter((name) => typeof name === "string")
  );
  return [...new Set(names)];
}
