import { assertEquals, assertStringIncludes } from "@std/assert";
import { sampleWorkspace } from "../../src/demo/sample/sample.ts";
import { deployedNames } from "../../src/prompts/deployed.ts";
import { MemoryDisk } from "../helpers/memory_disk.ts";
import {
  EXPORT_ARGS,
  MEMORY_EXPORT,
  runInMemory,
} from "../helpers/memory_run.ts";

const { directories, files } = sampleWorkspace();
const [classifier] = files;
const workspace = { directories, files: [classifier!] };
const [first = "", second = "", third = ""] = classifier!.versions
  .map(({ id }) => id);
const folder = `${MEMORY_EXPORT}/files/${classifier!.id}`;
const path = "Support/Triage/Ticket Classifier";

/** Writes what is deployed of an export of one Prompt. */
async function writeDeployed(deployments: unknown) {
  const disk = new MemoryDisk();
  const options = { disk, workspace };
  await runInMemory(EXPORT_ARGS, options);
  const file = `${folder}/deployments.json`;
  if (deployments === null) await disk.remove(file);
  else disk.put(file, JSON.stringify(deployments));
  const args = ["prompts", MEMORY_EXPORT, "--to", "/out", "--deployed"];
  const { code, err } = await runInMemory(args, options);
  const texts = disk.files("/out");
  const versions: Record<
    string,
    { version_id: string; environments: readonly string[] }
  > = JSON.parse(texts.get("%versions.json")!);
  texts.delete("%versions.json");
  assertEquals([...texts.keys()].sort(), Object.keys(versions).sort());
  const of = Object.entries(versions).map((
    [name, { version_id, environments }],
  ) => [name, version_id, environments]);
  return { code, err, of };
}

function deployment(version_id: unknown, name: string, tag = "other") {
  return {
    ...{ version_id, environment_id: `env_${name}`, environment_name: name },
    environment_tag: tag,
  };
}

Deno.test("--deployed writes a file for each Version that is deployed, by its environment", async () => {
  const { code, err, of } = await writeDeployed([
    deployment(first, "staging: 1"),
    deployment(second, "production", "default"),
    deployment(third, "qa"),
    deployment(third, "beta"),
    deployment(second, "eu"),
  ]);
  assertEquals([code, err], [0, ""]);
  assertEquals(of, [
    [`${path}@staging%3A 1.prompt`, first, ["staging: 1"]],
    [`${path}.prompt`, second, ["production", "eu"]],
    [`${path}@beta.prompt`, third, ["qa", "beta"]],
  ]);
});

Deno.test("--deployed leaves out Versions that are not deployed, and reports where that is not known", async () => {
  const nowhere = await writeDeployed([]);
  assertEquals(nowhere, { code: 0, err: "", of: [] });
  const unknown = await writeDeployed(null);
  assertEquals([unknown.code, unknown.of], [3, []]);
  assertStringIncludes(unknown.err, "deployments.json is missing");
  const gone = await writeDeployed([deployment("prv_gone", "qa")]);
  assertEquals([gone.code, gone.of], [3, []]);
  assertStringIncludes(gone.err, "versions/prv_gone");
});

Deno.test("without a default environment the only Version, or the File's own, has the plain name", () => {
  const at = (versionId: string, environment: string) => ({
    ...{ versionId, environment, isDefault: false },
  });
  const names = (
    deployments: Parameters<typeof deployedNames>[0],
    own: string | null,
  ) => [...deployedNames(deployments, own)];
  assertEquals(names([at("a", "qa"), at("a", "eu")], "b"), [["a", ""]]);
  assertEquals(names([at("a", "qa"), at("b", "QA")], "b"), [
    ["a", "@qa"],
    ["b", ""],
  ]);
  assertEquals(names([at("a", "qa"), at("b", "QA")], null), [
    ["a", "@qa"],
    ["b", "@%51%41"],
  ]);
});

Deno.test("what a file cannot hold is reported, and the Version as the API sent it is beside it", async () => {
  const disk = new MemoryDisk();
  const options = { disk, workspace };
  await runInMemory(EXPORT_ARGS, options);
  const url = "data:image/png;base64,AAAA";
  const json = `{"version_id": "${second}", "n": 1.0, "template": [{"role":
    "user", "content": [{"type": "image_url", "image_url": {"url": "${url}"}}]}]}`;
  disk.put(`${folder}/versions/${second}`, json);
  const args = ["prompts", MEMORY_EXPORT, "--to", "/out", "--json"];
  const { code, out, err } = await runInMemory(args, options);
  const file = `${path}@${second}.prompt`;
  const beside = `${path}@${second}.json`;
  const reasons = [
    'the field "n"',
    "message 1: part 1: an image without an https address, which is left out",
  ];
  assertEquals(code, 0);
  assertEquals(JSON.parse(out).inexact, [{ file, reasons, json: beside }]);
  assertStringIncludes(err, `${file} does not say the field`);
  assertStringIncludes(err, `all of it is in ${beside}`);
  const written = disk.files("/out");
  assertEquals(written.get(beside), json);
  assertEquals(written.get(file), "---\n---\n<user>\n</user>\n");
});
