/** Index. */

import { html } from "../../vendor/preact.js";

/** @param {{parameters: object}} props what stands after `?` in the address */
export function IndexScreen({ parameters }) {
  return html`<h1>Index</h1>`;
}
