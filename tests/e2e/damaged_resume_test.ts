/**
 * Damages between runs that sums alone do not show, or that come together with
 * damaged sums: a resume that ends with exit 0 has mended them.
 */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { createHash } from "node:crypto";
import { CLASSIFIER, sampleWorkspace } from "../../src/demo/sample/sample.ts";
import { datedLogs, MemoryExport, withLogs } from "../helpers/memory_export.ts";
import { holdsLogs } from "../helpers/poison.ts";
import { expectedTree } from "../helpers/tree.ts";

const BIG = CLASSIFIER.id;
const FILE = `files/${BIG}`;
const LOGS = `${FILE}/logs`;
const API = ["--api-url", "http://127.0.0.1/v5"];

const { directories, files } = sampleWorkspace();
const [first] = files;
const dataset = files.find(({ type }) => type === "dataset")!;
const [one, other] = dataset.versions;
const datapoints = (length: number) =>
  Array.from({ length }, (_, i) => `{"id":"dp_${i}"}`);
const workspace = {
  directories,
  files: [
    {
      ...withLogs(first!, datedLogs(2_500)),
      evaluations: first!.evaluations.slice(0, 1),
    },
    {
      ...dataset,
      versions: [one!, other!],
      datapoints: new Map([
        [one!.id, datapoints(1_001)],
        [other!.id, datapoints(1_001)],
      ]),
    },
  ],
};
const whole = expectedTree(workspace, { logs: true });

/** Makes an export; of one that is unfinished, one Log could not be served. */
async function made({ isFinished }: { isFinished: boolean }) {
  const made = new MemoryExport(workspace);
  const { code } = await made.begin({
    before: (url) =>
      !isFinished && holdsLogs(url, BIG, [2_400])
        ? new Response("", { status: 500 })
        : undefined,
  });
  assertEquals(code, isFinished ? 0 : 3);
  return made;
}

/** Checks that a resume ends with all that the source has, and with sums of it. */
async function assertMended(made: MemoryExport): Promise<void> {
  const { code, out, err } = await made.resume();
  assertEquals(code, 0, out + err);
  const { tree } = made;
  const paths = [...new Set([...tree.keys(), ...whole.keys()])];
  const differing = paths.filter((path) => tree.get(path) !== whole.get(path));
  assertEquals(differing, []);
  const sums = made.text("SHA256SUMS")!;
  const wrong = sums.split("\n").filter((line) => /^[0-9a-f]/.test(line))
    .filter((line) => sumOf(made.text(line.slice(66))) !== line.slice(0, 64));
  assertEquals(wrong, []);
  const verified = await made.command("verify");
  assertEquals(verified.code, 0, verified.out);
}

function sumOf(text = ""): string {
  return createHash("sha256").update(text).digest("hex");
}

/** Makes the sums as a person does, of everything that is there. */
function sumByHand(made: MemoryExport, line = "  "): void {
  const lines = [...made.disk.files(made.root)].map(([path, text]) =>
    `${sumOf(text)}${line}${path}\n`
  );
  made.put("SHA256SUMS", lines.join(""));
}

/** Swaps line 6 of two files. */
function swapLines(made: MemoryExport, left: string, right: string): void {
  const [a, b] = [left, right].map((path) => made.text(path)!.split("\n"));
  [a![5], b![5]] = [b![5]!, a![5]!];
  made.put(left, a!.join("\n"));
  made.put(right, b!.join("\n"));
}

