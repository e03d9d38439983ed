/** What an upgrade takes, and what it changes: both are seen before it is confirmed. */

import { html, useState } from "../../vendor/preact.js";
import { Confirm } from "../../parts/confirm.js";
import { Dialog } from "../../parts/dialog.js";
import { Figures } from "../../parts/figures.js";
import { Failure, useAnswer } from "../../parts/loading.js";
import { Thumbnail } from "../../parts/thumbnail.js";
import { bytes, count, duration, figure, percent } from "../../parts/words.js";
import { estimate, preview, upgrade } from "../../service/calls.js";

const SHOWN = 5; // of the ten nearest

export function UpgradeDialog({ number, onClose }) {
  const { value, error, again } = useAnswer((signal) => estimate(number, { signal }));
  const [ready, setReady] = useState(false);
  return html`<${Confirm}
    ...${{ onClose, ready, act: () => upgrade(number), wide: true }}
    title=${`Upgrade to version ${number}`}
  >
    ${value
      ? html`<${Takes} ...${value} />
          <${Compared} number=${number} onSeen=${() => setReady(true)} />`
      : html`<${Waits} error=${error} again=${again}>Measuring with some of your images<//>`}
  <//>`;
}

export function CompareDialog({ number, onClose }) {
  return html`<${Dialog} wide title=${`Compare with version ${number}`} onClose=${onClose}>
    <${Compared} number=${number} />
  <//>`;
}

const Waits = ({ error, again, children }) =>
  error
    ? html`<${Failure} error=${error} again=${again} />`
    : html`<p role="status"><span class="spinner"></span> ${children}…</p>`;

function Takes({ images, bytes: size, free_bytes: free, hours, trouble, ...found }) {
  const { images_per_s: rate, measured, measured_version: by } = found;
  const items = [
    ["To embed", count(images, "image")],
    ["Embedding, about", hours === null ? "unknown" : duration(3600 * hours)],
    ["To write", bytes(size), `of ${bytes(free)} free`],
  ];
  return html`<${Figures} items=${items} />
    ${size > free && html`<p class="models-trouble">There is no room for it.</p>`}
    <p class="hint">
      ${trouble && `${trouble}. `}
      ${rate && `Measured: version ${by} embedded ${measured} of them, ${figure(rate)} a second. `}
      Searches go on meanwhile.
    </p>`;
}

/** Stored images answered by both versions; `onSeen` hears when they are, or can't be, shown. */
function Compared({ number, onSeen }) {
  const [turn, setTurn] = useState(0);
  return html`<h3>Both versions beside each other</h3>
    <${Drawn} key=${turn} number=${number} onSeen=${onSeen} />
    <button onClick=${() => setTurn(turn + 1)}>Draw other images</button>`;
}

function Drawn({ number, onSeen }) {
  const { value, error, again } = useAnswer((signal) =>
    preview(number, { signal }).finally(() => signal.aborted || onSeen?.()),
  );
  if (!value) return html`<${Waits} error=${error} again=${again}>Both answer<//>`;
  const { trouble, images, agreement_at_10: alike, queries, in_use: old } = value;
  if (trouble) {
    return html`<p>
      ${trouble}. You can compare while the upgrade embeds, and cancel it then: nothing changes
      until its end.
    </p>`;
  }
  return html`<p>
      ${count(queries.length, "stored image")}, drawn at random, and the ${SHOWN} nearest to each.
      Both versions answer out of the same sample of ${count(images, "image")}, not out of all.
      ${alike !== null && ` Of the ten nearest, ${percent(alike)} are alike.`} What one version
      finds alone has a frame.
    </p>
    <ol class="models-both">
      ${queries.map(
        ({ id, before, after, shared }) => html`<li>
          <div>
            <${Thumbnail} id=${id} />
            <h4>${id}</h4>
            <span class="hint">${shared} of ${before.result.length} alike</span>
          </div>
          <${Side} version=${old} found=${before.result} other=${after.result} />
          <${Side} version=${number} found=${after.result} other=${before.result} />
        </li>`,
      )}
    </ol>`;
}

function Side({ version, found, other }) {
  return html`<div>
    <span class="hint">Version ${version}</span>
    <ul aria-label=${`Version ${version}`}>
      ${found.slice(0, SHOWN).map((id) => {
        const isShared = other.includes(id);
        return html`<li class=${isShared ? "" : "models-only"} title=${id}>
          <${Thumbnail} id=${id} alt=${isShared ? id : `${id}, alone`} />
        </li>`;
      })}
    </ul>
  </div>`;
}
