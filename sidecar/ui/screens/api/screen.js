/** API. */

import { html } from "../../vendor/preact.js";

/** @param {{parameters: object}} props what stands after `?` in the address */
export function ApiScreen({ parameters }) {
  return html`<h1>API</h1>`;
}
