/** HTML from templates: whatever is put into one is escaped, unless it is HTML itself. */

export class Html {
  constructor(readonly text: string) {}
  toString(): string {
    return this.text;
  }
}

type Content = string | number | Html | readonly Content[];

export function html(parts: TemplateStringsArray, ...contents: readonly Content[]): Html {
  return new Html(parts.map((part, index) => (index === 0 ? part : render(contents[index - 1]) + part)).join(""));
}

/** HTML that is taken as it is. Never for what an environment file says. */
export function raw(text: string): Html {
  return new Html(text);
}

function render(content: Content): string {
  if (content instanceof Html) return content.text;
  if (typeof content === "object") return content.map(render).join("");
  return escaped(String(content));
}

const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character]);
}
