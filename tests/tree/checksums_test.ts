import { assertEquals } from "@std/assert";
import { writeFile } from "../../src/tree/write/atomic_file.ts";
import { SumJournal } from "../../src/tree/checksums.ts";
import { MemoryDisk } from "../helpers/memory_disk.ts";

/** Counts how often each directory is listed. */
class ListedDisk extends MemoryDisk {
  readonly listed = new Map<string, number>();

  override readDir(path: string): AsyncGenerator<Deno.DirEntry> {
    this.listed.set(path, (this.listed.get(path) ?? 0) + 1);
    return super.readDir(path);
  }
}

const bytes = (text: string) => new TextEncoder().encode(text);

Deno.test("the end of a resume lists the export once, and keeps the list up to date", async () => {
  const disk = new ListedDisk();
  const first = new SumJournal(disk, "/export");
  for (const name of ["a", "b", "c"]) {
    await writeFile(
      disk,
      `/export/files/pr_${name}/file.json`,
      bytes("{}"),
      first,
    );
  }
  await writeFile(disk, "/export/export.json", bytes("{}"), first);
  await first.finish();
  disk.put("/export/files/pr_a/file.json", null);
  disk.listed.clear();

  const sums = new SumJournal(disk, "/export");
  assertEquals(await sums.findLost(), ["files/pr_a/file.json"]);
  await writeFile(disk, "/export/files/pr_d/file.json", bytes("{}"), sums);
  await sums.drop("/export/files/pr_b");
  disk.put("/export/files/pr_b/file.json", null);
  assertEquals(await sums.finish(), []);
  const lines = disk.files("/export").get("SHA256SUMS")!.split("\n");
  assertEquals(
    lines.filter((line) => line !== "" && !line.startsWith("#"))
      .map((line) => line.slice(66)),
    [
      "export.json",
      "files/pr_a/file.json",
      "files/pr_c/file.json",
      "files/pr_d/file.json",
    ],
  );
  assertEquals(disk.listed.get("/export/files/pr_c"), 1);
});
