/** A few figures in one calm row: a name above, a value, and a word beside it. */

import { html } from "../vendor/preact.js";

/** @param {{items: [string, any, any?][]}} props */
export function Figures({ items }) {
  return html`<dl class="figures card">
    ${items.map(
      ([name, value, beside]) =>
        html`<div key=${name}>
          <dt>${name}</dt>
          <dd>${value}${beside && html`<small>${beside}</small>`}</dd>
        </div>`,
    )}
  </dl>`;
}
