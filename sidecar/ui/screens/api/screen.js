/** API: every call of the service, as its OpenAPI document has it, with a form to try it. */

import { html, useEffect, useRef, useState } from "../../vendor/preact.js";
import { Facts } from "../../parts/figures.js";
import { Failure, useAnswer } from "../../parts/loading.js";
import { count } from "../../parts/words.js";
import { openapi } from "../../service/calls.js";
import { may, rights } from "../../service/rights.js";
import { go } from "../../service/route.js";
import { useStore } from "../../service/store.js";
import { callsOf, details } from "./document.js";
import { Prose, Trial } from "./trial.js";

/** @param {{parameters: {q?: string, call?: string}}} props what is looked for, what is open */
export function ApiScreen({ parameters }) {
  const { value: document, error, again } = useAnswer((signal) => openapi({ signal }));
  useStore(rights);
  if (!document) {
    return html`<h1>API</h1>
      ${error ? html`<${Failure} error=${error} again=${again} />` : "Asking…"}`;
  }
  const { q = "", call: open } = parameters;
  const place = (changed) => go("api", { ...parameters, ...changed }, { replace: true });
  const found = callsOf(document).filter(fits(q.toLowerCase()));
  return html`<h1>API</h1>
    <p class="hint">
      Each call can be tried by the key of this page, and does what it says.
      ${" "}<a href="../openapi.json">openapi.json</a> is for programs.
    </p>
    <label class="api-filter">
      Find a call
      <input type="search" value=${q} onInput=${(event) => place({ q: event.target.value })} />
    </label>
    <p class="hint" role="status">${count(found.length, "call")}</p>
    ${document.tags.map(({ name, description }) => {
      const calls = found.filter(({ tags }) => tags[0] === name);
      if (!calls.length) return null;
      return html`<section key=${name} class="api-group" aria-label=${name}>
        <h2>${name} <span class="hint">${description}</span></h2>
        ${calls.map((call) => {
          const id = call.operationId;
          return html`<${Call}
            ...${{ key: id, call, document, isOpen: id === open }}
            onOpen=${() => place({ call: id })}
          />`;
        })}
      </section>`;
    })}`;
}

function Call({ call, document, isOpen, onOpen }) {
  const place = useRef();
  const [shown, setShown] = useState(false);
  useEffect(() => isOpen && setShown(true), [isOpen]);
  useEffect(() => isOpen && place.current.scrollIntoView(), []);
  const { method, path, summary, "x-scope": scope } = call;
  const isFree = ["any", "open"].includes(scope);
  const toggle = ({ target }) => {
    setShown(target.open);
    if (target.open && !isOpen) onOpen();
  };
  return html`<details
    class=${`card api-call ${isFree || may(scope) ? "" : "api-refused"}`}
    ref=${place}
    open=${shown}
    onToggle=${toggle}
  >
    <summary>
      <b>${method}</b> <code>${path}</code> <span><${Prose} text=${summary} /></span>
      <span class="badge" title="the scope of a key for it">${scope}</span>
    </summary>
    ${shown && html`<${Details} ...${{ call, isFree }} ...${details(document, call)} />`}
  </details>`;
}

function Details({ call, isFree, fields, bodies, answers }) {
  return html`<p><${Prose} text=${call.description} /></p>
    <${Trial} ...${{ call, isFree, fields, bodies }} />
    <h3>Answers</h3>
    <${Facts} items=${answers.map((each) => [each.status, html`<${Answered} ...${each} />`])} />`;
}

const Answered = ({ status, description, kind, words }) => html`
  ${status >= 400 && words.map((word) => html`<code class="api-word">${word}</code> `)}
  <${Prose} text=${description} /> <span class="hint">${status < 400 && kind}</span>
`;

const fits = (looked) => (call) =>
  looked
    .split(" ")
    .every((word) => `${call.method} ${call.path} ${call.summary}`.toLowerCase().includes(word));
