/** One image that was found, with all that is known of it, and the search by it for a program. */

import { html } from "../../vendor/preact.js";
import { Action } from "../../parts/action.js";
import { copy } from "../../parts/clipboard.js";
import { Dialog } from "../../parts/dialog.js";
import { Facts, factsOf } from "../../parts/figures.js";
import { Failure, useAnswer } from "../../parts/loading.js";
import { say } from "../../parts/notices.js";
import { Thumbnail } from "../../parts/thumbnail.js";
import { figure, moment } from "../../parts/words.js";
import { describe } from "../../service/calls.js";
import { address } from "../../service/http.js";
import { key } from "../../service/key.js";

export function Opened({ match: { id, dist, metadata }, query, onOpen, onSearch, onExample }) {
  const { value, error } = useAnswer((signal) => describe(id, { signal }), [id]);
  const { num_results, max_dist, nprob, filter } = query;
  const button = (name, written) => {
    const press = async () => {
      await copy(written({ id, num_results, max_dist, nprob, filter }));
      say(`Copied as ${name}`);
    };
    return html`<${Action} onClick=${press}>Copy as ${name}<//>`;
  };
  const fields = [
    ["Distance", figure(dist)],
    ["Added", value ? moment(value.added_at) : "–"],
    ...factsOf(metadata),
  ];
  return html`<${Dialog} title=${id} wide onClose=${() => onOpen(null)}>
    <div class="opened">
      <${Thumbnail} id=${id} whole />
      <div>
        <div class="row">
          <button class="primary" onClick=${() => onSearch(id)}>Search by it</button>
          <button onClick=${() => onExample(id, "like")}>More like it</button>
          <button onClick=${() => onExample(id, "unlike")}>Less like it</button>
        </div>
        <${Failure} error=${error} />
        <${Facts} items=${fields} />
        <ul class="chips" aria-label="Keywords">
          ${value?.keywords.map(
            ({ name, score }) => html`<li class="badge">${name} ${Math.round(100 * score)} %</li>`,
          )}
        </ul>
        <h3>Search by it from a program</h3>
        <div class="row">${button("curl", curl)} ${button("Python", python)}</div>
      </div>
    </div>
  <//>`;
}

function curl(parameters) {
  const url = address("similarity/search", parameters);
  return `curl '${url}'${key() && ' -H "Authorization: Bearer $SIMILARITY_KEY"'}`;
}

const NAMES = { true: "True", false: "False", null: "None" };

function python({ id, filter, ...numbers }) {
  const named = (name) => NAMES[name] ?? name;
  const wanted = filter?.replace(/"(\\.|[^"])*"|\w+/g, named); // JSON, but for these names
  const options = Object.entries({ ...numbers, filter: wanted }).filter(([, value]) => value);
  const given = options.map(([name, value]) => `, ${name}=${value}`).join("");
  return `from similarity_client import Similarity

with Similarity("${address("").href.replace(/\/$/, "")}") as similarity:
    found = similarity.search(id=${JSON.stringify(id)}${given})
    for distance, image_id in found.pairs():
        print(image_id, distance)
`;
}
