/**
 * What an export says of itself: `export.json` and `SHA256SUMS`, once for an
 * export, once for each shard of one that was merged from several, whose records
 * stand in `shards/<any name>/`.
 */
import { join } from "@std/path";
import { parseSums, SUMS_NAME } from "../tree/checksums.ts";
import {
  type FileEntry,
  type Manifest,
  readManifest,
  type Settings,
} from "../tree/manifest.ts";
import { readFile } from "../tree/atomic_file.ts";
import type { Disk } from "../core/runtime.ts";

/** What stands beside `files/`. */
export const TOP: readonly string[] = [
  "export.json",
  "export.log",
  "SHA256SUMS",
  "directories.json",
];
/** Where the records of a shard stand. */
export const SHARD = /^shards\/[^/]+\//;

/** What one record of an export says. */
export interface Claim {
  /** Where it stands below the export: nothing, or `shards/1/`. */
  readonly prefix: string;
  /** `null` where there is none that can be read. */
  readonly manifest: Manifest | null;
  /** Sums by path below the whole export; `null` where there are none. */
  readonly sums: ReadonlyMap<string, string> | null;
  /** Lines of SHA256SUMS. */
  readonly lines: number;
}

/** What an export says of itself; nothing for the official script's. */
export class ExportMetadata {
  constructor(readonly all: readonly Claim[]) {}

  /** Whether the export was merged from shards. */
  get isMerged(): boolean {
    return this.all.some(({ prefix }) => prefix !== "");
  }

  /** The record that a File is in; without one, the first. */
  of(fileId: string): Claim | undefined {
    return this.all.find(({ manifest }) =>
      manifest !== null && Object.hasOwn(manifest.files, fileId)
    ) ?? this.all[0];
  }

  entry(fileId: string): FileEntry | undefined {
    const files = this.of(fileId)?.manifest?.files ?? {};
    return Object.hasOwn(files, fileId) ? files[fileId] : undefined;
  }

  /** What the File was exported with. */
  settings(fileId: string): Settings | null {
    return this.of(fileId)?.manifest?.settings ?? null;
  }

  /** Every File that is known of. */
  get fileIds(): readonly string[] {
    return this.all.flatMap(({ manifest }) =>
      Object.keys(manifest?.files ?? {})
    );
  }

  /** All sums; `null` where there are none. */
  get sums(): ReadonlyMap<string, string> | null {
    const known = this.all.flatMap(({ sums }) => sums === null ? [] : [sums]);
    if (known.length === 0) return null;
    return new Map(known.flatMap((sums) => [...sums]));
  }
}

/**
 * Reads what an export says of itself.
 *
 * @param names Every file of the export, below its directory.
 * @throws {StorageError} When the disk refuses.
 */
export async function readExportMetadata(
  disk: Disk,
  root: string,
  names: readonly string[],
): Promise<ExportMetadata> {
  const ours = TOP.filter((name) => name !== "export.log");
  const prefixes = ours.some((name) => names.includes(name)) ? [""] : new Set(
    names.map((name) => SHARD.exec(name)?.[0])
      .filter((prefix) => prefix !== undefined),
  );
  const claims: Claim[] = [];
  for (const prefix of prefixes) {
    claims.push(await readClaim(disk, root, prefix));
  }
  return new ExportMetadata(claims);
}

async function readClaim(
  disk: Disk,
  root: string,
  prefix: string,
): Promise<Claim> {
  const manifest = await readManifest(disk, join(root, prefix, "export.json"));
  const bytes = await readFile(disk, join(root, prefix, SUMS_NAME));
  const text = new TextDecoder().decode(bytes ?? undefined);
  const lines = text.split("\n").filter((line) => line !== "").length;
  const place = (name: string) =>
    name.startsWith("files/") ? name : prefix + name;
  const sums = [...parseSums(bytes)]
    .map(([name, sum]) => [place(name), sum] as const);
  return { prefix, manifest, sums: bytes && new Map(sums), lines };
}
