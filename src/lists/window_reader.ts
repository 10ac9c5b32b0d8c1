/**
 * Walks a long list window by window, as one ordered stream. While one window is
 * read the next is found and begun, so that no slot stands idle between them.
 */
import type { DateWindow } from "../core/gap.ts";
import {
  cutByDate,
  type CutWindow,
  type DatedList,
  type Head,
} from "./time_windows.ts";
import type {
  Expected,
  ListWalk,
  WalkContext,
  WalkEvent,
  WalkStart,
} from "./list_types.ts";
import { Task, type Work } from "../core/work.ts";
import { openWalk, type Walk } from "./list_reader.ts";

/** What {@linkcode WindowWalk} is made from. */
export interface WindowWalkOptions<T> {
  readonly list: DatedList<T>;
  /** What is left of the list: all of it, or what an earlier run had not begun. */
  readonly whole: DateWindow & Head;
  /** Where in the list to begin, in `whole`. */
  readonly start: WalkStart;
  readonly known: Expected;
}

interface Opened<T> extends CutWindow {
  readonly walk: Walk<T>;
}

/** One walk over all windows of a list. */
export class WindowWalk<T> implements ListWalk<T> {
  readonly #context: WalkContext;
  readonly #options: WindowWalkOptions<T>;
  readonly #windows: AsyncGenerator<CutWindow, void>;
  readonly #open = new Set<Walk<T>>();
  /** The windows that are not opened yet. */
  readonly #task: Task;
  readonly total: number;
  /** What went wrong with a window; `null` while nothing did. */
  #mismatch: string | null = null;
  #ended = false;

  constructor(context: WalkContext, options: WindowWalkOptions<T>) {
    this.#context = context;
    this.#options = options;
    const { whole } = options;
    this.#windows = cutByDate(context.session, options.list, whole);
    this.total = whole.before + whole.count;
    this.#task = new Task(context.work);
    this.#task.expected(this.#workOf(this.total - options.start.skip));
  }

  #workOf(records: number): Work {
    const pages = Math.ceil(records / this.#options.known.most);
    return { requests: pages, records };
  }

  get moved(): boolean {
    return this.#mismatch !== null || [...this.#open].some((one) => one.moved);
  }

  mismatch(places: number): string | null {
    if (this.#mismatch !== null || places === this.total) return this.#mismatch;
    return `the API says ${this.total} records, the windows hold ${places}`;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<WalkEvent<T>, void> {
    let current = await this.#next();
    while (current !== null) {
      const next = this.#next();
      // Awaited below; a rejection before that must not end the process.
      next.catch(() => {});
      yield* this.#read(current);
      current = await next;
    }
  }

  [Symbol.dispose](): void {
    this.#ended = true;
    this.#task[Symbol.dispose]();
    for (const walk of this.#open) walk[Symbol.dispose]();
  }

  async *#read(
    { window, rest, walk }: Opened<T>,
  ): AsyncGenerator<WalkEvent<T>> {
    yield { kind: "rest", rest };
    let places = Math.max(this.#options.start.skip, window.before);
    for await (const event of walk) {
      if (event.kind === "records") places += event.records.length;
      if (event.kind !== "gap") {
        yield event;
        continue;
      }
      places += event.gap.count;
      const offset = window.before + event.gap.offset;
      yield { kind: "gap", gap: { ...event.gap, offset, window } };
    }
    const wanted = window.before + window.count;
    this.#mismatch ??= walk.mismatch(places - window.before) ??
      (places === wanted
        ? null
        : `a window of ${window.count} records holds ${
          places - window.before
        }`);
    walk[Symbol.dispose]();
    this.#open.delete(walk);
  }

  /** Finds and begins the next window of which anything is wanted. */
  async #next(): Promise<Opened<T> | null> {
    const { list, start, known } = this.#options;
    while (true) {
      const { value: cut } = await this.#windows.next();
      if (cut === undefined) return null;
      const { window, rest } = cut;
      const { after, until, before, count } = window;
      if (before + count <= start.skip) continue;
      const inside = start.skip > before;
      const walk = await openWalk(this.#context, list(after, until), {
        skip: inside ? start.skip - before : 0,
        last: inside ? start.last : null,
        recent: start.recent,
        expected: { ...known, total: count },
      });
      this.#open.add(walk);
      // From here on the window speaks for itself.
      const { requests, records } = this.#workOf(
        before + count - Math.max(before, start.skip),
      );
      this.#task.expected({ requests: -requests, records: -records });
      if (this.#ended) walk[Symbol.dispose]();
      return { window, rest, walk };
    }
  }
}
