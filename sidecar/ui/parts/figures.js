/** Figures and facts. */

import { html } from "../vendor/preact.js";

/**
 * A few figures in one calm row: a name above, a value, and a word beside it.
 *
 * @param {{items: [string, any, any?][]}} props
 */
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

/** Facts one below another, each beside its name. */
export const Facts = ({ items }) => html`<dl class="facts">
  ${items.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}
</dl>`;

/** What users said of an image, as facts. */
export const factsOf = (fields) =>
  Object.entries(fields ?? {}).map(([name, value]) => [name, [value].flat().join(", ")]);
