/** Shows the messages of a template or a Log. */
import { isObject } from "../../core/text/json.ts";
import { pluralize } from "../../ui/text.ts";
import { html, type Markup } from "./html.ts";
import { beginning, objectsIn, readable, textIn } from "./values.ts";

/**
 * Shows messages, each with its role.
 *
 * @param most Longer texts are cut, in characters.
 * @param more Makes what is shown below a message.
 */
export function messagesView(
  messages: readonly unknown[],
  most = Infinity,
  more: (message: unknown) => Markup = () => html``,
): Markup {
  return html`${
    messages.map((message) =>
      html`${messageView(message, most)}${more(message)}`
    )
  }`;
}

function messageView(message: unknown, most: number): Markup {
  if (!isObject(message)) return bubble("message", readable(message), most);
  const role = textIn(message, "role") ?? "message";
  const calls = objectsIn(message, "tool_calls").map(({ function: call }) =>
    bubble(
      `calls ${textIn(call, "name") ?? "a tool"}`,
      textIn(call, "arguments") ?? "",
      most,
    )
  );
  const name = textIn(message, "name");
  const title = name === null ? role : `${role} (${name})`;
  return html`${bubble(title, contentText(message["content"]), most)}${calls}`;
}

function bubble(title: string, whole: string, most: number): Markup {
  const { text, cut } = beginning(whole, most);
  return html`
    <div
      class="message"><p class="role">${title}</p><pre dir="auto">${withVariables(
        text,
      )}</pre>${cut > 0 &&
        html`<p class="quiet">and ${
          pluralize(cut, "more character")
        }</p>`}</div>
  `;
}

/** Returns text, or the text in parts. */
function contentText(content: unknown): string {
  if (!Array.isArray(content)) return readable(content);
  return content.map((part) =>
    imageIn(part) !== null ? "[image]" : textIn(part, "text") ?? readable(part)
  ).join("\n");
}

/**
 * Returns the image that a part of a message embeds; `null` if there is none.
 */
export function imageIn(part: unknown): string | null {
  const url = isObject(part) ? textIn(part["image_url"], "url") : null;
  const isImage = url !== null &&
    /^data:image\/(png|jpeg|gif|webp);base64,[\w+/=\s]*$/.test(url);
  return isImage ? url : null;
}

/** Shows a template with its `{{variables}}` highlighted. */
export function withVariables(text: string): Markup {
  const parts = text.split(/(\{\{[^{}\n]{1,200}\}\})/);
  return html`${
    parts.map((part, i) => i % 2 === 1 ? html`<mark>${part}</mark>` : part)
  }`;
}
