/** When the last backup was made, and how to make one. */

import { html } from "../../vendor/preact.js";
import { useAnswer, useEvery } from "../../parts/loading.js";
import { When } from "../../parts/when.js";
import { count } from "../../parts/words.js";
import { stats } from "../../service/calls.js";

const EVERY_MS = 30_000;
const NONE = "There has been no backup.";
const OLD_S = 7 * 86_400; // as the alert BackupOld has it

/** What can't be asked for just now is left out: the rest of the screen says why. */
export function Backup() {
  const { value, renew } = useAnswer((signal) => stats({ signal }));
  useEvery(EVERY_MS, renew);
  if (!value) return null;
  const { at, images } = value.last_backup ?? {};
  const old = !at || Date.now() / 1000 - at > OLD_S;
  return html`<p class="tasks-backup">
      ${at ? html`Last backup: <${When} at=${at} />, ${count(images, "image")}` : NONE}${" "}
      ${at && old && html`<span class="badge warn">old</span>`}
    </p>
    ${old &&
    html`<p class="hint">
      Make one beside the service, which goes on meanwhile:${" "}
      <code class="tasks-whole">python -m sidecar backup FOLDER</code>
    </p>`}`;
}
