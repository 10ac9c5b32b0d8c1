/** What goes wrong in one run: the server's faults, the disk's, and the end. */
import type { Dice } from "./dice.ts";

/** An answer instead of the server's, or nothing. */
export type Fault = (url: URL, answer: () => Promise<Response>) =>
  | Promise<Response>
  | Response
  | Error;

/** One run's misfortunes. */
export interface BadDay {
  /** Answers one request. */
  answer(
    url: URL,
    nowMs: number,
    answer: () => Promise<Response>,
  ): Promise<Response>;
  /** What `total` says. */
  total(url: URL, total: number): number;
  /** The most records a page. */
  readonly sizeCap: number;
}

/** Records that the server cannot serve. */
export interface Poison {
  /** Whether an answer holds one. */
  holds(text: string): boolean;
}

const json = (value: unknown, status = 200) =>
  new Response(JSON.stringify(value), { status });

/** Every retried kind of failure. */
const PASSING: readonly Fault[] = [
  ...[408, 425, 500, 502, 503, 504].map((status) => () =>
    new Response("<html>busy</html>", { status })
  ),
  () => new Response("", { status: 429 }),
  () => new Response("", { status: 429, headers: { "retry-after": "7" } }),
  () => new Response("", { status: 503, headers: { "retry-after": "1" } }),
  () => new Response("<html>login</html>"),
  () => new Response("<html>login</html>", { status: 401 }),
  () => json({ detail: "something went wrong" }),
  () => new Response('{"records":[{"id":"x"'),
  () => new Response(""),
  () => new TypeError("error sending request: connection refused"),
  () => new TypeError("connection reset"),
  () =>
    new Response(
      new ReadableStream({
        start(controller) {
          controller.enqueue(new TextEncoder().encode('{"rec'));
          controller.error(new TypeError("connection reset"));
        },
      }),
    ),
  // Duplicated pages, and pages of another number.
  (_, answer) => changed(answer, (records) => `${records},${records}`),
  async (_, answer) => {
    const text = await (await answer()).text();
    return new Response(text.replace(/"page":\d+,/, `"page":777,`));
  },
];

/**
 * Empty and short pages. Where the total is too low as well they look in every
 * way like the end of the list, and nobody could tell.
 */
const SHORT: readonly Fault[] = [
  (_, answer) => changed(answer, () => ""),
  (_, answer) =>
    changed(answer, (records) => records.replace(/^\{.*?\}(?=,\{|$),?/, "")),
];

/** A list's page with other records, everything else as it was. */
async function changed(
  answer: () => Promise<Response>,
  change: (records: string) => string,
): Promise<Response> {
  const text = await (await answer()).text();
  const [, records = "", rest = ""] =
    /^\{"records":\[(.+)\](,"page":.*)$/s.exec(text) ?? [];
  if (rest === "") return new Response(text);
  return new Response(`{"records":[${change(records)}]${rest}`);
}

/** No faults at all. */
export const GOOD_DAY: BadDay = {
  answer: (_, __, answer) => answer(),
  total: (_, total) => total,
  sizeCap: Infinity,
};

/** A day by the dice. */
export function badDay(dice: Dice, startMs: number, poison: Poison): BadDay {
  const rate = dice.oneOf([0, 0, 0.02, 0.1, 0.3]);
  const lie = dice.oneIn(6) ? dice.oneOf([-3, 5, 120]) : 0;
  const wavers = dice.oneIn(6);
  const revokedAt = dice.oneIn(8) ? 5 + dice.below(60) : Infinity;
  const outage = dice.oneIn(4)
    ? {
      from: startMs + dice.below(20_000),
      ms: dice.oneOf([5_000, 120_000, 600_000, 3_000_000]),
    }
    : { from: Infinity, ms: 0 };
  const hung = dice.oneIn(8) ? dice.below(60) : -1;
  const kinds = lie < 0 ? PASSING : [...PASSING, ...SHORT];
  let requests = 0;
  const served = async (answer: () => Promise<Response>) => {
    const text = await (await answer()).text();
    const poisoned = poison.holds(text);
    return poisoned ? json({ detail: "poison" }, 500) : new Response(text);
  };
  return {
    sizeCap: dice.oneOf([Infinity, Infinity, Infinity, 30, 50, 7]),
    total: (url, total) => {
      if (url.pathname !== "/v5/logs" || total <= 5) return total;
      return total + lie + (wavers && dice.oneIn(20) ? 1 : 0);
    },
    answer: async (url, nowMs, answer) => {
      const n = ++requests;
      if (nowMs >= outage.from && nowMs < outage.from + outage.ms) {
        throw new TypeError("error sending request: connection refused");
      }
      if (n > revokedAt) return json({ detail: "revoked" }, 401);
      if (n === hung) return await new Promise<Response>(() => {});
      if (dice.share() >= rate) return await served(answer);
      const result = await dice.oneOf(kinds)(url, () => served(answer));
      if (result instanceof Error) throw result;
      return result;
    },
  };
}

/** A few records that cannot be served, of whatever list. */
export function makePoison(dice: Dice): Poison {
  const length = dice.oneIn(3) ? dice.oneOf([1, 2, 30]) : 0;
  const ids = Array.from({ length }, () => {
    const kind = dice.oneOf(["log", "log", "e", "dp"]);
    return `"${kind}_${dice.below(dice.oneOf([20, 400, 2500, 25_000]))}"`;
  });
  return { holds: (text) => ids.some((id) => text.includes(id)) };
}
