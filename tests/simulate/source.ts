/** A workspace made by a seed, which may change while it is read. */
import { sampleWorkspace } from "../../src/demo/sample/sample.ts";
import type {
  DemoEvaluation,
  DemoFile,
  Sequence,
  Workspace,
} from "../../src/demo/workspace.ts";
import type { Dice } from "./dice.ts";

/** One list of records, as the server holds it just now. */
export interface SourceList {
  /** Its directory in an export. */
  readonly dir: string;
  readonly texts: string[];
  /** Its own, or those of a record's inner object. */
  readonly keyOf: (text: string) => string;
  /** Keys of all records that were ever there. */
  readonly ever: Set<string>;
  /** Keys of those that were there at the beginning and never went. */
  readonly throughout: Set<string>;
  readonly make: (id: string, createdMs: number) => string;
}

/** A record that becomes one file of an export. */
export interface SourceDocument {
  readonly text: string;
  /** Whether it was there at the beginning and never went. */
  isThroughout: boolean;
}

/** The workspace and its lists. */
export interface Source {
  readonly workspace: Workspace;
  readonly lists: SourceList[];
  /** Every record of a Version, Evaluation or Run that was ever there, by path. */
  readonly documents: Map<string, SourceDocument>;
  /** The Files that were ever there. */
  readonly files: readonly DemoFile[];
  /** Whether records have times. */
  readonly dated: boolean;
}

const LENGTHS = [
  ...[0, 1, 7, 99, 100, 101, 250, 999, 1000, 1001, 1100, 2000, 2345],
];
const NEWEST_MS = Date.UTC(2025, 4, 30);

/** How a source is made. */
export interface SourceOptions {
  /** When the newest Logs were created. */
  readonly newestMs?: number;
  /** Lengths of lists, beside the usual ones. */
  readonly lengths?: readonly number[];
}

/** Makes a workspace. */
export function makeSource(
  dice: Dice,
  { newestMs = NEWEST_MS, lengths = [] }: SourceOptions = {},
): Source {
  const allLengths = [...LENGTHS, ...lengths];
  const { directories, files } = sampleWorkspace();
  const lists: SourceList[] = [];
  const dated = !dice.oneIn(4);
  const makeList = (
    dir: string,
    length: number,
    make: SourceList["make"],
    keyOf: SourceList["keyOf"],
  ) => {
    let createdMs = newestMs;
    const texts = Array.from({ length }, (_, i) => {
      // Ties happen, and so do long silences.
      createdMs -= dice.oneOf([0, 0, 1, 1_000, 60_000, 86_400_000 / 8]);
      return make(`${i}`, createdMs);
    });
    const keys = texts.map(keyOf);
    const list = { dir, texts, keyOf, ever: new Set(keys), make } as const;
    lists.push({ ...list, throughout: new Set(keys) });
    return texts;
  };
  /** Sorts newest first, so that the server finds a time quickly. */
  const byTime = (texts: readonly string[]): Sequence => ({
    get length() {
      return texts.length;
    },
    at: (i) => texts[i],
    ...(dated ? { createdMs: (i: number) => createdMsOf(texts[i]!) } : {}),
  });
  const long = dice.oneIn(20);
  // Half the time from the beginning, where the File with Evaluations is.
  const first = dice.oneIn(2) ? 0 : dice.below(files.length - 2);
  const made = files.slice(first, first + 2 + dice.below(6)).map((
    file,
    index,
  ): DemoFile => {
    const at = `files/${file.id}`;
    const length = long && index === 0
      ? 20_001 + dice.below(8_000)
      : dice.oneOf(allLengths);
    const isDataset = file.type === "dataset";
    const logs = isDataset ? [] : byTime(makeList(
      `${at}/logs`,
      length,
      (id, ms) =>
        dated
          ? `{"id":"log_${id}","created_at":"${
            new Date(ms).toISOString().slice(0, -1)
          }","n":1.0}`
          : `{"id":"log_${id}","n":1.0}`,
      idOf,
    ));
    return {
      ...file,
      versions: [...file.versions],
      logs,
      bareLogs: logs,
      evaluations: file.evaluations.map((one) => ({
        ...one,
        runs: [...one.runs],
        logs: makeList(
          `${at}/evaluations/${one.id}/logs`,
          dice.oneOf(allLengths),
          (id) => `{"run_id":"${one.runs[0]!.id}","log":{"id":"e_${id}"}}`,
          (text) => JSON.parse(text).log.id,
        ),
      })),
      datapoints: new Map(
        [...file.datapoints.keys()].map((id) => [
          id,
          makeList(
            `${at}/datapoints/${id}`,
            dice.oneOf(allLengths),
            (id) => `{"id":"dp_${id}","x":-0.0}`,
            idOf,
          ),
        ]),
      ),
    };
  });
  const documents = new Map<string, SourceDocument>();
  for (const file of made) {
    for (const [path, text] of documentsOf(file)) {
      documents.set(path, { text, isThroughout: true });
    }
  }
  const workspace = { directories, files: [...made] };
  return { workspace, lists, documents, files: made, dated };
}

