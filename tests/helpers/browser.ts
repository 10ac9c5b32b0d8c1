/**
 * A real Chromium without a window, spoken to by the DevTools protocol. It is
 * started through `sh`, which tests may run anyway.
 */
import { toFileUrl } from "@std/path";

const NAMES = ["chromium", "chromium-browser", "google-chrome"];
const FLAGS = [
  ...["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic"],
  ...["--no-first-run", "--disable-background-networking", "--disable-sync"],
  ...["--disable-component-update", "--hide-scrollbars"],
  ...["--disable-dev-shm-usage", "--remote-debugging-port=0"],
];
/** A browser that says nothing for so long is not going to, in milliseconds. */
const PATIENCE_MS = 30_000;

/** Returns the command that starts a browser; `null` where none is installed. */
export async function findBrowser(): Promise<string | null> {
  const script = NAMES.map((name) => `command -v ${name}`).join(" || ");
  const { stdout } = await new Deno.Command("sh", { args: ["-c", script] })
    .output();
  return new TextDecoder().decode(stdout).trim() || null;
}

interface Reply {
  readonly id?: number;
  readonly method?: string;
  readonly params?: Record<string, unknown>;
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly message: string };
}

/** What a page did that was not asked of it. */
export interface Deeds {
  /** Addresses that it asked for, itself included. */
  readonly requests: string[];
  /** What it or the browser wrote to the console. */
  readonly console: string[];
  /** Dialogs that it opened. */
  readonly dialogs: string[];
}

/** How wide and high a window is, and whether it is dark. */
export interface View {
  readonly width: number;
  readonly height: number;
  readonly dark?: boolean;
}

/** A browser; disposing it ends it. */
export class Browser implements AsyncDisposable {
  readonly #process: Deno.ChildProcess;
  readonly #profile: string;

  private constructor(
    process: Deno.ChildProcess,
    profile: string,
    readonly origin: string,
  ) {
    this.#process = process;
    this.#profile = profile;
  }

