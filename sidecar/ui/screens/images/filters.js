/** Which images: of a keyword, of fields, or one by its id. */

import { html, useEffect, useRef, useState } from "../../vendor/preact.js";
import { useAnswer } from "../../parts/loading.js";
import { count } from "../../parts/words.js";
import { keywords } from "../../service/calls.js";
import { sleep } from "../../service/http.js";

const CALM_MS = 150;
const SIGNS = { "=": "$in", "!=": "$nin", "<": "$lt", "<=": "$lte", ">": "$gt", ">=": "$gte" };

export function Filters({ keyword, fields, onChange }) {
  const [typed, setTyped] = useState(null);
  const { value } = useAnswer((signal) => beginning(typed, signal), [typed]);
  const note = ({ target, inputType }) => {
    setTyped(target.value);
    if (inputType === "insertReplacementText") onChange({ keyword: target.value }); // it was chosen
  };
  const field = (name, given, label, hint, placeholder, others) => html`<label>
    ${label} <span class="hint">${hint}</span>
    <${Field}
      given=${given}
      onGive=${(text) => onChange({ [name]: text })}
      placeholder=${placeholder}
      ...${others}
    />
  </label>`;
  return html`<div class="images-filters" role="search" aria-label="Images">
    ${field("keyword", keyword, "Keyword", "the highest score first", "tabby", {
      list: "images-keywords",
      onFocus: note,
      onInput: note,
    })}
    ${field("fields", fields, "Field", "1,000 at most, in no order", "category=shoes, price<50")}
    ${field("id", "", "Id", "exactly as it is", "cat-1")}
    <datalist id="images-keywords">
      ${value?.keywords.map(
        (each) => html`<option value=${each.name}>${count(each.count, "image")}</option>`,
      )}
    </datalist>
  </div>`;
}

/** What is typed stays while the page around it is drawn anew. */
function Field({ given, onGive, ...others }) {
  const place = useRef();
  useEffect(() => void (place.current.value = given), [given]);
  const give = ({ target }) => onGive(target.value.trim());
  return html`<input type="search" ref=${place} onChange=${give} ...${others} />`;
}

/** The most frequent keywords that begin so; none before somebody wants to know. */
async function beginning(typed, signal) {
  if (typed === null) return undefined;
  await sleep(CALM_MS, signal);
  return keywords({ prefix: typed.trim(), limit: 20 }, { signal });
}

/** What users write of fields, as the service's filter; the keyword has to hold, too. */
export function filterOf(text, keyword) {
  const all = text.split(",").map((part) => {
    const [, name, sign, value] = part.match(/^\s*([^=<>!]+?)\s*([!<>]=|[=<>])\s*(.+?)\s*$/) ?? [];
    const number = Number(value);
    if (!name || (/[<>]/.test(sign) && isNaN(number))) {
      throw new Error(`“${part.trim()}” can't be read: write category=shoes, or price<50`);
    }
    return { [name]: { [SIGNS[sign]]: /[<>]/.test(sign) ? number : meanings(value, number) } };
  });
  if (keyword) all.push({ $keyword: keyword });
  return JSON.stringify({ $and: all });
}

/** A field may hold 45, or the text "45": users see no difference. */
function meanings(text, number) {
  if (/^(true|false)$/.test(text)) return [text, text === "true"];
  return isNaN(number) ? [text] : [text, number];
}
