/** Which parts of the service answer, what goes on without those that do not, and its backups. */

import { html } from "../../vendor/preact.js";
import { Failure, useAnswer, useEvery } from "../../parts/loading.js";
import { ready } from "../../service/calls.js";
import { Backup } from "./backup.js";

const EVERY_MS = 5_000;
const PARTS = {
  catalogue: ["Catalogue", "Nothing works without it."],
  triton: ["Triton", "Adding and searching by an upload wait for it. Other searches go on."],
  queue: ["Queue", "Trainings and updates wait for it. Adding and searching go on."],
  images: ["Image store"],
};

export function Health() {
  const { value, error, again, renew } = useAnswer((signal) => ready({ signal }));
  useEvery(EVERY_MS, renew);
  const { parts: states, degraded } = value ?? {};
  const parts = Object.keys({ ...states, ...degraded }).map((part) =>
    described(part, states[part] ?? "ok", degraded?.[part]),
  );
  const away = parts.filter(({ why }) => why).map(({ name }) => name);
  const lacking = parts.filter(({ lacks }) => lacks).map(({ name }) => name);
  const words = away.length
    ? `${away.join(" and ")} ${away.length > 1 ? "are" : "is"} away. Asked again every few seconds.`
    : lacking.length
      ? `${lacking.join(" and ")} answers in part.`
      : "All is well.";
  return html`<section class="card" aria-labelledby="tasks-health">
    <h2 id="tasks-health">Health</h2>
    <p role="status">${value && !error && words}</p>
    ${error
      ? html`<${Failure} error=${error} again=${again} />`
      : html`<ul class="tasks-parts">
          ${parts.map(draw)}
        </ul>`}
    <${Backup} />
  </section>`;
}

const draw = ({ name, without, why, lacks }) => html`<li key=${name}>
  <strong>${name}</strong>${" "}
  <span class=${`badge ${why ? "bad" : "good"}`}>${why ? "away" : "answers"}</span>
  ${why && html`<p>${without}</p><p class="hint">${why}</p>`}
  ${lacks && html`<p class="hint">${lacks}</p>`}
</li>`;

/** `why` follows the word of the error; a key that may not read gets that alone. */
function described(part, state, degraded) {
  const [name, without] = PARTS[part] ?? [part];
  return { name, without, why: state === "ok" ? "" : reason(state), lacks: degraded && reason(degraded) };
}

const reason = (state) => state.split(/: (.*)/s)[1] ?? state;
