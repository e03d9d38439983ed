/** One image with all that is known of it. */

import { html } from "../../vendor/preact.js";
import { Action } from "../../parts/action.js";
import { Dialog } from "../../parts/dialog.js";
import { Facts, factsOf } from "../../parts/figures.js";
import { Failure, useAnswer } from "../../parts/loading.js";
import { Thumbnail } from "../../parts/thumbnail.js";
import { ago, moment } from "../../parts/words.js";
import { describe, metadata } from "../../service/calls.js";
import { to } from "../../service/route.js";

export function Opened({ id, onClose, onRemove }) {
  const { value, error, again } = useAnswer((signal) =>
    Promise.all([describe(id, { signal }), metadata(id, { signal })]),
  );
  return html`<${Dialog} title=${id} wide onClose=${onClose}>
    <${Failure} error=${error} again=${again} />
    ${value && html`<${About} image=${value[0]} fields=${value[1].metadata ?? {}} />`}
    <footer hidden=${!value}>
      <${Action} scope="write" kind="danger" onClick=${onRemove}>Remove<//>
      <a class="button" href=${to("search", { id })}>Search by it</a>
    </footer>
  <//>`;
}

function About({ image, fields }) {
  return html`<div class="opened">
    <${Thumbnail} id=${image.id} whole />
    <div>
      <h3>Keywords</h3>
      <ul class="chips">
        ${image.keywords.map(
          ({ name, score }) => html`<li>
            <a class="button chip" href=${to("images", { keyword: name })}>
              ${name} <small>${score.toFixed(2)}</small>
            </a>
          </li>`,
        )}
      </ul>
      ${!image.keywords.length && html`<p class="hint">It has none.</p>`}
      <h3>Fields</h3>
      <${Facts} items=${factsOf(fields)} />
      ${!Object.keys(fields).length && html`<p class="hint">It has none.</p>`}
      <${Facts}
        items=${[
          ["Added", `${ago(image.added_at)}, ${moment(image.added_at)}`],
          ["In the index", image.indexed ? "yes" : "after the next update"],
          ["SHA-256", html`<code>${image.sha256}</code>`],
        ]}
      />
    </div>
  </div>`;
}
