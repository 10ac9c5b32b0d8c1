/** Finds the Prompts and Agents of exports, and reads their Versions. */
import { join } from "@std/path";
import { isObject, parseExactly } from "../core/text/json.ts";
import type { Disk } from "../core/runtime/runtime.ts";
import {
  missingDocuments,
  missingFiles,
  type OnProblem,
  openExports,
  openFile,
  problemOf,
  readDocument,
  type TreeExport,
  type TreeFile,
} from "../tree/read/tree_reader.ts";
import { deployedNames, readDeployments } from "./deployed.ts";
import { filePaths, type NamedFile } from "./file_paths.ts";
import { expectOutside } from "../tree/write/output.ts";

/** A Prompt or Agent of an export. */
export interface PromptFile extends NamedFile {
  readonly file: TreeFile;
  readonly ending: "prompt" | "agent";
  /** The Version that is deployed by default or, if none is, the newest. */
  readonly defaultVersion: string | null;
}

/** The Prompts and Agents of exports. */
export interface OpenPrompts {
  readonly files: readonly PromptFile[];
  /** What could not be read so far, in words, with its path. */
  readonly unread: readonly string[];
  /** Adds what cannot be read to that. */
  readonly onProblem: OnProblem;
}

/**
 * Finds the Prompts and Agents of exports.
 *
 * @param dirs The exports' directories.
 * @param to Where the command writes.
 * @throws {UsageError} When there is no export, or `to` is inside one.
 */
export async function openPrompts(
  { disk, dirs, to }: {
    readonly disk: Disk;
    readonly dirs: readonly string[];
    readonly to: string;
  },
): Promise<OpenPrompts> {
  await expectOutside(disk, dirs, to);
  const exports = await openExports(disk, dirs);
  const unread: string[] = [];
  const onProblem: OnProblem = ({ dir, path, reason }) =>
    void unread.push(`${join(dir, path)} ${reason}`);
  unread.push(...exports.flatMap(missingFiles));
  const files = await promptFiles(disk, exports, onProblem);
  return { files, unread, onProblem };
}

async function promptFiles(
  disk: Disk,
  exports: readonly TreeExport[],
  onProblem: OnProblem,
): Promise<readonly PromptFile[]> {
  const files: PromptFile[] = [];
  for (const from of exports) {
    from.problems.forEach(onProblem);
    for (const id of from.fileIds) {
      const file = await openFile(disk, from, id);
      const { dir, entry, names } = file;
      const item = names.has("file.json")
        ? await readDocument(disk, dir, `files/${id}/file.json`)
        : null;
      const value = item?.kind === "document" && isObject(item.value)
        ? item.value
        : null;
      const type = value?.["type"] ?? entry?.type ?? null;
      if (type !== null && type !== "prompt" && type !== "agent") continue;
      file.problems.forEach(onProblem);
      if (item?.kind === "problem") onProblem(item);
      else if (file.done === null || value === null) {
        const reason = file.done === null
          ? "is not complete"
          : "has no file.json that can be read";
        onProblem(problemOf(dir, `files/${id}`, "missing", reason));
      }
      if (type === null) continue;
      const { path, name, version_id: version } = value ??
        { path: entry?.path };
      const named = [path, name, id].find((one) => typeof one === "string");
      files.push({
        ...{ id, file, ending: type, path: String(named).split("/") },
        defaultVersion: typeof version === "string" ? version : null,
      });
    }
  }
  return files;
}

/** A Version of a Prompt or Agent. */
export interface PromptVersion {
  readonly of: PromptFile;
  readonly id: string;
  /** The path of its file, without the ending. */
  readonly stem: string;
  /** The same with its id, whatever is deployed. */
  readonly idStem: string;
  /** As the API sent it. */
  readonly json: string;
  /** The same; numbers keep their spelling. */
  readonly fields: Readonly<Record<string, unknown>>;
  /** The environments that it is deployed to. */
  readonly environments: readonly string[];
}

/** Which Versions to read. */
export interface VersionOptions {
  /** Whether only deployed Versions are read. */
  readonly onlyDeployed: boolean;
  /** The endings of files, which no Directory's name gets. */
  readonly endings: readonly string[];
  /** Called with what cannot be read. */
  readonly onProblem: OnProblem;
}

/** Reads the Versions of files, one File after the other. */
export async function* promptVersions(
  disk: Disk,
  files: readonly PromptFile[],
  { onlyDeployed, endings, onProblem }: VersionOptions,
): AsyncGenerator<PromptVersion, void> {
  const paths = filePaths(files, endings);
  for (const of of files) {
    const { dir, id: fileId, shape, names } = of.file;
    for (const problem of missingDocuments(of.file)) onProblem(problem);
    const deployments = onlyDeployed || names.has("deployments.json")
      ? await readDeployments(disk, of.file, onProblem)
      : [];
    const suffixes = onlyDeployed
      ? deployedNames(deployments, of.defaultVersion)
      : new Map(shape.versions.map((id) => [id, `@${id}`]));
    for (const [id, suffix] of suffixes) {
      const path = `files/${fileId}/versions/${id}`;
      const item = await readDocument(disk, dir, path);
      const fields = item.kind === "problem" ? null : parseExactly(item.text);
      if (item.kind === "problem") onProblem(item);
      else if (!isObject(fields)) {
        onProblem(problemOf(dir, path, "notJson", "is not a Version"));
      } else {
        const isPlain = !onlyDeployed && id === of.defaultVersion;
        yield {
          ...{ of, id, json: item.text, fields },
          stem: `${paths.get(of)}${isPlain ? "" : suffix}`,
          idStem: `${paths.get(of)}@${id}`,
          environments: deployments.filter((one) => one.versionId === id)
            .map(({ environment }) => environment),
        };
      }
    }
  }
}

/** Returns what a person wants to know that the files do not hold. */
export function aboutVersion(
  { of, id, fields, environments }: PromptVersion,
): object {
  const { version_name, version_description, created_at } = fields;
  return {
    ...{ path: of.path.join("/"), id: of.id, version_id: id, version_name },
    ...{ version_description, created_at, environments },
  };
}
