/** Images. */

import { html } from "../../vendor/preact.js";

/** @param {{parameters: object}} props what stands after `?` in the address */
export function ImagesScreen({ parameters }) {
  return html`<h1>Images</h1>`;
}
