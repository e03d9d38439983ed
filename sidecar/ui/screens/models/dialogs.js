/** Questions before something is done: once before a rollback, twice before a retirement. */

import { html, useState } from "../../vendor/preact.js";
import { Action } from "../../parts/action.js";
import { Dialog } from "../../parts/dialog.js";
import { Failure } from "../../parts/loading.js";
import { count } from "../../parts/words.js";
import { retire, rollback } from "../../service/calls.js";

/**
 * A dialog that asks for a task when it is confirmed; what refuses it is said in its place.
 *
 * @param {{title: string, act: function(): Promise, ready?: boolean}} props
 */
export function Confirm({ title, act, onClose, ready = true, kind = "primary", ...shown }) {
  const [error, setError] = useState(null);
  const confirm = async () => {
    try {
      await act();
      onClose();
    } catch (refused) {
      setError(refused);
    }
  };
  return html`<${Dialog} ...${{ title, onClose, wide: shown.wide }}>
    ${shown.children} ${error && html`<${Failure} error=${error} />`}
    <footer class="models-footer">
      <button type="button" onClick=${onClose}>Not now</button>
      <${Action} scope="admin" kind=${kind} disabled=${!ready} onClick=${confirm}>${title}<//>
    </footer>
  <//>`;
}

export function RollbackDialog({ number, inUse, onClose }) {
  return html`<${Confirm} title=${`Back to version ${number}`} act=${rollback} onClose=${onClose}>
    <p>
      Version ${number} answers again. Its features and its last index are still there, so only
      what was added since is embedded. Version ${inUse} is kept.
    </p>
  <//>`;
}

export function RetireDialog({ number, version, onClose }) {
  const [typed, setTyped] = useState("");
  const ready = typed.trim() === String(number);
  return html`<${Confirm}
    ...${{ onClose, ready, kind: "danger", act: () => retire(number) }}
    title=${`Retire version ${number}`}
  >
    <p>
      Its features of ${count(version.features, "image")}, its indexes and its place in Triton go
      for good. Its files move to <code>retired/</code> in the repository.
    </p>
    <label>
      Type ${number} to confirm
      <input
        autocomplete="off"
        autofocus
        aria-invalid=${typed && !ready}
        value=${typed}
        onInput=${(event) => setTyped(event.target.value)}
      />
    </label>
  <//>`;
}