  /** @param command What {@linkcode findBrowser} returned. */
  static async start(command: string): Promise<Browser> {
    const profile = await Deno.makeTempDir({ prefix: "hl-export-browser-" });
    const words = [command, ...FLAGS, `--user-data-dir=${profile}`];
    const process = new Deno.Command("sh", {
      args: ["-c", `exec ${words.map((word) => `'${word}'`).join(" ")}`],
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    let said = "";
    for await (
      const text of process.stderr.pipeThrough(new TextDecoderStream())
    ) {
      said += text;
      const [, origin] = /ws:\/\/([\d.:]+)\//.exec(said) ?? [];
      if (origin !== undefined) return new Browser(process, profile, origin);
    }
    throw new Error(`the browser did not start: ${said}`);
  }

  /** Opens a file of this machine, or an address, and waits until it is loaded. */
  async open(path: string, view: View): Promise<Tab> {
    const response = await fetch(`http://${this.origin}/json/new`, {
      method: "PUT",
    });
    const { webSocketDebuggerUrl } = await response.json();
    const tab = await Tab.connect(webSocketDebuggerUrl);
    await tab.look(view);
    await tab.goto(path);
    return tab;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill("SIGKILL");
    await this.#process.status;
    // Children of the browser may still write for a moment.
    for (let tries = 0; tries < 20; tries++) {
      try {
        return await Deno.remove(this.#profile, { recursive: true });
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
  }
}

/** One page. */
export class Tab implements AsyncDisposable {
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, (reply: Reply) => void>();
  readonly #events = new Map<string, () => void>();
  #id = 0;
  readonly deeds: Deeds = { requests: [], console: [], dialogs: [] };

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener("message", ({ data }) => {
      const reply: Reply = JSON.parse(data);
      if (reply.id !== undefined) this.#waiting.get(reply.id)?.(reply);
      else this.#note(reply);
    });
  }

  static async connect(url: string): Promise<Tab> {
    const socket = new WebSocket(url);
    await new Promise((resolve, reject) => {
      socket.addEventListener("open", resolve, { once: true });
      socket.addEventListener("error", reject, { once: true });
    });
    const tab = new Tab(socket);
    for (const domain of ["Page", "Network", "Runtime", "Log"]) {
      await tab.send(`${domain}.enable`);
    }
    return tab;
  }

  /** Sends a command. */
  async send(
    method: string,
    params: Record<string, unknown> = {},
  ): Promise<Record<string, unknown>> {
    const id = ++this.#id;
    const reply = await within(
      method,
      new Promise<Reply>((resolve) => {
        this.#waiting.set(id, resolve);
        this.#socket.send(JSON.stringify({ id, method, params }));
      }),
    );
    this.#waiting.delete(id);
    if (reply.error) throw new Error(`${method}: ${reply.error.message}`);
    return reply.result!;
  }

  async look({ width, height, dark = false }: View): Promise<void> {
    const value = dark ? "dark" : "light";
    await this.send("Emulation.setDeviceMetricsOverride", {
      ...{ width, height, deviceScaleFactor: 1, mobile: width < 500 },
    });
    await this.send("Emulation.setEmulatedMedia", {
      features: [{ name: "prefers-color-scheme", value }],
    });
  }

  async goto(path: string): Promise<void> {
    const url = /^https?:/.test(path) ? path : toFileUrl(path).href;
    await this.loads(() => this.send("Page.navigate", { url }));
  }

  /** Does what leads to another page, and waits until it is loaded. */
  async loads(work: () => Promise<unknown>): Promise<void> {
    const loaded = new Promise<void>((resolve) =>
      this.#events.set("Page.loadEventFired", resolve)
    );
    await work();
    await within("loading", loaded);
  }

  /** Runs a script in the page. */
  async run<T>(expression: string): Promise<T> {
    const { result, exceptionDetails } = await this.send("Runtime.evaluate", {
      ...{ expression, returnByValue: true, awaitPromise: true },
    }) as { result: { value: T }; exceptionDetails?: unknown };
    if (exceptionDetails !== undefined) {
      throw new Error(JSON.stringify(exceptionDetails));
    }
    return result.value;
  }

  /** Presses a key, such as `Tab`, `Enter` or `/`. */
  async press(key: string, text = key.length === 1 ? key : ""): Promise<void> {
    const event = { key, code: key, text };
    const windowsVirtualKeyCode = { Tab: 9, Enter: 13, Escape: 27 }[key] ?? 0;
    const typed = key === "Enter" ? "\r" : text;
    await this.send("Input.dispatchKeyEvent", {
      ...event,
      ...{ type: "keyDown", text: typed, windowsVirtualKeyCode },
    });
    await this.send("Input.dispatchKeyEvent", {
      ...{ ...event, text: "", type: "keyUp", windowsVirtualKeyCode },
    });
  }

  /** Types a text into what has the focus. */
  async type(text: string): Promise<void> {
    await this.send("Input.insertText", { text });
  }

  /** What is seen, as PNG. */
  async screenshot(): Promise<Uint8Array> {
    const { data } = await this.send("Page.captureScreenshot", {
      ...{ format: "png", optimizeForSpeed: false },
    });
    return Uint8Array.fromBase64(String(data));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise((resolve) =>
      this.#socket.addEventListener("close", resolve, { once: true })
    );
    this.#socket.close();
    await closed;
  }

  #note({ method = "", params = {} }: Reply): void {
    this.#events.get(method)?.();
    this.#events.delete(method);
    const { deeds } = this;
    if (method === "Network.requestWillBeSent") {
      deeds.requests.push((params["request"] as { url: string }).url);
    } else if (method === "Page.javascriptDialogOpening") {
      deeds.dialogs.push(String(params["message"]));
      this.send("Page.handleJavaScriptDialog", { accept: false })
        .catch(() => {});
    } else if (
      method === "Runtime.consoleAPICalled" || method === "Log.entryAdded" ||
      method === "Runtime.exceptionThrown"
    ) deeds.console.push(JSON.stringify(params));
  }
}

/** Bounds the time that a browser may take. */
async function within<T>(label: string, work: Promise<T>): Promise<T> {
  let id: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    id = setTimeout(
      () => reject(new Error(`${label}: no answer in time`)),
      PATIENCE_MS,
    );
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(id);
  }
}
