/** A form to try a call by, and what was answered. */

import { html, useEffect, useState } from "../../vendor/preact.js";
import { Action } from "../../parts/action.js";
import { copy } from "../../parts/clipboard.js";
import { say } from "../../parts/notices.js";
import { may, rights } from "../../service/rights.js";
import { curl, requestOf, send } from "./document.js";

/** Text in which `names` stand between back quotes. */
export const Prose = ({ text = "" }) =>
  text.split("`").map((part, at) => (at % 2 ? html`<code>${part}</code>` : part));

/**
 * @param {{call: object, isFree: boolean, fields: object[], bodies: object[]}} props `isFree`:
 *   whichever scope a key has opens it
 */
export function Trial({ call, isFree, fields, bodies }) {
  const [given, setGiven] = useState(() => {
    const { example = {} } = bodies.find(({ kind }) => kind.includes("json")) ?? {};
    return { kind: bodies[0]?.kind ?? "", texts: {}, files: {}, text: JSON.stringify(example) };
  });
  const [answer, setAnswer] = useState(null);
  const set = (part, value) => setGiven((all) => ({ ...all, [part]: value }));
  const { kind, texts, files, text } = given;
  const body = bodies.find((each) => each.kind === kind);
  const isJson = kind.includes("json");
  const request = () => requestOf(call, fields, given);
  const [mine] = rights.get()?.scopes ?? [];
  const scope = isFree ? mine : call["x-scope"];
  const put = async () => {
    await copy(curl(request()));
    say("Copied");
  };
  return html`<form class="api-trial" onSubmit=${(event) => event.preventDefault()}>
    ${fields.map(
      (each) => html`<${Field}
        ...${each}
        value=${texts[each.name]}
        onValue=${({ target }) => set("texts", { ...texts, [each.name]: target.value })}
      />`,
    )}
    ${bodies.length > 1 &&
    html`<label>
      Body
      <select value=${kind} onChange=${(event) => set("kind", event.target.value)}>
        ${bodies.map((each) => html`<option>${each.kind}</option>`)}
      </select>
    </label>`}
    ${isJson
      ? html`<label>
          JSON
          <textarea value=${text} onInput=${(event) => set("text", event.target.value)}></textarea>
        </label>`
      : body?.files.map(
          (each) => html`<${Field}
            ...${each}
            onFiles=${({ target }) => set("files", { ...files, [each.name]: [...target.files] })}
          />`,
        )}
    <div class="row api-whole">
      <${Action}
        ...${{ type: "submit", kind: "primary", scope }}
        onClick=${async () => setAnswer(await send(request()))}
      >
        Send
      <//>
      <${Action} scope=${mine} onClick=${put}>
        Copy as curl
      <//>
      ${!may(scope) && html`<span class="hint">This key has no scope '${scope}'.</span>`}
    </div>
    ${answer && html`<${Answer} ...${answer} />`}
  </form>`;
}

function Field({ name, where, required, kind, about, value = "", isList, isFile, ...on }) {
  const hints = [required && "required", where !== "query" && where, kind].filter(Boolean);
  if (isList && !isFile) hints.push("with commas between");
  return html`<div>
    <label>
      <code>${name}</code> <span class="hint">${hints.join(", ")}</span>
      ${isFile
        ? html`<input type="file" multiple=${isList} onChange=${on.onFiles} />`
        : html`<input autocomplete="off" value=${value} onInput=${on.onValue} />`}
    </label>
    <span class="hint"><${Prose} text=${about} /></span>
  </div>`;
}

function Answer({ status, ms, headers, text, blob }) {
  const [url, setUrl] = useState("");
  useEffect(() => {
    const made = blob && URL.createObjectURL(blob);
    setUrl(made);
    return () => URL.revokeObjectURL(made);
  }, [blob]);
  return html`<section class="api-whole" aria-label="Answer">
    <span class=${`badge ${status < 400 ? "good" : "bad"}`}>${status}</span> ${ms} ms
    <p class="hint">${headers.map(([name, value]) => html`${name}: ${value}<br />`)}</p>
    ${text && html`<pre tabindex="0">${text}</pre>`}
    ${url && html`<img src=${url} alt="the answer" />`}
  </section>`;
}
