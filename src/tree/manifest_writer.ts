/** Keeps `export.json` up to date while a run goes on. */
import { type Gap, gapText } from "../core/gap.ts";
import { redact } from "../core/text/redact.ts";
import type { Counts, Observer } from "../core/observer.ts";
import type { Clock, Disk } from "../core/runtime/runtime.ts";
import {
  type FileEntry,
  type Manifest,
  type Settings,
  TOOL_NAME,
} from "./manifest.ts";
import type { SumRecorder } from "./write/atomic_file.ts";
import { writeJson } from "./json_file.ts";
import { VERSION } from "../core/runtime/version.ts";

/** What {@linkcode ManifestWriter} is made from. */
export interface ManifestWriterOptions {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly path: string;
  readonly settings: Settings;
  readonly sums: SumRecorder;
  readonly observer: Observer;
  /** Texts that appear nowhere. */
  readonly secrets: readonly string[];
  /** The manifest of an earlier run. */
  readonly earlier: Manifest | null;
}

/** Time between two saves while Files are exported, in milliseconds. */
const SAVE_EVERY_MS = 5_000;

/** What a run knows of the whole export. */
export class ManifestWriter {
  readonly #options: ManifestWriterOptions;
  readonly #files: Map<string, FileEntry>;
  readonly #gaps: Gap[] = [];
  readonly #paths = new Map<string, string>();
  readonly #startedAt: string;
  #settings: Settings;
  #savedMs: number;
  #saving: Promise<void> = Promise.resolve();

  constructor(options: ManifestWriterOptions) {
    const { earlier, clock } = options;
    this.#options = options;
    this.#settings = options.settings;
    this.#files = new Map(Object.entries(earlier?.files ?? {}));
    this.#startedAt = earlier?.startedAt ?? isoTime(clock);
    this.#savedMs = clock.monotonicMs();
  }

  /** What is missing, as far as this run knows. */
  get gaps(): readonly Gap[] {
    return this.#gaps;
  }

  /** All Files, by their ids. */
  get files(): ReadonlyMap<string, FileEntry> {
    return this.#files;
  }

  /** The paths of the Files that lack something, by their ids. */
  get paths(): ReadonlyMap<string, string> {
    return this.#paths;
  }

  /** Sets the workspace's root Directory. */
  setRoot(rootDirectoryId: string | null): void {
    if (rootDirectoryId === null) return;
    this.#settings = { ...this.#settings, rootDirectoryId };
  }

  setFile(
    { id, type, path }: Pick<FileEntry, "type" | "path"> & {
      readonly id: string;
    },
    state: FileEntry["state"],
    counts: Counts,
  ): void {
    const safe = path === null ? null : redact(path, this.#options.secrets);
    this.#files.set(id, { type, path: safe, state, counts });
  }

  /**
   * Takes in what is missing, and logs it.
   *
   * @returns The gaps without secrets: a message of the API may quote the key.
   */
  addGaps(gaps: readonly Gap[]): readonly Gap[] {
    const { secrets, observer } = this.#options;
    const safe = gaps.map((gap) => ({
      ...gap,
      reason: redact(gap.reason, secrets),
    }));
    this.#gaps.push(...safe);
    for (const gap of safe) {
      const { fileId } = gap;
      const path = this.#files.get(fileId ?? "")?.path;
      if (fileId !== null && path) this.#paths.set(fileId, path);
      observer.log("ERROR", `missing: ${gapText(gap, this.#paths)}`);
    }
    return safe;
  }

  /** Saves, unless the last save was a moment ago. */
  async saveIfDue(): Promise<void> {
    const nowMs = this.#options.clock.monotonicMs();
    if (nowMs - this.#savedMs < SAVE_EVERY_MS) return;
    this.#savedMs = nowMs;
    await this.save("running");
  }

  async save(state: Manifest["state"]): Promise<void> {
    const { disk, path, sums } = this.#options;
    this.#saving = this.#saving.catch(() => {}).then(() =>
      writeJson(disk, path, this.#manifest(state), sums)
    );
    await this.#saving;
  }

  #manifest(state: Manifest["state"]): Manifest {
    return {
      tool: TOOL_NAME,
      version: VERSION,
      settings: this.#settings,
      startedAt: this.#startedAt,
      updatedAt: isoTime(this.#options.clock),
      state,
      files: Object.fromEntries(this.#files),
      gaps: this.#gaps,
    };
  }
}

function isoTime(clock: Clock): string {
  return new Date(clock.now()).toISOString();
}
