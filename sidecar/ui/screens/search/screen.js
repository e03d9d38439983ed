/** Search. */

import { html } from "../../vendor/preact.js";

/** @param {{parameters: object}} props what stands after `?` in the address */
export function SearchScreen({ parameters }) {
  return html`<h1>Search</h1>`;
}
