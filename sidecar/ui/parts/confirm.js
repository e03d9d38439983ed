/** A question before something is done; what refuses it is said in its place. */

import { html, useState } from "../vendor/preact.js";
import { Action } from "./action.js";
import { Dialog } from "./dialog.js";
import { Failure } from "./loading.js";

/**
 * @param {{title: string, act: function(): Promise, onClose: function(): void, ready?: boolean,
 *   scope?: string, kind?: string, wide?: boolean}} props `title` is on the button, too; `scope`
 *   and `kind` are an Action's
 */
export function Confirm({ title, act, onClose, ready = true, ...shown }) {
  const { scope = "admin", kind = "primary", wide, children } = shown;
  const [error, setError] = useState(null);
  const confirm = async () => {
    try {
      await act();
      onClose();
    } catch (refused) {
      setError(refused);
    }
  };
  return html`<${Dialog} ...${{ title, onClose, wide }}>
    ${children} <${Failure} error=${error} />
    <footer>
      <button onClick=${onClose}>Not now</button>
      <${Action} ...${{ scope, kind }} disabled=${!ready} onClick=${confirm}>${title}<//>
    </footer>
  <//>`;
}
