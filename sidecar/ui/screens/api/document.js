/** The calls of the OpenAPI document, and requests to them. */

import { form } from "../../service/calls.js";
import { address, once } from "../../service/http.js";
import { key } from "../../service/key.js";

const METHODS = ["get", "post", "put", "patch", "delete"];
const SHOWN = /^(x-(?!frame|content)|server-timing|retry-after|etag|content-type)/;

/** The calls of a document, each with its `method`, `path` and all its parameters. */
export function callsOf({ paths }) {
  return Object.entries(paths).flatMap(([path, item]) =>
    METHODS.filter((method) => item[method]).map((method) => ({
      ...item[method],
      ...{ path, method: method.toUpperCase() },
      parameters: [item, item[method]].flatMap(({ parameters = [] }) => parameters),
    })),
  );
}

/** What a call takes and answers, out of the document: {fields, bodies, answers}. */
export function details(document, call) {
  const follow = (part = {}) => {
    if (!part.$ref) return part;
    const names = part.$ref.slice(2).split("/");
    return { ...follow(names.reduce((at, name) => at[name], document)), ...part, $ref: "" };
  };
  const field = (name, schema, { description, in: where, required } = {}) => {
    const whole = follow(schema);
    const items = follow(whole.items);
    return {
      ...{ name, where, required, kind: kindOf(whole, follow), isList: whole.type === "array" },
      about: [description, whole.description].filter(Boolean).join(" "),
      isFile: [whole, items].some(({ format }) => format === "binary"),
    };
  };
  const fields = call.parameters.map(follow).map((each) => field(each.name, each.schema, each));
  const { content = {} } = follow(call.requestBody);
  const bodies = Object.entries(content).flatMap(([kind, { schema, example }]) => {
    if (!kind.includes("form")) return [{ kind, example, files: [field("body", schema)] }];
    const all = Object.entries(follow(schema).properties).map((each) => field(...each));
    const files = all.filter(({ isFile }) => isFile); // all others stand in the query, too
    return files.length ? [{ kind, files }] : [];
  });
  const answers = Object.entries(call.responses).map(([status, response]) => {
    const { description, content: answered = {} } = follow(response);
    const [[kind, { schema } = {}] = []] = Object.entries(answered);
    return { status, description, kind, words: [...new Set(wordsOf(schema, follow))] };
  });
  return { fields, bodies, answers };
}

/** The words that `message` of an error has. */
function wordsOf(schema, follow) {
  const { properties, oneOf = [] } = follow(schema);
  const { const: one, enum: some = [one] } = follow(properties?.message);
  return [...some, ...oneOf.flatMap((each) => wordsOf(each, follow))].filter(Boolean);
}

/** The type of a value, with its bounds: "integer, 1 to 1000, by itself 10". */
function kindOf({ anyOf, items, minimum: least, maximum: most, ...schema }, follow) {
  if (anyOf) return anyOf.map((each) => kindOf(follow(each), follow)).join(" or ");
  return [
    schema.format ?? schema.enum?.join(" or ") ?? schema.type,
    items && `each ${kindOf(follow(items), follow)}`,
    least !== undefined && (most ? `${least} to ${most}` : `at least ${least}`),
    schema.maxLength && `at most ${schema.maxLength} characters`,
    schema.default !== undefined && `by itself ${schema.default}`,
  ]
    .filter(Boolean)
    .join(", ");
}

/** A filled-in form as what `fetch` takes, with its `url`, and `parts` of a line of curl. */
export function requestOf({ method, path }, fields, { kind, texts, files, text }) {
  const url = address(path.replace(/{(\w+)}/g, (_, name) => encodeURIComponent(texts[name] ?? "")));
  const request = { url, method, headers: {}, parts: [] };
  for (const { name, where, isList } of fields.filter((each) => texts[each.name])) {
    const values = isList ? texts[name].split(",") : [texts[name]];
    if (where === "query") for (const value of values) url.searchParams.append(name, value);
    if (where === "header") request.headers[name] = texts[name];
  }
  const chosen = Object.entries(files).flatMap(([name, some]) => some.map((file) => [name, file]));
  const [[, file] = []] = chosen;
  if (kind.includes("json")) {
    request.body = text;
    request.parts = ["-d", text];
  } else if (file && kind.includes("form")) {
    const parts = chosen.flatMap(([name, each]) => ["-F", `${name}=@${each.name}`]);
    return { ...request, parts, body: form(files) };
  } else if (file) {
    request.body = file;
    request.parts = ["--data-binary", `@${file.name}`];
  }
  if (request.body) request.headers["Content-Type"] = kind.includes("*") ? file.type : kind;
  return request;
}

/** The line of curl; the key stays out of it. */
export function curl({ url, method, headers, parts }) {
  const said = Object.entries(headers).flatMap(([name, value]) => ["-H", `${name}: ${value}`]);
  const words = ["-X", method, url.href, ...said, ...parts].map(quoted);
  return ["curl", ...words, ...(key() ? ['-H "Authorization: Bearer $KEY"'] : [])].join(" ");
}

const quoted = (word) => (/^[-\w]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);

/** Sends it once: {status, ms, headers, text} or, of an image, its `blob` for the text. */
export async function send({ url, ...how }) {
  const began = performance.now();
  const response = await once(url, how);
  const blob = await response.blob();
  const ms = Math.round(performance.now() - began);
  const headers = [...response.headers].filter(([name]) => SHOWN.test(name));
  const answer = { status: response.status, ms, headers };
  if (blob.type.startsWith("image/")) return { ...answer, blob };
  const text = await blob.text();
  const isJson = blob.type === "application/json";
  return { ...answer, text: isJson ? JSON.stringify(JSON.parse(text), null, 1) : text };
}
