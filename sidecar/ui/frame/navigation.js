/** The screens, and which is shown. */

import { html } from "../vendor/preact.js";
import { rights } from "../service/rights.js";
import { to } from "../service/route.js";
import { useStore } from "../service/store.js";
import { forget } from "../service/key.js";

export function Navigation({ screens, current }) {
  const known = useStore(rights);
  const leave = () => {
    forget();
    location.reload();
  };
  return html`<header class="frame">
    <a class="skip" href="#content" onClick=${skip}>Skip to the content</a>
    <span class="name"><img src="icon.svg" alt="" width="24" height="24" /> Similarity</span>
    <nav aria-label="Screens">
      ${Object.entries(screens).map(
        ([name, { title }]) =>
          html`<a href=${to(name)} aria-current=${name === current ? "page" : undefined}>${title}</a>`,
      )}
    </nav>
    ${known?.name &&
    html`<span class="who">
      ${known.name} <button class="quiet" onClick=${leave}>Forget key</button>
    </span>`}
  </header>`;
}

// The part after # is the screen's, so a plain link can't lead to a place within it.
function skip(event) {
  event.preventDefault();
  document.getElementById("content").focus();
}
