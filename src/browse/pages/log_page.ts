/** Makes the page of one Log: its facts, its trace, the conversation. */
import { isEmpty, isObject } from "../../core/text/json.ts";
import { html, type Markup } from "../../report/components/html.ts";
import { judgmentView } from "../../report/components/log_view.ts";
import { imageIn, messagesView } from "../../report/components/message_view.ts";
import { type Pair, pairsView } from "../../report/components/pairs_view.ts";
import {
  beginning,
  type Fields,
  formatTime,
  objectsIn,
  readable,
  textIn,
} from "../../report/components/values.ts";
import type { SqlRow } from "../../database/sqlite.ts";
import { count, pluralize } from "../../ui/text.ts";
import {
  address,
  browsePage,
  idView,
  sectionView,
  sourceView,
} from "./page.ts";
import { dollars, fileAddress, parsed, seconds, type Site } from "../site.ts";
import { traceView } from "./trace_view.ts";

/** Texts longer than this are folded, in characters. */
const LONG = 4_000;
/** Longer texts are cut, in characters; the JSON has all of it. */
const LONGEST = 1_000_000;

/** Makes the page at `/log`. */
export function logPage(site: Site, params: URLSearchParams): string {
  const id = params.get("id");
  const row = id !== null
    ? site.row("SELECT * FROM logs WHERE id = ?", id)
    : site.row("SELECT * FROM logs WHERE number = ?", params.get("number"));
  const log = parsed(row);
  const fileId = textIn(row, "file_id");
  const file = site.first("SELECT path FROM files WHERE id = ?", fileId);
  const path = String(file?.["path"] ?? fileId ?? "");
  const title = `Log ${row["id"] ?? row["number"]}`;
  const body = html`<h1>Log</h1>
<p>${idView(String(row["id"] ?? ""))}</p>
${factsView(site, row, log, path)}
${traceView(site, row)}
${inputsView(log)}
${conversationView(log)}
${outputView(log)}
${judgmentsView(site, row)}
${foldedView("Metadata", log["metadata"])}
${foldedView("Standard output", log["stdout"])}
${foldedView("Request to the provider", log["provider_request"])}
${foldedView("Response of the provider", log["provider_response"])}
${
    sourceView({
      dir: site.dir(row),
      path: String(row["disk_path"]),
      line: Number(row["disk_line"]),
      json: address("/json", { table: "logs", number: row["number"]! }),
    })
  }`;
  const way = fileId === null ? [] : [
    [path, fileAddress(fileId)] as const,
    ["Logs", address("/logs", { file: fileId })] as const,
  ];
  return browsePage({ title, path: way, body });
}

function factsView(
  site: Site,
  row: SqlRow,
  log: Fields,
  path: string,
): Markup {
  const fileId = textIn(row, "file_id");
  const versionId = textIn(row, "version_id");
  const version = site.first(
    "SELECT name FROM versions WHERE file_id = ? AND version_id = ?",
    fileId,
    versionId,
  );
  const parentId = textIn(row, "parent_id");
  const tokens = [row["prompt_tokens"], row["output_tokens"]]
    .map((value) => typeof value === "number" ? count(value) : "?");
  const evaluations = site.all(
    `SELECT DISTINCT e.id, e.name FROM evaluation_logs l
     JOIN evaluations e ON e.id = l.evaluation_id WHERE l.log_id = ? LIMIT 20`,
    row["id"] ?? null,
  );
  const facts: readonly Pair[] = [
    [
      "File",
      fileId !== null && html`<a href="${fileAddress(fileId)}">${path}</a>`,
    ],
    [
      "Version",
      versionId !== null &&
      html`<a href="${
        address(fileAddress(fileId ?? ""), { version: versionId })
      }#versions">${version?.["name"] ?? versionId}</a>`,
    ],
    ["Created", formatTime(textIn(row, "created_at"))],
    ["Started", formatTime(textIn(log, "start_time"))],
    ["Ended", formatTime(textIn(log, "end_time"))],
    ["Latency", seconds(row["latency"])],
    [
      "Tokens",
      tokens.join("") === "??" ? null : `${tokens[0]} in, ${tokens[1]} out`,
    ],
    ["Cost", dollars(row["cost"])],
    ["Model", row["model"] ?? null],
    ["Finish reason", textIn(log, "finish_reason")],
    ["Environment", row["environment"] ?? null],
    ["User", row["user"] ?? null],
    ["Source", row["source"] ?? null],
    [
      "Judges",
      parentId !== null &&
      html`<a href="${address("/log", { id: parentId })}">${parentId}</a>`,
    ],
    [
      "In Evaluations",
      evaluations.length > 0 && html`${
        evaluations.map(({ id, name }) =>
          html`
            <a href="/evaluations/${encodeURIComponent(String(id))}">${name ??
              id!}</a>
          `
        )
      }`,
    ],
  ];
  return pairsView("About this Log", facts, { isShown: false });
}

