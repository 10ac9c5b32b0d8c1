/** Exports with much that none should hold: their database and pages against what the disk says. */
import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { answer } from "../../src/browse/serve.ts";
import { Site } from "../../src/browse/site.ts";
import { isObject } from "../../src/core/text/json.ts";
import { denoRuntime } from "../../src/core/runtime/deno_runtime.ts";
import { buildDatabase } from "../../src/database/build.ts";
import { all, openDatabase, type SqlRow } from "../../src/database/sqlite.ts";
import {
  ENVIRONMENTS,
  PROMPTS,
  randomExports,
  USERS,
  WORDS,
  writeExport,
} from "../database/random_export.ts";
import { tempDir } from "../helpers/tree.ts";
import { type Dice, diceOf } from "../simulate/dice.ts";

const { disk } = denoRuntime();
const HOST = "127.0.0.1:4321";

/** The database of a seed's exports, and what stands on disk. */
async function randomSite(seed: number) {
  const dir = await tempDir();
  const exports = randomExports(seed);
  const dirs = exports.map((_, i) => join(dir.path, String(i)));
  for (const [i, files] of exports.entries()) {
    await writeExport(dirs[i]!, files);
  }
  const { path } = await buildDatabase({
    ...{ disk, dirs, to: join(dir.path, "x.db") },
  });
  const database = openDatabase(path);
  const site = new Site(database);
  return {
    exports,
    ask: (sql: string) => all(database, sql),
    get: async (address: string) => {
      const request = new Request(`http://${HOST}${address}`);
      const response = answer(site, request, HOST);
      assertEquals([address, response.status], [address, 200]);
      return await response.text();
    },
    async [Symbol.asyncDispose]() {
      database.close();
      await dir[Symbol.asyncDispose]();
    },
  };
}

/** A text of a record, as a column has it. */
function textOf(value: unknown): string | null {
  return typeof value === "string" && value !== ""
    ? value.replaceAll("\0", "\\u0000").toWellFormed()
    : null;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The ids of the Logs within a value, however deep. */
function idsWithin(value: Record<string, unknown>): readonly string[] {
  const { trace_children, evaluator_logs, log, parent } = value;
  return [trace_children, evaluator_logs, log, parent].flat()
    .filter(isObject)
    .flatMap((one) => {
      const id = textOf(one["id"]);
      return [...id === null ? [] : [id], ...idsWithin(one)];
    });
}

/** The table of the lines of a chunk. */
function tableOf(path: string): string {
  return path.includes("/evaluations/")
    ? "evaluation_logs"
    : path.includes("/datapoints/")
    ? "datapoints"
    : "logs";
}

Deno.test("every line of any export is a row in its very bytes, or in problems, and every Log within is there", async () => {
  for (const seed of [1]) {
    await using site = await randomSite(seed);
    const key = (row: SqlRow) =>
      `${row["export"]} ${row["disk_path"]} ${row["disk_line"]}`;
    const rows = Map.groupBy(
      ["logs", "datapoints", "evaluation_logs"].flatMap((table) =>
        site.ask(`SELECT '${table}' AS name, export, disk_path, disk_line, json
          FROM ${table}`)
      ),
      key,
    );
    const problems = site.ask("SELECT * FROM problems");
    const unread = Map.groupBy(
      problems.filter(({ kind }) => kind === "notJson"),
      key,
    );
    const twice = Map.groupBy(
      problems.filter(({ kind }) => kind === "twice"),
      (row) => `${row["export"]} ${row["disk_path"]}`,
    );
    const ids = new Set(site.ask("SELECT id FROM logs").map(({ id }) => id));
    for (const [i, files] of site.exports.entries()) {
      for (const [path, text] of files) {
        if (!path.endsWith(".jsonl")) continue;
        let lacking = 0;
        for (const [n, line] of text.replace(/\n$/, "").split("\n").entries()) {
          const at = `${i + 1} ${path} ${n + 1}`;
          const value = parsed(line);
          if (!isObject(value)) {
            const said = line.replaceAll("\0", "\\u0000");
            if (text === "") continue;
            assertEquals([at, unread.get(at)?.[0]?.["text"]], [at, said]);
            continue;
          }
          const own = rows.get(at)?.filter(({ name, json }) =>
            name === tableOf(path) && json === line
          ) ?? [];
          if (own.length === 0) {
            lacking++;
          } else assertEquals([at, own.length], [at, 1]);
          const lost = idsWithin(value).filter((id) =>
            !ids.has(id)
          );
          assertEquals([at, lost], [at, []]);
        }
        const known = twice.get(`${i + 1} ${path}`) ?? [];
        const sum = known.reduce((sum, { rows }) => sum + Number(rows), 0);
        assertEquals([path, lacking], [path, sum]);
      }
    }
  }
});

/** A condition of a link, and whether a Log meets it. */
type Filter = readonly [name: string, value: string, (log: Logged) => boolean];

interface Logged {
  readonly number: number;
  readonly row: SqlRow;
  readonly value: Record<string, unknown>;
}

function textsIn(value: unknown): readonly string[] {
  if (typeof value === "string") return [value];
  if (typeof value === "number") return [String(value)];
  if (typeof value !== "object" || value === null) return [];
  return Object.values(value).flatMap(textsIn);
}

const UNSPACED = /[\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}\p{scx=Thai}]/u;
const folded = (text: string) =>
  text.normalize("NFD").replace(/[\u0300-\u036f]/g, "").toLowerCase();

