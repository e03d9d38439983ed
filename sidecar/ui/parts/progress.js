/** How far something is, from 0 to 1; null where nobody knows. */

import { html } from "../vendor/preact.js";

export function Progress({ value, label }) {
  const known = value === null || value === undefined ? {} : { value };
  return html`<progress max="1" ...${known} aria-label=${label}></progress>`;
}