/** Returns the records of a File that become one file each, by path. */
function* documentsOf(file: DemoFile): Generator<[string, string]> {
  const at = `files/${file.id}`;
  yield [`${at}/file.json`, file.text];
  for (const { id, text } of file.versions) {
    yield [`${at}/versions/${id}`, text];
  }
  for (const { id, text, stats, runs } of file.evaluations) {
    yield [`${at}/evaluations/${id}/stats.json`, stats];
    yield [`${at}/evaluations/${id}/evaluation.json`, text];
    for (const run of runs) {
      yield [`${at}/evaluations/${id}/runs/${run.id}`, run.text];
    }
  }
}

function createdMsOf(text: string): number {
  return Date.parse(`${JSON.parse(text).created_at}Z`);
}

function idOf(text: string): string {
  return JSON.parse(text).id;
}

/** Changes one list: a record comes, comes with an old date, or goes. */
export function change(
  dice: Dice,
  lists: readonly SourceList[],
  nowMs: number,
): void {
  const list = dice.oneOf(lists);
  const { texts, keyOf, ever, throughout, make } = list;
  const id = `new${ever.size}`;
  const headMs = Math.max(nowMs, texts[0] === undefined ? 0 : timeOf(texts[0]));
  const add = (index: number, ms: number) => {
    const text = make(id, ms);
    texts.splice(index, 0, text);
    ever.add(keyOf(text));
  };
  const kind = dice.below(5);
  const index = dice.below(texts.length + 1);
  const neighbour = texts[index];
  if (kind === 0 || neighbour === undefined) {
    if (kind < 3) add(0, headMs);
  } else if (kind < 3) {
    // Back-dated, to the very instant of another.
    add(index, timeOf(neighbour) || nowMs);
  } else {
    throughout.delete(keyOf(neighbour));
    texts.splice(index, 1);
  }
}

/** Returns when a record was created; 0 where it does not say. */
export function timeOf(text: string): number {
  const { created_at } = JSON.parse(text);
  return created_at === undefined ? 0 : Date.parse(`${created_at}Z`);
}

/** Swaps two records of one moment, as another replica orders them. */
export function swapTies(dice: Dice, lists: readonly SourceList[]): void {
  const { texts } = dice.oneOf(lists);
  const i = dice.below(texts.length);
  const j = dice.oneIn(2) ? i + 1 : dice.below(texts.length);
  const [a, b] = [texts[i], texts[j]];
  if (a === undefined || b === undefined || timeOf(a) !== timeOf(b)) return;
  texts[i] = b;
  texts[j] = a;
}

/** What of a workspace comes and goes, beside records of lists. */
export type Moving = "Files" | "Versions" | "Evaluations" | "Runs";

/** Removes one record of a kind, or brings it back. */
export function move(dice: Dice, source: Source, kind: Moving): void {
  const { workspace, files } = source;
  const file = dice.oneOf(files);
  const at = `files/${file.id}`;
  if (kind === "Files") {
    return toggle(source, workspace.files as DemoFile[], file, at);
  }
  if (kind === "Versions") {
    const version = file.versions.at(dice.below(2));
    if (version === undefined || file.type === "dataset") return;
    return addOrRemove(dice, source, file.versions as Named[], version, {
      path: (id) => `${at}/versions/${id}`,
    });
  }
  const evaluation = file.evaluations.at(dice.below(2));
  if (evaluation === undefined) return;
  const path = `${at}/evaluations/${evaluation.id}`;
  if (kind === "Evaluations") {
    return toggle(
      source,
      file.evaluations as DemoEvaluation[],
      evaluation,
      path,
    );
  }
  const run = evaluation.runs.at(dice.below(2));
  if (run === undefined) return;
  addOrRemove(dice, source, evaluation.runs as Named[], run, {
    path: (id) => `${path}/runs/${id}`,
  });
}

interface Named {
  readonly id: string;
  readonly text: string;
}

/** Takes a record away; what lies below it went too. */
function toggle<T extends Named>(
  source: Source,
  records: T[],
  record: T,
  at: string,
): void {
  const index = records.indexOf(record);
  if (index === -1 || records.length < 2) return;
  records.splice(index, 1);
  for (const [path, document] of source.documents) {
    if (path.startsWith(`${at}/`)) document.isThroughout = false;
  }
  for (const { dir, texts, throughout } of source.lists) {
    if (!dir.startsWith(`${at}/`)) continue;
    texts.length = 0;
    throughout.clear();
  }
}

function addOrRemove(
  dice: Dice,
  { documents }: Source,
  records: Named[],
  record: Named,
  { path }: { readonly path: (id: string) => string },
): void {
  if (dice.oneIn(2)) {
    const id = `${record.id.slice(0, 40)}_new${documents.size}`;
    const text = record.text.replaceAll(record.id, id);
    records.unshift({ id, text });
    documents.set(path(id), { text, isThroughout: false });
  } else if (records.length > 1) {
    records.splice(records.indexOf(record), 1);
    const document = documents.get(path(record.id));
    if (document !== undefined) document.isThroughout = false;
  }
}
