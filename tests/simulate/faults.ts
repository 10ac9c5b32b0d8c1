/** How answers of the API fail: each kind that a server or a proxy shows. */
import type { Dice } from "./dice.ts";

/** An answer instead of the server's. */
export type Fault = (url: URL, answer: () => Promise<Response>) =>
  | Promise<Response>
  | Response
  | Error;

/** Sees a request before whatever lies behind it answers. */
export type Layer = (
  url: URL,
  nowMs: number,
  answer: () => Promise<Response>,
) => Promise<Response>;

/** Makes an answer that is JSON. */
export const json = (value: unknown, status = 200): Response =>
  new Response(JSON.stringify(value), { status });

/** Every retried kind of failure. */
export const RETRIED: readonly Fault[] = [
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
 * way like the end of the list, and cannot be noticed.
 */
export const SHORT: readonly Fault[] = [
  (_, answer) => changed(answer, () => ""),
  (_, answer) =>
    changed(answer, (records) => records.replace(/^\{.*?\}(?=,\{|$),?/, "")),
];

/** Makes a list's page with other records, everything else as it was. */
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

/** Fails a share of all requests. */
export function failing(
  dice: Dice,
  rate: number,
  kinds: readonly Fault[],
): Layer {
  return async (url, _, answer) => {
    if (dice.share() >= rate) return await answer();
    const result = await dice.oneOf(kinds)(url, answer);
    if (result instanceof Error) throw result;
    return result;
  };
}

/** Fails where an answer holds one of a few records, of whatever list. */
export function failingRecords(dice: Dice): Layer {
  const length = dice.oneOf([1, 2, 30]);
  const ids = Array.from({ length }, () => {
    const kind = dice.oneOf(["log", "log", "e", "dp"]);
    return `"${kind}_${dice.below(dice.oneOf([20, 400, 2500, 25_000]))}"`;
  });
  return async (_, __, answer) => {
    const text = await (await answer()).text();
    const isHeld = ids.some((id) => text.includes(id));
    return isHeld ? json({ detail: "poison" }, 500) : new Response(text);
  };
}