function inputsView({ inputs }: Fields): Markup {
  if (!isObject(inputs) || isEmpty(inputs)) return foldedView("Inputs", inputs);
  return sectionView(
    "Inputs",
    html`<dl>${
      Object.entries(inputs).map(([name, value]) =>
        html`
          <dt>${name}</dt>
          <dd>${textView(value)}</dd>
        `
      )
    }</dl>`,
  );
}

function conversationView(log: Fields): Markup {
  const { messages, output_message: answer } = log;
  const all = [
    ...Array.isArray(messages) ? messages : [],
    ...isObject(answer) ? [answer] : [],
  ];
  if (all.length === 0) return html``;
  const calls = new Map(
    objectsIn({ all }, "all").flatMap((message) =>
      objectsIn(message, "tool_calls").map((call) =>
        [textIn(call, "id"), textIn(call["function"], "name")] as const
      )
    ),
  );
  const more = (message: unknown) => {
    const answered = calls.get(textIn(message, "tool_call_id")) ?? null;
    const content = isObject(message) ? message["content"] : null;
    const images = (Array.isArray(content) ? content : []).map(imageIn)
      .filter((image) => image !== null);
    return html`${
      answered !== null &&
      html`<p class="quiet">answers the call of ${answered}</p>`
    }${
      images.map((image) =>
        html`<img class="embedded" alt="embedded in the message" src="${image}">`
      )
    }`;
  };
  return sectionView("Messages", messagesView(all, Infinity, more));
}

function outputView(log: Fields): Markup {
  const { output, error } = log;
  const judgment = "judgment" in log ? judgmentView(log) : null;
  return html`${
    sectionView("Output", isEmpty(output) ? null : textView(output))
  }${sectionView("Error", isEmpty(error) ? null : textView(error), "bad")}${
    sectionView("Judgment", judgment)
  }`;
}

/** Shows a text; JSON is indented, and a long text is folded. */
function textView(value: unknown): Markup {
  const { text, cut } = beginning(spread(readable(value)), LONGEST);
  const pre = html`<pre dir="auto">${text}</pre>${cutView(cut)}`;
  if (text.length <= LONG) return pre;
  return html`<details><summary>${
    pluralize(text.length, "character")
  }</summary>${pre}</details>`;
}

function cutView(cut: number): Markup {
  return html`${
    cut > 0 &&
    html`<p class="quiet">and ${
      pluralize(cut, "more character")
    }, in the JSON</p>`
  }`;
}

/** Indents JSON within a text; leaves any other text as it is. */
function spread(text: string): string {
  if (!/^\s*[{[]/.test(text)) return text;
  try {
    return readable(JSON.parse(text)) || text;
  } catch {
    return text;
  }
}

function foldedView(title: string, value: unknown): Markup {
  if (isEmpty(value)) return html``;
  const { text, cut } = beginning(spread(readable(value)), LONGEST);
  return html`
    <details>
      <summary><b>${title}</b></summary>
      <pre dir="auto">${text}</pre>${cutView(cut)}
    </details>
  `;
}

function judgmentsView(site: Site, row: SqlRow): Markup {
  const rows = site.all(
    `SELECT j.*, f.path FROM judgments j
     LEFT JOIN files f ON f.id = j.evaluator_id WHERE j.log_id = ?
     GROUP BY coalesce(j.evaluator_log_id, 'row ' || j.rowid) LIMIT 200`,
    row["id"] ?? null,
  );
  if (rows.length === 0) return html``;
  const pairs = rows.map((one): Pair => {
    const said = one["judgment"] ??
      (one["error"] ? `error: ${one["error"]}` : "none");
    const id = one["evaluator_log_id"] ?? null;
    return [
      String(one["path"] ?? one["evaluator_id"] ?? "Evaluator"),
      html`${said}${
        id !== null &&
        html`
          <a class="quiet" href="${address("/log", { id })}">Log</a>
        `
      }`,
    ];
  });
  return sectionView(
    "Judgments",
    pairsView("Judgments", pairs, { isShown: false }),
  );
}
