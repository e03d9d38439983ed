/** One image that was found, with all that is known of it. */

import { html } from "../../vendor/preact.js";
import { Dialog } from "../../parts/dialog.js";
import { Failure, useAnswer } from "../../parts/loading.js";
import { figure, moment } from "../../parts/words.js";
import { describe } from "../../service/calls.js";
import { Copies } from "./copies.js";
import { plan } from "./answer.js";
import { anew } from "./query.js";
import { useStored } from "./query_tile.js";

const STORED = { top_k: 20, keyword_threshold: 0.05 }; // keywords that take no inference

export function Opened({ match: { id, dist, metadata }, query, onOpen, onSearch, onExample }) {
  const { value, error } = useAnswer((signal) => describe(id, STORED, { signal }), [id]);
  const url = useStored(id);
  const fields = [
    ["Distance", figure(dist)],
    ["Added", value && moment(value.added_at)],
    ...Object.entries(metadata ?? {}),
  ];
  return html`<${Dialog} title=${id} wide onClose=${() => onOpen(null)}>
    <div class="search-opened">
      <div>${url && html`<img src=${url} alt=${id} />`}</div>
      <div>
        <div class="row">
          <button type="button" class="primary" onClick=${() => onSearch(id)}>Search by it</button>
          <button type="button" onClick=${() => onExample(id, "like")}>More like it</button>
          <button type="button" onClick=${() => onExample(id, "unlike")}>Less like it</button>
        </div>
        ${error && html`<${Failure} error=${error} />`}
        <dl>
          ${fields.map(
            ([field, each]) => html`<dt>${field}</dt>
              <dd>${Array.isArray(each) ? each.join(", ") : String(each ?? "–")}</dd>`,
          )}
        </dl>
        <ul class="chips" aria-label="Keywords">
          ${value?.keywords.map(
            ({ name, score }) => html`<li class="badge">${name} ${Math.round(100 * score)} %</li>`,
          )}
        </ul>
        <h3>Search by it from a program</h3>
        <div class="row"><${Copies} planned=${() => plan(anew(query, { id }))} /></div>
      </div>
    </div>
  <//>`;
}