const UNFINISHED: Readonly<Record<string, (made: MemoryExport) => void>> = {
  "a chunk that is a copy of another": (made) =>
    made.put(`${LOGS}/1.jsonl`, made.text(`${LOGS}/2.jsonl`)!),
  "lines swapped between two chunks": (made) =>
    swapLines(made, `${LOGS}/1.jsonl`, `${LOGS}/2.jsonl`),
  "a value edited in place": (made) => {
    const text = made.text(`${LOGS}/1.jsonl`)!;
    made.put(`${LOGS}/1.jsonl`, text.replace("2025-", "2024-"));
  },
  "a chunk that is a copy of another, and no sums": (made) => {
    made.put(`${LOGS}/1.jsonl`, made.text(`${LOGS}/2.jsonl`)!);
    made.put("SHA256SUMS", null);
  },
  "a checkpoint that calls a part of the list all of it": (made) => {
    const state = made.text(`${FILE}/.state.json`)!;
    const lists = { logs: { total: 1_000, finished: true, gaps: [] } };
    assertStringIncludes(state, `"total":2500,"finished":true`);
    made.put(`${FILE}/.state.json`, JSON.stringify({ lists }));
  },
  "sums by hand, of its checkpoints and of themselves too": (made) =>
    sumByHand(made),
  "no export.json": (made) => made.put("export.json", null),
};
for (const [name, damage] of Object.entries(UNFINISHED)) {
  Deno.test(`an unfinished export with ${name} is whole after a resume`, async () => {
    const unfinished = await made({ isFinished: false });
    damage(unfinished);
    await assertMended(unfinished);
  });
}

const CHUNKS: Readonly<Record<string, string>> = {
  Logs: `${LOGS}/3.jsonl`,
  Datapoints: `files/${dataset.id}/datapoints/${one!.id}/2.jsonl`,
  stats: `${FILE}/evaluations/${first!.evaluations[0]!.id}/stats.json`,
  Deployments: `${FILE}/deployments.json`,
};
for (const [name, path] of Object.entries(CHUNKS)) {
  Deno.test(`a complete export that lost some ${name}, with sums made by hand, is whole after a resume`, async () => {
    const finished = await made({ isFinished: true });
    finished.put(path, null);
    sumByHand(finished);
    await assertMended(finished);
  });
}

for (const path of [CHUNKS["Logs"]!, CHUNKS["stats"]!]) {
  Deno.test(`a complete export that lost ${path} and its sum is whole after a resume`, async () => {
    const finished = await made({ isFinished: true });
    finished.put(path, null);
    const sums = finished.text("SHA256SUMS")!.split("\n");
    const kept = sums.filter((line) => !line.endsWith(`  ${path}`));
    assertEquals(kept.length, sums.length - 2);
    finished.put("SHA256SUMS", kept.join("\n"));
    await assertMended(finished);
  });
}

for (
  const [name, change] of Object.entries({
    "as find names files": (made: MemoryExport) => sumByHand(made, "  ./"),
    "in binary mode": (made: MemoryExport) => sumByHand(made, " *"),
    "with other line ends": (made: MemoryExport) => {
      const sums = made.text("SHA256SUMS")!;
      made.put("SHA256SUMS", sums.replaceAll("\n", "\r\n"));
    },
  })
) {
  Deno.test(`sums made by hand ${name} are understood: nothing is missing`, async () => {
    const finished = await made({ isFinished: true });
    change(finished);
    await assertMended(finished);
  });
}

Deno.test("sums that end within a line are made again: nothing is missing for ever", async () => {
  const finished = await made({ isFinished: true });
  finished.put("SHA256SUMS", finished.text("SHA256SUMS")!.slice(0, -8));
  await assertMended(finished);
});

for (const name of [".DS_Store", `${FILE}/.DS_Store`, `${LOGS}/.DS_Store`]) {
  Deno.test(`${name}, which another program left, gets no sum and may go`, async () => {
    const finished = await made({ isFinished: true });
    finished.put(name, "of Finder");
    assertEquals((await finished.resume()).code, 0);
    assertEquals(finished.text("SHA256SUMS")!.includes(".DS_Store"), false);
    assertEquals((await finished.command("verify")).code, 4);
    finished.put(name, null);
    await assertMended(finished);
  });
}

