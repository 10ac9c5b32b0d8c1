/** Damages of every kind, by a seed, to a complete export: every one is reported. */
import { assert, assertEquals } from "@std/assert";
import { sampleWorkspace } from "../../src/demo/sample/sample.ts";
import { verifyExports } from "../../src/verify/verify.ts";
import { MemoryDisk } from "../helpers/memory_disk.ts";
import {
  EXPORT_ARGS,
  MEMORY_EXPORT,
  runInMemory,
} from "../helpers/memory_run.ts";
import { Dice } from "../simulate/dice.ts";

const SEEDS = 400;
const A_TEST = 100;

/** Makes a small export with every kind of part. */
async function soundExport(): Promise<MemoryDisk> {
  const { directories, files } = sampleWorkspace();
  const small = files.filter(({ type }, i) => i < 2 || type === "dataset")
    .map((file) => ({
      ...file,
      logs: Array.from(
        { length: 1_020 },
        (_, i) => `{"id":"log_${i}","n":1.0}`,
      ),
      bareLogs: Array.from({ length: 1_020 }, (_, i) => `{"id":"log_${i}"}`),
      datapoints: new Map(
        [...file.datapoints.keys()].map((id, n) => [
          id,
          Array.from({ length: 1_001 + n }, (_, i) => `{"id":"dp_${i}"}`),
        ]),
      ),
    }));
  const disk = new MemoryDisk();
  const workspace = { directories, files: small };
  const { code } = await runInMemory(EXPORT_ARGS, { disk, workspace });
  assertEquals(code, 0);
  return disk;
}

/** Changes something; says what, or nothing where that would change nothing. */
type Damage = (
  dice: Dice,
  disk: MemoryDisk,
  names: readonly string[],
) => string;

const at = (name: string) => `${MEMORY_EXPORT}/${name}`;

const DAMAGES: readonly Damage[] = [
  (dice, disk, names) => {
    const name = dice.oneOf(names);
    const bytes = disk.get(at(name));
    const offset = dice.below(bytes.length);
    const bit = dice.below(8);
    bytes[offset]! ^= 1 << bit;
    return `bit ${bit} of byte ${offset} of ${name} is flipped`;
  },
  (dice, disk, names) => {
    const name = dice.oneOf(names);
    const lines = new TextDecoder().decode(disk.get(at(name))).split("\n");
    const line = dice.below(Math.max(1, lines.length - 1));
    disk.put(at(name), lines.toSpliced(line, 1).join("\n"));
    return `line ${line + 1} of ${name} is cut`;
  },
  (dice, disk, names) => {
    const name = dice.oneOf(names);
    const bytes = disk.get(at(name));
    const kept = dice.below(bytes.length);
    disk.put(at(name), bytes.slice(0, kept));
    return `${name} is cut off behind ${kept} bytes`;
  },
  (dice, disk, names) => {
    const name = dice.oneOf(names);
    disk.put(at(name), null);
    return `${name} is removed`;
  },
  (dice, disk, names) => {
    const dir = dice.oneOf(names).replace(/[^/]+$/, "");
    const name = dir + dice.oneOf(["x", "9.jsonl", "vsn_x", "file.json.part"]);
    disk.put(at(name), dice.oneOf(["", "{}", '{"id":"log_1"}\n']));
    return `${name} is added`;
  },
  (dice, disk, names) => {
    const [a, b] = [dice.oneOf(names), dice.oneOf(names)];
    const [left, right] = [disk.get(at(a)), disk.get(at(b))];
    const same = left.length === right.length &&
      left.every((byte, i) => byte === right[i]);
    if (same) return "";
    disk.put(at(a), right);
    disk.put(at(b), left);
    return `${a} and ${b} are swapped`;
  },
  (dice, disk, names) => {
    const name = dice.oneOf(names);
    const copy = name.replace(/[^/]+$/, `copy_of_${dice.below(99)}.jsonl`);
    disk.put(at(copy), disk.get(at(name)).slice());
    return `${name} is duplicated as ${copy}`;
  },
  (dice, disk) => {
    const manifest = JSON.parse(
      new TextDecoder().decode(disk.get(at("export.json"))),
    );
    const edits: readonly ((value: typeof manifest) => void)[] = [
      (value) => void (value.state = "incomplete"),
      (value) => void (value.settings.cutoff = "2020-01-01T00:00:00.000Z"),
      (value) => void (value.gaps = [{ fileId: null, part: "x", reason: "y" }]),
      (value) => void delete value.files[Object.keys(value.files)[0]!],
      (value) => {
        const entry: { counts: Record<string, number> } = Object
          .values<never>(value.files)[0]!;
        entry.counts["logs"] = 1;
      },
      (value) => void (value.files["pr_new"] = { state: "complete" }),
    ];
    dice.oneOf(edits)(manifest);
    disk.put(at("export.json"), JSON.stringify(manifest) + "\n");
    return "export.json is edited";
  },
];

const sound = soundExport();

Deno.test("an export that was not changed is sound", async () => {
  const { problems, files, bytes } = await verifyExports({
    disk: (await sound).copy(),
    dirs: [MEMORY_EXPORT],
  });
  assertEquals(problems, []);
  assert(files.length > 2 && bytes > 100_000);
});

for (let from = 1; from <= SEEDS; from += A_TEST) {
  Deno.test(`damages ${from} to ${from + A_TEST - 1} are all reported`, async () => {
    for (let seed = from; seed < from + A_TEST; seed++) {
      const disk = (await sound).copy();
      // Pages are made from the rest, and no sum covers them.
      const names = [...disk.files(MEMORY_EXPORT).keys()]
        .filter((name) => !name.endsWith("index.html")).sort();
      const dice = new Dice(seed);
      const damage = DAMAGES[seed % DAMAGES.length]!(dice, disk, names);
      if (damage === "") continue;
      const { problems } = await verifyExports({ disk, dirs: [MEMORY_EXPORT] });
      assert(
        problems.length > 0,
        `seed ${seed}: ${damage}, and verify reports nothing`,
      );
    }
  });
}
