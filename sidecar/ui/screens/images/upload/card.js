/** The card of an upload: what chooses files, how it goes, and what has failed. */

import { html, useRef, useState } from "../../../vendor/preact.js";
import { Action } from "../../../parts/action.js";
import { useDrop } from "../../../parts/dropping.js";
import { say } from "../../../parts/notices.js";
import { Progress } from "../../../parts/progress.js";
import { count, duration, figure } from "../../../parts/words.js";
import { Store, useStore } from "../../../service/store.js";
import { chosen, dropped } from "./files.js";
import { cancel, close, cutOff, goOn, start, upload } from "./run.js";

const SHOWN = 200; // failures; nobody reads more

/** Whether the card is shown without an upload. */
export const isOpen = new Store(false);

export function UploadCard() {
  const course = useStore(upload);
  const lost = useStore(cutOff);
  const open = useStore(isOpen) || course || lost > 0;
  const [options, setOptions] = useState({});
  const take = (files) => start(files, options);
  const over = useDrop((transfer) =>
    dropped(transfer).then(take, (error) =>
      say(`It can't be read: ${error.message}`, { isError: true }),
    ),
  );
  const leave = () => {
    isOpen.set(false);
    close();
  };
  const option = (name, label, hint) => html`<label>
    <input
      type="checkbox"
      checked=${options[name]}
      onChange=${({ target }) => setOptions({ ...options, [name]: target.checked })}
    />
    ${" "}${label} <span class="hint">${hint}</span>
  </label>`;
  return html`${over && html`<p class="veil">Drop images or folders to add them</p>`}
    ${open &&
    html`<section class="card images-upload" aria-label="Upload">
      ${lost > 0 &&
      html`<p role="status">
        An upload of ${count(lost, "file")} was cut off when this page was left. Choose the same
        files or the same folder again: what is stored already is passed over.
      </p>`}
      <div class="row">
        <${Choose} label="Choose files" onFiles=${take} />
        <${Choose} label="Choose a folder" onFiles=${take} webkitdirectory />
        <span class="hint">or drop them anywhere on this page</span>
        ${course?.state !== "running" &&
        html`<button class="quiet end" aria-label="Close" onClick=${leave}>
          ✕
        </button>`}
      </div>
      <div class="row">
        ${option("withFolders", "Folders are part of the id", "cats/tom.jpg is cats:tom, not tom")}
        ${option("overwrite", "Replace", "images that have the same id")}
      </div>
      ${course && html`<${Course} ...${course} />`}
    </section>`}`;
}

function Choose({ label, onFiles, ...others }) {
  const place = useRef();
  const take = ({ target }) => {
    onFiles(chosen(target.files));
    target.value = ""; // so that the same can be chosen again
  };
  return html`<${Action} scope="write" onClick=${() => place.current.click()}>${label}<//>
    <input type="file" hidden multiple ref=${place} onChange=${take} ...${others} />`;
}

function Course({ state, why, total, added, before, failed, rate }) {
  const done = added + before + failed.length;
  const runs = state === "running";
  const left = duration((total - done) / rate);
  const ended = `${added} added, ${before} there before, ${failed.length} failed.`;
  const act = (label, again) =>
    html`<${Action} scope="write" onClick=${() => goOn(again)}>${label}<//>`;
  return html`<${Progress} value=${done / total} label="How much of the upload is done" />
    <div class="row">
      ${runs && `${done} of ${total}${rate ? ` · ${figure(rate)} images/s · ${left} left` : ""}`}
      <span role="status">
        ${runs || `${why && `${why}. `}${ended}`}
      </span>
      <span class="end row">
        ${runs && html`<button onClick=${cancel}>Cancel</button>`}
        ${!runs && done < total && act("Go on", false)}
        ${!runs && failed.length > 0 && act("Try again", true)}
      </span>
    </div>
    ${failed.length > 0 &&
    html`<div class="table" tabindex="0" role="region" aria-label="What has failed">
      <table>
        <tr>
          <th scope="col">${count(failed.length, "file has", "files have")} failed</th>
          <th scope="col">Why</th>
        </tr>
        ${failed.slice(0, SHOWN).map(
          (each) => html`<tr>
            <td>${each.path}</td>
            <td>${each.why}</td>
          </tr>`,
        )}
      </table>
    </div>`}`;
}