Deno.test("sums with other line ends are reported: sha256sum does not understand them", async () => {
  const finished = await made({ isFinished: true });
  const sums = finished.text("SHA256SUMS")!;
  finished.put("SHA256SUMS", sums.replaceAll("\n", "\r\n"));
  const { code, out } = await finished.command("verify");
  assertEquals(code, 4);
  assertStringIncludes(out, "SHA256SUMS: has other line endings than were ");
});

Deno.test("a complete export without export.json is resumed with the Logs that it has", async () => {
  const finished = await made({ isFinished: true });
  finished.put("export.json", null);
  const refused = await finished.resume({}, ["--no-logs"]);
  assertEquals(refused.code, 2, refused.err);
  await assertMended(finished);
});

Deno.test("a complete File that no run listed is taken into export.json, and verify is content", async () => {
  const finished = await made({ isFinished: true });
  finished.put("export.json", null);
  finished.workspace = { ...workspace, files: workspace.files.slice(1) };
  await assertMended(finished);
  const { files } = JSON.parse(finished.text("export.json")!);
  const { logs } = JSON.parse(finished.text(`${FILE}/.done`)!).counts;
  assertEquals(
    [files[BIG].path, files[BIG].state, files[BIG].counts.logs],
    [CLASSIFIER.path, "complete", logs],
  );
});

Deno.test("Logs that the API did not give while they were repaired are fetched once it gives them", async () => {
  const finished = await made({ isFinished: true });
  const [two, three] = [2, 3].map((n) => finished.text(`${LOGS}/${n}.jsonl`)!);
  finished.put(`${LOGS}/2.jsonl`, three!);
  finished.put(`${LOGS}/3.jsonl`, two!);
  const [file, ...others] = workspace.files;
  const fewer = { ...file!, ...withLogs(file!, datedLogs(1_500)) };
  const { code, out } = await finished.command("verify", [
    "--repair",
    ...API,
  ], { workspace: { directories, files: [fewer, ...others] } });
  assertEquals(code, 3);
  assertStringIncludes(out, "logs/3.jsonl: it is in SHA256SUMS and missing");
  finished.remove("damaged/1");
  finished.put("damaged", null);
  await assertMended(finished);
});

Deno.test("an Evaluation that the API did not list for one run is gone on with: nothing stays set aside", async () => {
  const unfinished = await made({ isFinished: false });
  const [file, ...others] = workspace.files;
  const without = { ...file!, evaluations: [] };
  const { code, err } = await unfinished.resume({
    workspace: { directories, files: [without, ...others] },
  });
  assertEquals(code, 3);
  assertStringIncludes(err, "the API no longer lists it; it is kept as evr_");
  await assertMended(unfinished);
});

for (const name of ["runs", "logs"]) {
  Deno.test(`a disk that is full where ${name}/ is to be made: exit 1, and what to do`, async () => {
    const made = new MemoryExport(workspace);
    const error = Object.assign(new Error("full"), { code: "ENOSPC" });
    const { code, err } = await made.begin({
      through: (disk) =>
        new Proxy(disk, {
          get: (target, method) => {
            const work = Reflect.get(target, method).bind(target);
            if (method !== "ensureDir") return work;
            return (path: string) =>
              path.endsWith(`/${name}`) ? Promise.reject(error) : work(path);
          },
        }),
    });
    assertEquals(code, 1);
    assertStringIncludes(err, `/${name}: no space is left on the device; free`);
  });
}

Deno.test("a repair of several damages at once comes to its end", async () => {
  const finished = await made({ isFinished: true });
  swapLines(finished, `${LOGS}/1.jsonl`, `${LOGS}/2.jsonl`);
  finished.put(CHUNKS["Datapoints"]!, null);
  finished.put(`${FILE}/.done`, finished.text(`files/${dataset.id}/.done`)!);
  const { code, out, err } = await finished.command("verify", [
    "--repair",
    ...API,
  ]);
  assertEquals(code, 0, out + err);
  finished.remove("damaged/1");
  finished.put("damaged", null);
  await assertMended(finished);
});
