/** One image with all that is known of it. */

import { html } from "../../vendor/preact.js";
import { Action } from "../../parts/action.js";
import { Dialog } from "../../parts/dialog.js";
import { Failure, useAnswer } from "../../parts/loading.js";
import { Thumbnail } from "../../parts/thumbnail.js";
import { ago, moment } from "../../parts/words.js";
import { describe, metadata } from "../../service/calls.js";
import { to } from "../../service/route.js";

const STORED = { top_k: 20, keyword_threshold: 0.05 }; // keywords that take no inference

export function Opened({ id, onClose, onRemove }) {
  const { value, error, again } = useAnswer((signal) =>
    Promise.all([describe(id, STORED, { signal }), metadata(id, { signal })]),
  );
  return html`<${Dialog} title=${id} wide onClose=${onClose}>
    ${error && html`<${Failure} error=${error} again=${again} />`}
    ${value && html`<${About} image=${value[0]} fields=${value[1].metadata ?? {}} />`}
    <footer hidden=${!value}>
      <${Action} scope="write" kind="danger" onClick=${onRemove}>Remove<//>
      <a class="button" href=${to("search", { id })}>Search by it</a>
    </footer>
  <//>`;
}

function About({ image, fields }) {
  return html`<div class="images-opened">
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
      <dl>
        ${Object.entries(fields).map(
          ([name, value]) => html`<dt>${name}</dt>
            <dd>${Array.isArray(value) ? value.join(", ") : String(value)}</dd>`,
        )}
      </dl>
      ${!Object.keys(fields).length && html`<p class="hint">It has none.</p>`}
      <dl>
        <dt>Added</dt>
        <dd>${ago(image.added_at)}, ${moment(image.added_at)}</dd>
        <dt>In the index</dt>
        <dd>${image.indexed ? "yes" : "after the next update"}</dd>
        <dt>SHA-256</dt>
        <dd><code>${image.sha256}</code></dd>
      </dl>
    </div>
  </div>`;
}
