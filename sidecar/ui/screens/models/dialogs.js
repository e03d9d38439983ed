/** Questions before something is done: once before a rollback, twice before a retirement. */

import { html, useState } from "../../vendor/preact.js";
import { Confirm } from "../../parts/confirm.js";
import { count } from "../../parts/words.js";
import { retire, rollback } from "../../service/calls.js";

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
