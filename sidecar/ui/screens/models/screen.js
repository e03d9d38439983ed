/** Models: the versions as cards, which is in use, and the way from one to another. */

import { html } from "../../vendor/preact.js";
import { Action } from "../../parts/action.js";
import { Facts } from "../../parts/figures.js";
import { Failure, useAnswer, useEvery } from "../../parts/loading.js";
import { Task } from "../../parts/task.js";
import { isOngoing } from "../../parts/task_words.js";
import { count, percent } from "../../parts/words.js";
import { models, ready, tasks } from "../../service/calls.js";
import { go } from "../../service/route.js";
import { RetireDialog, RollbackDialog } from "./dialogs.js";
import { CompareDialog, UpgradeDialog } from "./upgrade.js";

const BUSY_MS = 1_000;
const CALM_MS = 5_000;
const REJECTED = ["rejected", "bad"];
const KINDS = ["upgrade", "rollback", "retire"];
const DIALOGS = {
  upgrade: UpgradeDialog,
  compare: CompareDialog,
  rollback: RollbackDialog,
  retire: RetireDialog,
};

/** @param {{parameters: object}} props an open dialog stands in the address, as `upgrade=2` */
export function ModelsScreen({ parameters }) {
  const { value, error, again, renew } = useAnswer(asked);
  const [{ in_use: inUse, models: all } = {}, { tasks: known } = { tasks: [] }, coming] =
    value ?? [];
  const changes = known.filter(({ kind }) => KINDS.includes(kind));
  const busy = changes.some(isOngoing);
  useEvery(busy ? BUSY_MS : CALM_MS, renew);
  const failure = error && html`<${Failure} error=${error} again=${again} />`;
  if (!all) return html`<h1>Models</h1>${failure ?? "Asking…"}`;

  const last = changes.find(({ version, previous }) => previous && version === inUse);
  const [kind, Dialog] = Object.entries(DIALOGS).find(([name]) => parameters[name]) ?? [];
  const number = Number(parameters[kind]);
  const version = all.find((each) => each.version === number);
  const onClose = () => {
    go("models");
    again();
  };
  return html`<h1>Models</h1>
    <p class="hint">
      A version makes the features by which images are compared; one answers at a time. Put another
      into the model repository, and upgrade to it.
    </p>
    ${failure}
    ${changes
      .filter((task, at) => !at || isOngoing(task))
      .map((task) => html`<${Change} key=${task.task_id} task=${task} refresh=${again} />`)}
    <ul class="models-list">
      ${all.toReversed().map((each) => {
        const before = each.in_use && last?.previous;
        return html`<${Version}
          key=${each.version}
          ...${{ ...each, inUse, busy, before, coming }}
        />`;
      })}
      ${rejected(changes, all).map(
        ({ version: number, detail: trouble }) =>
          html`<${Card} version=${number} state=${REJECTED} trouble=${trouble} />`,
      )}
    </ul>
    ${version && html`<${Dialog} ...${{ key: kind, number, version, inUse, onClose }} />`}`;
}

/** The versions, the tasks, and where a version is missing, what is coming from other hosts. */
async function asked(signal) {
  const both = await Promise.all([models({ signal }), tasks({ limit: 100 }, { signal })]);
  const isAway = ({ in_repository: isThere, trouble }) => !isThere && trouble;
  const state = both[0].models.some(isAway) ? await ready({ signal }) : {};
  return [...both, state.degraded?.models];
}

const Change = ({ task, refresh }) => html`<section class="card" aria-label="The last change">
  <${Task} task=${task} refresh=${refresh} live>
    ${isOngoing(task) &&
    task.kind === "upgrade" &&
    html`<p class="row">
      <${Open} compare=${task.version}>Compare the versions…<//>
      <span class="hint">To version ${task.version}. The one in use answers until the end.</span>
    </p>`}
  <//>
</section>`;

/** A button that opens a dialog, as `upgrade=2`. */
function Open({ kind, disabled, children, ...dialog }) {
  const open = () => go("models", dialog);
  return html`<${Action} ...${{ scope: "admin", kind, disabled }} onClick=${open}>${children}<//>`;
}

/** What upgrades have refused, and is gone from the repository since. */
function rejected(tasks, all) {
  const seen = new Set(all.map(({ version }) => version));
  return tasks.filter(
    ({ message, version }) => message === "model_refused" && seen.size < seen.add(version).size,
  );
}

const Card = ({ version, state, trouble, children }) => html`<li class="card models-card">
  <h2 class="row">Version ${version} <span class=${`badge ${state[1]}`}>${state[0]}</span></h2>
  ${trouble && html`<p class="models-trouble">${trouble}</p>`} ${children}
</li>`;

function Version({ inUse, busy, before, ...version }) {
  const { version: number, in_repository: isThere, trouble } = version;
  return html`<${Card} version=${number} state=${stateOf(version)} trouble=${trouble}>
    <${Facts} items=${facts(version, inUse)} />
    <div class="row models-actions">
      ${version.in_use
        ? before && html`<${Open} rollback=${before} disabled=${busy}>Roll back…<//>`
        : html`<${Open} kind="primary" upgrade=${number} disabled=${busy || !isThere}>Upgrade…<//>
            <${Open} kind="danger" retire=${number} disabled=${busy}>Retire…<//>`}
    </div>
  <//>`;
}

function stateOf({ in_use: isUsed, in_repository: isThere, loaded, trouble, coming }) {
  if (!isThere && coming?.includes(trouble)) return ["coming from another host", "warn"];
  if (isUsed) return loaded ? ["in use", "good"] : ["in use, and not loaded", "bad"];
  if (!isThere) return ["gone from the repository", "warn"];
  if (trouble) return ["broken", "bad"];
  return [loaded ? "loaded" : "in the repository, not loaded"];
}

const facts = ({ sha256, agreement_at_10: alike, ...version }, inUse) =>
  [
    ["Network", version.architecture],
    ["Precision", version.precision],
    ["Dimension", version.dimension],
    ["Keywords", version.keywords],
    ["Features of", count(version.features, "image")],
    ["Generations", version.generations.join(", ")],
    ["Agreement", alike !== null && `${percent(alike)} with version ${inUse}`],
    ["SHA-256", sha256 && html`<code title=${sha256}>${sha256.slice(0, 12)}</code>`],
  ].filter(([, value]) => value);
