/** What the marks of the timelines mean. */
import { html, raw, type Html } from "../../preview/page/html";

const sample = (body: string): Html => raw(`<svg width="34" height="18" aria-hidden="true">${body}</svg>`);

const KEY: readonly (readonly [Html, string])[] = [
  [sample('<g class="lease"><rect class="ran" y="2" width="34" height="13"/></g>'), "a worker ran, with its number in the order of their beginning; every second one is paler"],
  [sample('<g class="plain"><rect class="ran" y="2" width="34" height="13"/></g>'), "the same under the plain policy"],
  [sample('<rect class="overlap" x="1" y="2" width="32" height="14"/>'), "two ran at once"],
  [sample('<g class="dimension gap"><line x1="2" x2="32" y1="9" y2="9"/><line x1="2" x2="2" y1="4" y2="14"/><line x1="32" x2="32" y1="4" y2="14"/></g>'), "how long none ran"],
  [sample('<rect class="fault" width="34" height="18"/>'), "something was broken"],
  [sample('<rect class="phase standby" y="4" width="34" height="4"/><rect class="phase active" y="11" width="34" height="4"/>'), "the lease, by its holder's log: stands by (pale), held while its worker ran (dark)"],
  [sample('<rect class="phase between" y="7" width="34" height="4"/>'), "the lease: on the way, such as acquiring, draining, killing, releasing"],
];

export function keyHtml(): Html {
  return html`<ul class="key">${KEY.map(([mark, text]) => html`<li>${mark}<span>${text}</span></li>
`)}</ul>
<p>Seconds since the first fault or action. × fault, ▸ action, + undone, ○ seen by the drill. A pointer over a bar or a line tells its times.</p>`;
}
