/** The frame around the screens, and which of them is shown. */

import { html, useEffect, useErrorBoundary } from "./vendor/preact.js";
import { KeyDialog } from "./frame/key_dialog.js";
import { Navigation } from "./frame/navigation.js";
import { Trouble } from "./frame/trouble.js";
import { Failure } from "./parts/loading.js";
import { Notices } from "./parts/notices.js";
import { screens } from "./screens/index.js";
import { askRights } from "./service/rights.js";
import { route } from "./service/route.js";
import { useStore } from "./service/store.js";

export function App() {
  const { screen, parameters } = useStore(route);
  const name = screen in screens ? screen : "search";
  useEffect(() => void askRights().catch(() => {}), []);
  useEffect(() => void (document.title = `${screens[name].title} · Similarity`), [name]);
  return html`
    <${Navigation} screens=${screens} current=${name} />
    <${Trouble} />
    <main id="content" tabindex="-1">
      <${Guarded} key=${name} Screen=${screens[name].Screen} parameters=${parameters} />
    </main>
    <${Notices} />
    <${KeyDialog} />
  `;
}

/** A screen; what breaks in it is said in its place, and the others still work. */
function Guarded({ Screen, parameters }) {
  const [error, again] = useErrorBoundary((broken) => console.error(broken));
  if (error) return html`<${Failure} error=${error} again=${again} />`;
  return html`<${Screen} parameters=${parameters} />`;
}
