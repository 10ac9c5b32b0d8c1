/**
 * An order that is not stable: records of one moment are swapped between two
 * requests, so that a record can come twice and another never. No list is called
 * complete with it.
 */
import { assert, assertEquals } from "@std/assert";
import type { DemoFile, Workspace } from "../../src/demo/workspace.ts";
import { sampleWorkspace } from "../../src/demo/sample/sample.ts";
import { answerRequest } from "../../src/demo/server.ts";
import { DEMO_KEY } from "../../src/cli/commands/demo.ts";
import { MemoryExport, withLogs } from "../helpers/memory_export.ts";

const RECORDS = 9_000;
/** Two offsets, 8,000 apart, whose records are swapped. */
const PAIR = [500, 8_500] as const;

interface UnstableList {
  /** The directory of the list below the export's. */
  readonly dir: string;
  readonly records: readonly string[];
  /** Whether a request is for it. */
  readonly isAskedFor: (url: URL) => boolean;
  /** A workspace where the list holds these records. */
  readonly workspace: (records: readonly string[]) => Workspace;
}

const { directories, files } = sampleWorkspace();
const first = files.find(({ evaluations }) => evaluations.length > 0)!;
const dataset = files.find(({ type }) => type === "dataset")!;
const evaluation = first.evaluations[0]!;
const version = dataset.versions[0]!.id;
const only = (file: DemoFile): Workspace => ({ directories, files: [file] });
const numbered = (make: (i: number) => string) =>
  Array.from({ length: RECORDS }, (_, i) => make(i));

const LISTS: Readonly<Record<string, UnstableList>> = {
  Logs: {
    dir: `files/${first.id}/logs`,
    records: numbered((i) =>
      `{"id":"log_${i}","created_at":"2025-05-30T12:00:00.000"}`
    ),
    isAskedFor: ({ pathname }) => pathname === "/v5/logs",
    workspace: (records) =>
      only({ ...withLogs(first, records), evaluations: [] }),
  },
  "Evaluation Logs": {
    dir: `files/${first.id}/evaluations/${evaluation.id}/logs`,
    records: numbered((i) => `{"run_id":"r","log":{"id":"log_${i}"}}`),
    isAskedFor: ({ pathname }) => /evaluations\/.+\/logs$/.test(pathname),
    workspace: (logs) =>
      only({ ...withLogs(first, []), evaluations: [{ ...evaluation, logs }] }),
  },
  Datapoints: {
    dir: `files/${dataset.id}/datapoints/${version}`,
    records: numbered((i) => `{"id":"dp_${i}"}`),
    isAskedFor: ({ pathname }) => pathname.endsWith("/datapoints"),
    workspace: (records) =>
      only({
        ...dataset,
        versions: dataset.versions.slice(0, 1),
        datapoints: new Map([[version, records]]),
      }),
  },
};

function swapped(records: readonly string[]): readonly string[] {
  const [a, b] = PAIR;
  return records.with(a, records[b]!).with(b, records[a]!);
}

/** Answers from the replica that holds the pair the other way round. */
function otherReplica(list: UnstableList, url: URL): Promise<Response> {
  return answerFrom(list.workspace(swapped(list.records)), url);
}

async function answerFrom(workspace: Workspace, url: URL): Promise<Response> {
  const request = new Request(url, { headers: { "x-api-key": DEMO_KEY } });
  return await answerRequest(workspace, { key: DEMO_KEY }, request);
}

function endOf({ searchParams }: URL): number {
  return Number(searchParams.get("page")) * Number(searchParams.get("size"));
}

/** Checks that each record is there once, the only state that may be called complete. */
function assertDistinctIfDone(
  made: MemoryExport,
  list: UnstableList,
  code: number,
): void {
  const file = list.dir.split("/").slice(0, 2).join("/");
  if (code !== 0) {
    assertEquals(code, 3);
    assert(!made.tree.has(`${file}/.done`), "it is not called complete");
    return;
  }
  const lines = made.lines(list.dir);
  assertEquals(lines.length, RECORDS);
  assertEquals(new Set(lines).size, RECORDS);
}

for (const [name, list] of Object.entries(LISTS)) {
  Deno.test(`${name} of which a pair is swapped in every reading: exit 3, never complete with one twice`, async () => {
    const made = new MemoryExport(list.workspace(list.records));
    const { code, out } = await made.begin({
      server: {
        before: (url) =>
          list.isAskedFor(url) && endOf(url) > 4_000
            ? otherReplica(list, url)
            : undefined,
      },
    });
    assertEquals(code, 3, out);
    assertDistinctIfDone(made, list, code);
    // The order is stable again.
    const resumed = await made.resume();
    assertEquals(resumed.code, 0, resumed.err + resumed.out);
    assertEquals(made.lines(list.dir), [...list.records]);
  });

  Deno.test(`${name} of which a pair is swapped once are read again, and are distinct`, async () => {
    const made = new MemoryExport(list.workspace(list.records));
    let isStable = false;
    const { code } = await made.begin({
      server: {
        before: (url) => {
          if (isStable || !list.isAskedFor(url)) return undefined;
          if (endOf(url) >= RECORDS) isStable = true;
          return endOf(url) > 4_000 ? otherReplica(list, url) : undefined;
        },
      },
    });
    assertDistinctIfDone(made, list, code);
  });

  Deno.test(`${name} of which a pair is swapped between two runs are distinct after the resume`, async () => {
    const made = new MemoryExport(list.workspace(list.records));
    const { code } = await made.begin({
      before: (url) =>
        list.isAskedFor(url) && endOf(url) > 4_000
          ? Response.json({ detail: "revoked" }, { status: 401 })
          : undefined,
      server: { before: refuseProbes() },
    });
    assert([3, 5].includes(code), `exit ${code}`);
    made.workspace = list.workspace(swapped(list.records));
    const resumed = await made.resume();
    assertDistinctIfDone(made, list, resumed.code);
  });
}

/** Refuses the key from the 30th request on. */
function refuseProbes(): () => Response | undefined {
  let n = 0;
  return () =>
    ++n > 30
      ? Response.json({ detail: "revoked" }, { status: 401 })
      : undefined;
}

Deno.test("a pair of one moment that is swapped within a time window of a long list: exit 3", async () => {
  const startMs = Date.UTC(2025, 4, 30);
  const [from, to] = [2_000, 11_000];
  const records = Array.from({ length: 21_000 }, (_, i) => {
    const at = i >= from && i < to ? from : i;
    const time = new Date(startMs - at * 1_000).toISOString().slice(0, -1);
    return `{"id":"log_${i}","created_at":"${time}"}`;
  });
  const list = { ...LISTS["Logs"]!, records };
  const other = records.with(2_500, records[10_500]!)
    .with(10_500, records[2_500]!);
  const made = new MemoryExport(list.workspace(records));
  const { code } = await made.begin({
    server: {
      before: (url) =>
        list.isAskedFor(url) && endOf(url) > 4_000
          ? answerFrom(list.workspace(other), url)
          : undefined,
    },
  });
  assertEquals(code, 3);
});
