/** A workspace made by a seed, which may change while it is read. */
import { sampleWorkspace } from "../../src/demo/sample/sample.ts";
import type {
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

/** The workspace and its lists. */
export interface Source {
  readonly workspace: Workspace;
  readonly lists: readonly SourceList[];
  /** Whether records have times. */
  readonly dated: boolean;
}

const LENGTHS = [
  ...[0, 1, 7, 99, 100, 101, 250, 999, 1000, 1001, 1100, 2000, 2345],
];
const NEWEST_MS = Date.UTC(2025, 4, 30);

/** Makes a workspace. */
export function makeSource(dice: Dice): Source {
  const { directories, files } = sampleWorkspace();
  const lists: SourceList[] = [];
  const dated = !dice.oneIn(4);
  const makeList = (
    dir: string,
    length: number,
    make: SourceList["make"],
    keyOf: SourceList["keyOf"],
  ) => {
    let createdMs = NEWEST_MS;
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
  /** Newest first, so that the server finds a time quickly. */
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
    place,
  ): DemoFile => {
    const at = `files/${file.id}`;
    const length = long && place === 0
      ? 20_001 + dice.below(8_000)
      : dice.oneOf(LENGTHS);
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
      logs,
      bareLogs: logs,
      evaluations: file.evaluations.map((one) => ({
        ...one,
        logs: makeList(
          `${at}/evaluations/${one.id}/logs`,
          dice.oneOf(LENGTHS),
          (id) => `{"run_id":"${one.runs[0]!.id}","log":{"id":"e_${id}"}}`,
          (text) => JSON.parse(text).log.id,
        ),
      })),
      datapoints: new Map(
        [...file.datapoints.keys()].map((id) => [
          id,
          makeList(
            `${at}/datapoints/${id}`,
            dice.oneOf(LENGTHS),
            (id) => `{"id":"dp_${id}","x":-0.0}`,
            idOf,
          ),
        ]),
      ),
    };
  });
  return { workspace: { directories, files: made }, lists, dated };
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
  const add = (place: number, ms: number) => {
    const text = make(id, ms);
    texts.splice(place, 0, text);
    ever.add(keyOf(text));
  };
  const what = dice.below(5);
  const place = dice.below(texts.length + 1);
  const neighbour = texts[place];
  if (what === 0 || neighbour === undefined) {
    if (what < 3) add(0, nowMs);
  } else if (what < 3) {
    // Back-dated, to the very instant of another.
    const { created_at } = JSON.parse(neighbour);
    add(place, created_at ? Date.parse(`${created_at}Z`) : nowMs);
  } else {
    throughout.delete(keyOf(neighbour));
    texts.splice(place, 1);
  }
}
