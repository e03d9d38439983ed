/** Asks for an API key. */

import { html, useState } from "../vendor/preact.js";
import { Dialog } from "../parts/dialog.js";
import { asking } from "../service/key.js";
import { useStore } from "../service/store.js";

export function KeyDialog() {
  const asked = useStore(asking);
  const [given, setGiven] = useState("");
  if (!asked) return null;
  const send = (event) => {
    event.preventDefault();
    setGiven("");
    asked.answer(given.trim() || null);
  };
  return html`<${Dialog} title="API key" onClose=${() => asked.answer(null)}>
    <form onSubmit=${send}>
      <p>${asked.why}</p>
      <label>
        Key
        <input
          type="password"
          autocomplete="off"
          autofocus
          value=${given}
          onInput=${(event) => setGiven(event.target.value)}
        />
      </label>
      <p class="hint">It is kept until this tab is closed.</p>
      <footer><button class="primary">Use this key</button></footer>
    </form>
  <//>`;
}
