/** Reads a document of an export, such as a Version, as a row of its table. */
import type { TreeFile, TreeItem } from "../tree/read/tree_reader.ts";
import { type Fields, maker, text } from "./log_fields.ts";
import type { SqlValue } from "./sqlite.ts";

/** A document as a row of a table. */
export interface DocumentRow {
  readonly table: string;
  /** What makes the row unique. */
  readonly key: string;
  /** Whether it is a row even if the document is missing. */
  readonly isKept?: boolean;
  /** Its columns except `json` and the position. */
  readonly columns: Readonly<Record<string, SqlValue>>;
}

/** Reads the row of a document; `null` if it has none of its own. */
export function documentRow(
  file: TreeFile,
  part: TreeItem,
  fields: Fields,
): DocumentRow | null {
  const { id, entry, done } = file;
  const created_at = text(fields, "created_at");
  if (part.part === "file") {
    const { item } = part;
    const isOther = item.kind === "problem" &&
      !item.path.endsWith("/file.json");
    return isOther ? null : {
      ...{ table: "files", key: id, isKept: true },
      columns: {
        id,
        type: text(fields, "type") ?? entry?.type ?? null,
        path: text(fields, "path") ?? entry?.path ?? null,
        name: text(fields, "name"),
        directory_id: text(fields, "directory_id"),
        created_at,
        updated_at: text(fields, "updated_at"),
        state: entry?.state ?? (done === null ? null : "complete"),
      },
    };
  }
  if (part.part === "evaluation") {
    const name = text(fields, "name");
    return {
      ...{ table: "evaluations", key: part.evaluationId, isKept: true },
      columns: { id: part.evaluationId, file_id: id, name, created_at },
    };
  }
  if (part.part === "version") {
    return {
      ...{ table: "versions", key: part.versionId },
      columns: {
        file_id: id,
        version_id: part.versionId,
        type: text(fields, "type"),
        name: text(fields, "version_name"),
        description: text(fields, "version_description"),
        model: text(fields, "model"),
        provider: text(fields, "provider"),
        created_at,
        created_by: maker(fields),
      },
    };
  }
  if (part.part === "run") {
    const { version, dataset, control } = fields;
    return {
      ...{ table: "runs", key: part.runId },
      columns: {
        id: part.runId,
        evaluation_id: part.evaluationId,
        file_id: text(version, "id"),
        version_id: text(version, "version_id"),
        dataset_id: text(dataset, "id"),
        dataset_version_id: text(dataset, "version_id"),
        status: text(fields, "status"),
        control: typeof control === "boolean" ? Number(control) : null,
        created_at,
      },
    };
  }
  return null;
}
