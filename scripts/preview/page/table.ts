/** A table that a phone shows as one card a row. */
import { html, type Html } from "./html";

/** @param name class of the table, for the style sheet. @param head titles of the columns; the first column holds each row's own name */
export function dataTable(name: string, head: readonly string[], rows: readonly (readonly (string | Html)[])[]): Html {
  return html`<div class="table"><table class="${name}">
<thead><tr>${head.map((title) => html`<th scope="col">${title}</th>`)}</tr></thead>
<tbody>${rows.map(
    ([own, ...cells]) => html`<tr><th scope="row">${own}</th>${cells.map((cell, index) => html`<td data-label="${head[index + 1]}"><div>${cell}</div></td>`)}</tr>
`,
  )}</tbody>
</table></div>`;
}
