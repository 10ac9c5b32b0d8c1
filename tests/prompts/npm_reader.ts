/**
 * Reads texts with packages of npm, in a process of its own: they are no part of the
 * program. Arguments: the packages of YAML and of PromptL. Takes and gives JSON.
 */
interface Yaml {
  parse(text: string, options: object): unknown;
}
interface PromptL {
  render(options: object): Promise<{ messages: unknown; config: unknown }>;
}
/** What is asked for. */
export interface Questions {
  readonly yaml: ReadonlyArray<
    { readonly text: string; readonly version: "1.1" | "1.2" }
  >;
  readonly promptl: ReadonlyArray<
    { readonly prompt: string; readonly parameters: object }
  >;
}

const [yaml = "", promptl = ""] = Deno.args;
const { parse }: Yaml = await import(yaml);
const { render }: PromptL = await import(promptl);
const questions: Questions = await new Response(Deno.stdin.readable).json();
const answers = {
  yaml: questions.yaml.map(({ text, version }) =>
    parse(text, {
      ...{ version, strict: true, logLevel: "error", intAsBigInt: true },
    })
  ),
  promptl: await Promise.all(questions.promptl.map(render)),
};
const text = JSON.stringify(
  answers,
  (_, value) => typeof value === "bigint" ? { integer: `${value}` } : value,
);
await Deno.stdout.write(new TextEncoder().encode(text));
