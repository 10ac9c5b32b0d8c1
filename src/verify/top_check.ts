/** Checks what concerns an export as a whole: its records, its sums, strangers. */
import { isSummed, JOURNAL_NAME } from "../tree/checksums.ts";
import { PAGE_NAME } from "../tree/layout.ts";
import { gapText, type Manifest } from "../tree/manifest.ts";
import type { Filters } from "../core/filters.ts";
import {
  type Claim,
  type ExportMetadata,
  SHARD,
  TOP,
} from "./export_metadata.ts";
import { adviceFor, type Problems } from "./problems.ts";

/** Checks what stands beside `files/`, and what it says. */
export function checkTop(
  names: readonly string[],
  problems: Problems,
  claims: ExportMetadata,
): void {
  for (const name of names) {
    if (belongs(name, claims)) continue;
    if (name !== JOURNAL_NAME) {
      problems.add(name, "does not belong here", "remove it");
      continue;
    }
    const what = "is left of a run that did not come to its end";
    problems.add(name, what, "resume");
  }
  const there = new Set(names);
  for (const claim of claims.all) checkClaim(there, problems, claim);
  if (claims.isMerged) checkShards(problems, claims.all);
  const { sums } = claims;
  if (sums === null) return;
  for (const name of sums.keys()) {
    if (there.has(name)) continue;
    problems.add(name, "is missing", adviceFor(name));
  }
  for (const name of names) {
    const inner = claims.isMerged ? name.replace(SHARD, "") : name;
    if (sums.has(name) || !isSummed(inner)) continue;
    problems.add(name, "has no sum in SHA256SUMS", adviceFor(name));
  }
}

function belongs(name: string, claims: ExportMetadata): boolean {
  if (name.startsWith("files/")) return name.split("/").length > 2;
  if (SHARD.test(name)) {
    return [...TOP, PAGE_NAME].includes(name.replace(SHARD, ""));
  }
  return name === PAGE_NAME || !claims.isMerged && TOP.includes(name);
}

/** Checks one record of the export, or of a shard of it. */
function checkClaim(
  there: ReadonlySet<string>,
  problems: Problems,
  { prefix, manifest, sums, lines }: Claim,
): void {
  for (const name of TOP.map((one) => prefix + one)) {
    if (there.has(name)) continue;
    const advice = prefix === ""
      ? "resume to write it again"
      : "put what the shard's own export holds there";
    problems.add(name, "is missing", advice);
  }
  const record = `${prefix}export.json`;
  if (there.has(record) && manifest === null) {
    const what = "cannot be read as one of this program's";
    problems.add(record, what, adviceFor("export.json"));
  }
  for (const gap of manifest?.gaps ?? []) {
    problems.add(record, `lists as missing: ${gapText(gap)}`, "resume");
  }
  if (manifest !== null && manifest.state !== "complete") {
    problems.add(record, `says that it is ${manifest.state}`, "resume");
  }
  if (sums !== null && sums.size !== lines) {
    problems.add(
      `${prefix}SHA256SUMS`,
      `has ${lines} lines, of which ${sums.size} are sums`,
      "remove it and resume to sum the files again, if they are sound",
    );
  }
}

/** Checks that all shards are there, each once, and all of the same export. */
function checkShards(problems: Problems, claims: readonly Claim[]): void {
  const advice = "merge the shards of one export, each once";
  const [first, ...others] = claims
    .flatMap(({ prefix, manifest }) => manifest ? [{ prefix, manifest }] : []);
  if (first === undefined) return;
  const of = shardOf(first.manifest)?.of ?? 1;
  const missing = new Set(Array.from({ length: of }, (_, i) => i + 1));
  for (const { prefix, manifest } of [first, ...others]) {
    const shard = shardOf(manifest);
    const record = `${prefix}export.json`;
    if (shard === null) {
      problems.add(record, "is not of a shard", advice);
    } else if (kindOf(manifest) !== kindOf(first.manifest)) {
      const what = `is of another export than ${first.prefix}export.json`;
      problems.add(record, what, advice);
    } else if (!missing.delete(shard.index)) {
      const what = `is of shard ${shard.index}/${of}, which is here already`;
      problems.add(record, what, advice);
    }
  }
  for (const index of missing) {
    problems.add("shards", `lacks shard ${index}/${of}`, advice);
  }
}

function shardOf({ settings }: Manifest): Filters["shard"] {
  return settings.filters.shard;
}

/** What all shards of one export have in common; `30d` is another time on each. */
function kindOf({ settings }: Manifest): string {
  const { apiUrl, directoryId, rootDirectoryId, logs, filters } = settings;
  const { types, files, shard } = filters;
  return JSON.stringify([
    ...[apiUrl, directoryId, rootDirectoryId],
    ...[logs, types, files, shard?.of],
  ]);
}
