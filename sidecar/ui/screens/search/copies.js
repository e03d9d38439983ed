/** A call in the words of a shell and of the Python client, and buttons that copy it. */

import { html } from "../../vendor/preact.js";
import { Action } from "../../parts/action.js";
import { say } from "../../parts/notices.js";
import { address } from "../../service/http.js";
import { key } from "../../service/key.js";

/** `planned` returns the call, as `plan` in query.js does. */
export function Copies({ planned }) {
  const copy = (name, written) =>
    html`<${Action}
      onClick=${async () => {
        await put(written(planned()));
        say(`Copied as ${name}`);
      }}
    >
      Copy as ${name}
    <//>`;
  return html`${copy("curl", curl)} ${copy("Python", python)}`;
}

async function put(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  // Which browsers have for https and this machine alone; this older way works elsewhere.
  const area = document.createElement("textarea");
  area.value = text;
  document.activeElement.after(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}

function curl({ call, parameters, form = {}, headers = {} }) {
  const shell = (text) => `'${text.replaceAll("'", "'\\''")}'`;
  const words = [`curl ${shell(address(`similarity/${call}`, parameters).href)}`];
  if (key()) words.push('-H "Authorization: Bearer $SIMILARITY_KEY"');
  for (const [name, value] of fieldsOf(headers)) words.push(`-H ${shell(`${name}: ${value}`)}`);
  for (const [name, value] of fieldsOf(form)) {
    const file = value.name && `-F ${shell(`${name}=@"${value.name.replace(/["\\]/g, "\\$&")}"`)}`;
    words.push(file ?? `--form-string ${shell(`${name}=${value}`)}`);
  }
  return words.join(" \\\n  ");
}

function python({ call, parameters, form, headers = {} }) {
  const { like, unlike, like_boxes: boxes = "", data, ...others } = { ...parameters, ...form };
  const given = data ? [literal(data.name)] : [];
  if (like) {
    const box = boxes.split(";");
    given.push(`[${like.map((each, at) => example(each, box[at])).join(", ")}]`);
    if (unlike.length) given.push(`unlike=${literal(unlike)}`);
  }
  const version = headers["X-Model-Version"];
  for (const [name, value] of fieldsOf({ ...others, model_version: version })) {
    const isText = name === "id";
    const text = name === "box" ? `(${value})` : isText ? literal(value) : value;
    given.push(`${name}=${name === "filter" ? literal(JSON.parse(value)) : text}`);
  }
  return `from pathlib import Path
from similarity_client import Example, Similarity

with Similarity(${literal(address("").href.replace(/\/$/, ""))}) as similarity:
    found = similarity.${call}(${given.join(", ")})
    for distance, image_id in found.pairs():
        print(image_id, distance)
`;
}

function example(image, box) {
  const text = image.name ? `Path(${literal(image.name)})` : literal(image);
  return box ? `Example(${text}, box=(${box}))` : text;
}

/** [name, value] of all that has one; a list stands for several of a name. */
function fieldsOf(given) {
  return Object.entries(given).flatMap(([name, value]) =>
    [value ?? ""].flat().flatMap((each) => (each === "" ? [] : [[name, each]])),
  );
}

/** A value of JSON as Python writes it. */
function literal(value) {
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (Array.isArray(value)) return `[${value.map(literal).join(", ")}]`;
  if (typeof value !== "object") return JSON.stringify(value);
  const all = Object.entries(value).map(([name, each]) => `${literal(name)}: ${literal(each)}`);
  return `{${all.join(", ")}}`;
}
