/** Shows the newest Logs of a File, as a table. */
import { isEmpty, isObject } from "../../core/text/json.ts";
import { count, pluralize } from "../../ui/text.ts";
import { html, type Markup } from "./html.ts";
import { messagesView } from "./message_view.ts";
import type { ShownLog } from "../read_logs.ts";
import {
  beginning,
  type Fields,
  formatTime,
  objectsIn,
  readable,
  textIn,
} from "./values.ts";

/** Longer texts are cut, in characters. */
const LONGEST = 1_500;

/** Makes the section of a File's Logs. */
export function logsView(
  newest: readonly ShownLog[],
  { total, chunks }: { readonly total: number; readonly chunks: number },
): Markup {
  if (chunks === 0) return html``;
  const links = html`<a href="logs/">${pluralize(chunks, "file")}</a> of JSON`;
  const rest = total > newest.length
    ? html`<p>The newest ${count(newest.length)} of ${
      count(total)
    }. All of them are in ${links}; to see and search them: <code>hl-export browse</code> and the export's directory.</p>`
    : html`<p>All of them are in ${links}.</p>`;
  return html`<section aria-labelledby="logs">
<h2 id="logs">Logs</h2>
${rest}
<div class="scroll" role="region" tabindex="0" aria-label="Newest Logs"><table class="logs" aria-labelledby="logs">
<thead><tr><th scope="col">Time (UTC)</th><th scope="col">Input</th><th scope="col">Output</th><th scope="col">Judgments</th></tr></thead>
<tbody>
${newest.map(logRow)}
</tbody></table></div>
</section>`;
}

function logRow({ log, chunk, line }: ShownLog): Markup {
  const location = html`
    <a
      href="logs/${chunk}.jsonl">${chunk}.jsonl</a>, line ${Math.abs(
        line,
      )}${line < 0 && " from the end"}
  `;
  if (log === null) {
    return html`
      <tr>
        <td></td>
        <td
          colspan="3">A Log that is too long to show, or not JSON: ${location}</td>
      </tr>
    `;
  }
  const version = versionOf(log);
  const notes = [
    version && textIn(version, "version_name"),
    textIn(log, "environment"),
    textIn(log, "user"),
    textIn(log, "source"),
  ].filter((note) => note !== null);
  const time = textIn(log, "created_at") ?? textIn(log, "start_time");
  return html`
    <tr>
      <td data-label="Time"><time>${formatTime(time)}</time>
    <p class="quiet">${notes.join(" · ")}</p>
    <p class="quiet"><code>${textIn(log, "id") ?? ""}</code></p>
    <p class="quiet">${location}</p></td>
      <td data-label="Input">${inputView(log)}</td>
      <td data-label="Output">${outputView(log)}</td>
      <td data-label="Judgments">${judgmentsView(log)}</td>
    </tr>
  `;
}

/** Returns the Version of a Log, which is under the name of the File's type. */
export function versionOf(log: Fields): Fields | null {
  for (const type of ["prompt", "agent", "flow", "tool", "evaluator"]) {
    const version = log[type];
    if (isObject(version)) return version;
  }
  return null;
}

/** Shows the input of a Log. */
export function inputView(log: Fields, most = LONGEST): Markup {
  const { inputs, messages } = log;
  const fields = isObject(inputs)
    ? Object.entries(inputs).map(([name, value]) =>
      html`
        <dt>${name}</dt>
        <dd>${cutView(readable(value), most)}</dd>
      `
    )
    : [];
  return html`${fields.length > 0 && html`<dl>${fields}</dl>`}${
    messagesView(Array.isArray(messages) ? messages : [], most)
  }`;
}

/** Shows the output of a Log. */
export function outputView(log: Fields, most = LONGEST): Markup {
  const { output, output_message: message, error } = log;
  const texts = isEmpty(output) && isObject(message)
    ? messagesView([message], most)
    : cutView(readable(output), most);
  const failure = readable(error);
  return html`${texts}${
    failure !== "" && html`<p class="bad">Error</p>${cutView(failure, most)}`
  }`;
}

/** Shows the judgments of a Log, and its own if it is an Evaluator's. */
export function judgmentsView(log: Fields): Markup {
  const judgments = objectsIn(log, "evaluator_logs").map((one) => {
    const evaluator = isObject(one["evaluator"]) ? one["evaluator"] : null;
    const name = textIn(evaluator, "name") ?? textIn(evaluator, "path") ??
      "Evaluator";
    return html`
      <dt>${name}</dt>
      <dd>${judgmentView(one)}</dd>
    `;
  });
  const own = "judgment" in log ? judgmentView(log) : null;
  return html`${own}${judgments.length > 0 && html`<dl>${judgments}</dl>`}`;
}

/** Shows the judgment in an Evaluator's Log. */
export function judgmentView(log: Fields): Markup {
  const { judgment } = log;
  if (judgment === true) return html`<span class="good">true</span>`;
  if (judgment === false) return html`<span class="bad">false</span>`;
  return cutView(readable(judgment) || readable(log["error"]) || "none");
}

/** Shows a text, cut if it is long. */
function cutView(whole: string, most = LONGEST): Markup {
  if (whole === "") return html``;
  const { text, cut } = beginning(whole, most);
  return html`<pre dir="auto">${text}</pre>${
    cut > 0 &&
    html`<p class="quiet">and ${pluralize(cut, "more character")}</p>`
  }`;
}
