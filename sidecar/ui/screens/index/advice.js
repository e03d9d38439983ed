/** What the figures mean for the user, and what to press. */

import { html } from "../../vendor/preact.js";
import { Action } from "../../parts/action.js";
import { count } from "../../parts/words.js";
import { train, update } from "../../service/calls.js";

const FEWEST = 1000; // images for a training: docs/API.md, "need more samples"

/** `refresh` is called when a task was asked for. */
export function Advice({ stats, refresh }) {
  const advice = advise(stats);
  const wanted = advice.find(({ press }) => press)?.press;
  const button = (label, ask, disabled) =>
    html`<${Action}
      scope="admin"
      kind=${label === wanted ? "primary" : ""}
      disabled=${disabled}
      onClick=${() => ask().then(refresh)}
    >
      ${label}
    <//>`;
  return html`<div class="row">
      <h2>What to do</h2>
      <span class="row end">
        ${button("Update", update, stats.generation === null)} ${button("Train", train)}
      </span>
    </div>
    <ul class="advice">
      ${advice.map(({ kind, text }) => html`<li key=${text} class=${kind}>${text}</li>`)}
    </ul>
    <p class="hint">
      An update takes in what was added and removed since. A training makes the index afresh from
      all images, and takes longer. Searches go on meanwhile.
    </p>`;
}

/** Sentences on how the index is, the gravest first: {kind, text, press}. */
function advise(stats) {
  const found = [...ahead(stats), ...promises(stats), ...news(stats)];
  const text = "Every image is in the index. There is nothing to do.";
  return found.length ? found : [{ kind: "good", text }];
}

function ahead({ generations_ahead: newer, generation }) {
  if (!newer.length) return [];
  const text =
    "The catalogue went back to an older copy, and the index knows images that it lacks " +
    `(generation ${newer.join(", ")}). Bring the right database back, and all is well again. ` +
    `If this one is to stay, add what is lost and press ${generation ? "Update" : "Train"}.`;
  return [{ kind: "bad", text }];
}

function promises({ training_due: due, warnings }) {
  const later = "Train at a quiet hour; until then a larger NPROB makes up for it.";
  return [
    ...warnings.map((why) => ({ kind: "bad", text: `Searches find too little: ${why}. ${later}` })),
    ...due.map((why) => ({ kind: "warn", press: "Train", text: `A training is due: ${why}.` })),
  ];
}

function news({ generation, images, waiting, live, deleted }) {
  if (!generation) return [{ kind: "warn", ...first(images, live) }];
  const some = `${live.toLocaleString("en")} of them`;
  const seen = `Searches find ${live === waiting ? "them already, one by one" : some}`;
  const added = `${count(waiting, "image")} waiting for an update. ${seen}.`;
  const left = count(deleted, "removed image");
  const gone = `${left} gone from every search, and with an update from the index's files, too.`;
  return [
    waiting && { press: "Update", kind: "warn", text: added },
    deleted && { press: "Update", text: gone },
  ].filter(Boolean);
}

/** Before the first training. */
function first(images, live) {
  const meanwhile =
    live === images ? "searches compare all images, one by one" : "searches find nothing";
  return images < FEWEST
    ? { text: `A training needs ${count(FEWEST - images, "more image")}. Until then ${meanwhile}.` }
    : { press: "Train", text: `There is no index yet: press Train. Until then ${meanwhile}.` };
}
