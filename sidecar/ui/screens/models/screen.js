/** Models. */

import { html } from "../../vendor/preact.js";

/** @param {{parameters: object}} props what stands after `?` in the address */
export function ModelsScreen({ parameters }) {
  return html`<h1>Models</h1>`;
}
