/** A group of duplicates, and what is decided about it. */

import { html } from "../../vendor/preact.js";
import { Action } from "../../parts/action.js";
import { Confirm } from "../../parts/confirm.js";
import { say } from "../../parts/notices.js";
import { Thumbnail } from "../../parts/thumbnail.js";
import { When } from "../../parts/when.js";
import { bytes, count, percent } from "../../parts/words.js";
import { decide, metadata } from "../../service/calls.js";
import { inBlocks, removeAll } from "../../service/many.js";
import { to } from "../../service/route.js";

const UNDO_MS = 10_000;
const MOST = 100; // images that are shown, and decided about pair by pair
const SURE = [
  [0.99, "almost certainly"],
  [0.9, "very probably"],
  [0.7, "probably"],
  [0, "perhaps"],
];

/** `onAsk` opens and closes the question before images go, `onChange` hears what has changed. */
export function Group({ group, isAsked, onAsk, onChange }) {
  const { class: kind, probability, best, images } = group;
  const others = images.map(({ id }) => id).filter((id) => id !== best);
  const number = count(images.length, "image");
  const [, sure] = SURE.find(([least]) => probability >= least);
  const title = `${number}, ${kind === "identical" ? "the same bytes" : `${sure} the same`}`;
  const settle = (decision) => {
    const ids = [best, ...others];
    const pairs = ids.flatMap((a, at) => ids.slice(at + 1).map((b) => ({ a, b, decision })));
    return inBlocks(pairs, decide).finally(onChange);
  };
  const button = (label, decision, said) => {
    const undo = () => settle("undecided").catch((error) => say(error.message, { isError: true }));
    const done = () => say(said, { ms: UNDO_MS, action: { label: "Undo", press: undo } });
    return html`<${Action}
      scope="write"
      disabled=${images.length > MOST}
      onClick=${() => settle(decision).then(done)}
    >
      ${label}
    <//>`;
  };
  const remove = async () => {
    await metadata(best); // refused where it has gone meanwhile: none would be left
    await removeAll(others).finally(onChange);
  };
  return html`<article class="card duplicates" aria-label=${title} tabindex="-1">
    <h2>${title}</h2>
    <p class="hint">
      Probability ${percent(probability)}${others.length > 1 && ", that of the least probable pair"}
    </p>
    <ul>
      ${images
        .toSorted((one, other) => (other.id === best) - (one.id === best))
        .slice(0, MOST)
        .map((image) => html`<${Image} ...${image} isBest=${image.id === best} />`)}
    </ul>
    <div class="row">
      <${Action} scope="write" kind="danger" onClick=${() => onAsk(best)}>Keep only the best…<//>
      ${button("Keep all", "keep_both", `${number} kept`)}
      ${button("They are different", "different", "Kept as different")}
    </div>
    ${isAsked &&
    html`<${Confirm}
      ...${{ scope: "write", kind: "danger", act: remove }}
      onClose=${() => onAsk()}
      title=${`Remove ${count(others.length, "image")}`}
    >
      <p><strong>${best}</strong> stays. What is removed is gone for good, this can't be undone:</p>
      <p class="hint">${others.join(", ")}</p>
    <//>`}
  </article>`;
}

const Image = ({ id, width, height, bytes: size, added_at: at, isBest }) => html`<li>
  <a href=${to("images", { id })}><${Thumbnail} id=${id} alt="" whole /> ${id}</a>
  ${isBest && html` <span class="badge good">best</span>`}
  <p class="hint">
    ${width && `${width} × ${height}, `}${bytes(size)}<br />
    added <${When} at=${at} />
  </p>
</li>`;
