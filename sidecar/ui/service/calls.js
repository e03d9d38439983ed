/** The documented calls that the page makes, one function each. README.md lists them. */

import { json, request } from "./http.js";

const STORED = { top_k: 20, keyword_threshold: 0.05 }; // keywords that take no inference

const image = (id, rest = "") => `similarity/images/${encodeURIComponent(id)}${rest}`;
const post = (path, parameters, how) => json(path, { method: "POST", parameters, ...how });
const list = (path, entries, how) => post(path, {}, { body: JSON.stringify(entries), ...how });

export const me = () => json("similarity/me");
export const version = () => json("similarity/version");
export const stats = (how) => json("similarity/stats", how);
export const ready = (how) =>
  json("health/ready", { patience: 0, ...how }).catch((error) => {
    if (error.answer?.parts) return error.answer; // a 503 that names what is away
    throw error;
  });
export const metrics = (how) => request("metrics", how).then((response) => response.text());
export const openapi = (how) => json("openapi.json", how);

export const images = (parameters, how) => json("similarity/images", { parameters, ...how });
export const keywords = (parameters, how) => json("similarity/keywords", { parameters, ...how });
export const describe = (id, how) => json(image(id), { parameters: STORED, ...how });
export const metadata = (id, how) => json(image(id, "/metadata"), how);
export const thumbnail = (id, how) => request(image(id, "/thumbnail"), how);
export const check = (wanted, how) => list("similarity/images/check", wanted, how);
export const add = (file, parameters, how) =>
  post("similarity/add", parameters, { body: form({ data: file }), ...how });
export const removeMany = (ids, how) => list("similarity/remove_batch", ids, how);

// Answered with what their headers say: the timings, and the version of the model.
export const features = (file, parameters, how) =>
  request("predict/features", { method: "POST", parameters, body: form({ data: file }), ...how });
export const search = (how) => request("similarity/search", how);
export const recommend = (how) => request("similarity/recommend", how);

export const duplicates = (parameters, how) => json("similarity/duplicates", { parameters, ...how });
export const findDuplicates = () => post("similarity/duplicates");
export const decide = (decisions) => list("similarity/duplicates/decisions", decisions);

export const train = () => post("similarity/train");
export const update = () => post("similarity/update");
export const status = (id, parameters, how) =>
  json(`similarity/status/${encodeURIComponent(id)}`, { parameters, ...how });
export const tasks = (parameters, how) => json("similarity/tasks", { parameters, ...how });
export const cancel = (id) => post(`similarity/tasks/${encodeURIComponent(id)}/cancel`);

export const models = (how) => json("similarity/models", how);
export const estimate = (number, how) =>
  json("similarity/upgrade/estimate", { parameters: { version: number }, ...how });
export const preview = (number, how) =>
  json("similarity/upgrade/preview", { parameters: { version: number }, ...how });
export const upgrade = (number) => post("similarity/upgrade", { version: number });
export const cancelUpgrade = () => post("similarity/upgrade/cancel");
export const rollback = () => post("similarity/rollback");
export const retire = (number) => post("similarity/retire", { version: number });

/** A form of these fields; a list gives a field more than once. */
export function form(fields) {
  const data = new FormData();
  for (const [name, value] of Object.entries(fields)) {
    for (const each of [value].flat()) if (each !== undefined && each !== "") data.append(name, each);
  }
  return data;
}