function holds({ value }: Logged, word: string): boolean {
  const { inputs, output, error, metadata } = value;
  const texts = textsIn([inputs, output, error, metadata]).map(folded);
  const wanted = folded(word);
  return texts.some((text) =>
    UNSPACED.test(word) || /\p{So}/u.test(word)
      ? text.includes(wanted)
      : text.split(/[^\p{L}\p{N}\p{M}]+/u).includes(wanted)
  );
}

function filtersBy(dice: Dice): readonly Filter[] {
  const file = dice.oneOf(PROMPTS);
  const environment = dice.oneOf(ENVIRONMENTS);
  const user = dice.oneOf(USERS);
  const word = dice.oneOf(
    WORDS.filter((one) => /^[\p{L}\p{N}\p{M}]+$|^\p{So}+$/u.test(one)),
  );
  const time = ({ row }: Logged) => Number(row["time"]);
  const day = Date.UTC(2025, 5, 2) * 1000;
  const filters: readonly Filter[] = [
    ["file", file, ({ row }) => row["file_id"] === file],
    ["environment", environment, (log) => {
      return log.value["environment"] === environment;
    }],
    ["user", user, ({ value }) => value["user"] === user],
    ["error", "0", ({ value: { error = null } }) => {
      return error === null || error === "";
    }],
    ["from", "2025-06-02", (log) => time(log) !== 0 && time(log) >= day],
    ["to", "2025-06-02", (log) => {
      return time(log) !== 0 && time(log) < day + 86_400_000_000;
    }],
    ["q", word, (log) => holds(log, word)],
  ];
  const some = filters.filter(() => dice.oneIn(3));
  return some.length === 0 ? [dice.oneOf(filters)] : some;
}

const unescaped = (text: string) =>
  text.replaceAll("&#39;", "'").replaceAll("&quot;", '"')
    .replaceAll("&gt;", ">").replaceAll("&lt;", "<").replaceAll("&amp;", "&");

Deno.test("every filter, order and page of the Logs of any export gives the Logs that the disk says", async () => {
  for (const seed of [5]) {
    await using site = await randomSite(seed);
    const logs = site.ask("SELECT * FROM logs").map((row): Logged => ({
      ...{ number: Number(row["number"]), row },
      value: JSON.parse(String(row["json"])),
    }));
    const numbers = new Map(
      logs.filter(({ row }) => row["id"] !== null)
        .map(({ number, row }) => [row["id"], number]),
    );
    const numbersIn = (page: string) =>
      [...page.matchAll(/href="\/log\?([^"]+)"><time/g)].map(([, query]) => {
        const params = new URLSearchParams(unescaped(query!));
        return numbers.get(params.get("id")) ?? Number(params.get("number"));
      });
    const allPages = async (from: string, link: string) => {
      const pages: (readonly number[])[] = [];
      const next = new RegExp(`<a href="([^"]+)">${link}</a>`);
      for (let at: string | null = from; at !== null;) {
        const page = await site.get(at);
        pages.push(numbersIn(page));
        at = unescaped(next.exec(page)?.[1] ?? "") || null;
      }
      return pages;
    };
    const dice = diceOf(seed, "filters");
    for (let n = 0; n < 4; n++) {
      const filters = filtersBy(dice);
      const sort = dice.oneOf(["time", "latency", "cost"]);
      const order = dice.oneOf(["asc", "desc"]);
      const key = ({ row }: Logged) => Number(row[sort] ?? -1);
      const wanted = logs.filter((log) =>
        filters.every(([, , meets]) => meets(log))
      ).toSorted((a, b) => key(a) - key(b) || a.number - b.number)
        .map(({ number }) => number);
      if (order === "desc") wanted.reverse();
      const query = new URLSearchParams([
        ...filters.map(([name, value]) => [name, value]),
        ...[["sort", sort], ["order", order]],
      ]);
      const forwards = await allPages(`/logs?${query}`, "Next");
      const backwards = await allPages(`/logs?${query}&last=1`, "Previous");
      const said = await site.get(`/logs?${query}`);
      const [, count = ""] = /role="status">([\d,]+) Log/.exec(said) ?? [];
      assertEquals(
        [`${query}`, Number(count.replaceAll(",", "")), forwards.flat()],
        [`${query}`, wanted.length, wanted],
      );
      assertEquals(backwards.toReversed().flat(), wanted);
    }
  }
});
