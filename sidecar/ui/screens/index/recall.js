/** What searches find: promised, measured and at least, for every NPROB and generation. */

import { html } from "../../vendor/preact.js";
import { count, percent } from "../../parts/words.js";
import { Chart, Legend } from "./chart.js";

const MOST = 40; // generations

/** @param {{stats: object, promises: object}} props `promises`: the recall of each NPROB */
export function Recall({ stats, promises }) {
  const points = stats.recall.map(({ nprob: label, recall: value, at_least: low }) => {
    return { label, value, low, promised: promises[label] };
  });
  const filtered = stats.filtered_recall.map(({ share, recall }) => [percent(share), recall]);
  return html`<section class="card" aria-labelledby="index-recall">
    <h2 id="index-recall">What searches find</h2>
    <p class="hint">
      Recall is the share of the ten nearest images that a search finds. It was measured with
      ${" "}${count(stats.queries, "query", "queries")} when generation ${stats.generation} was
      made. The larger its NPROB, the farther a search looks, and the longer it takes.
    </p>
    <${Chart} points=${points} axis="NPROB" label="Recall by NPROB: see the table" />
    <${Legend} />
    <details>
      <summary>Recall by NPROB as a table</summary>
      <${Table}
        heads=${["NPROB", "Promised", "Measured", "At least"]}
        rows=${points.map(({ label, promised, value, low }) => [label, promised, value, low])}
      />
    </details>
    ${filtered.length > 0 &&
    html`<h3 class="index-filtered">With a filter</h3>
      <p class="hint">At the usual NPROB, where a part of the images meets the filter.</p>
      <${Table} heads=${["Images that meet it", "Measured"]} rows=${filtered} />`}
  </section>`;
}

/** The recall at the usual NPROB, as the tasks that made the generations measured it. */
export function Generations({ tasks }) {
  const made = new Map(); // of tasks that left the same one, the first
  for (const task of tasks) {
    if (task.recall_at_10) made.set(task.generation, task);
  }
  if (made.size < 2) return null;
  const points = [...made.values()]
    .sort((a, b) => a.generation - b.generation)
    .slice(-MOST)
    .map((task) => {
      return { label: task.generation, value: task.recall_at_10, low: task.recall_at_least };
    });
  return html`<section class="card" aria-labelledby="index-generations">
    <h2 id="index-generations">From generation to generation</h2>
    <p class="hint">Recall at the usual NPROB, measured when each was made.</p>
    <${Chart} points=${points} height=${170} label="Recall by generation: see the table" />
    <details>
      <summary>Recall by generation as a table</summary>
      <${Table}
        heads=${["Generation", "Measured", "At least"]}
        rows=${points.map(({ label, value, low }) => [label, value, low]).reverse()}
      />
    </details>
  </section>`;
}

/** Rows of a name and shares. */
const Table = ({ heads, rows }) => html`<table class="index-table">
  <thead>
    <tr>
      ${heads.map((head, at) => html`<th scope="col" class=${at && "number"}>${head}</th>`)}
    </tr>
  </thead>
  <tbody>
    ${rows.map(
      ([name, ...shares]) =>
        html`<tr key=${name}>
          <th scope="row">${name}</th>
          ${shares.map((share) => html`<td class="number">${fixed(share)}</td>`)}
        </tr>`,
    )}
  </tbody>
</table>`;

const fixed = (share) => (share === undefined ? "–" : `${(100 * share).toFixed(2)}%`);
