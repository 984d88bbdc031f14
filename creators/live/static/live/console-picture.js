// The console's picture: the own stream as it arrives, how well it comes in, the key, captions.

import { adviceOn, awayFor } from "./advice.js";
import { post } from "./sending.js";

const HEALTH_EVERY = 2_000;
const HIDDEN_EVERY = 10_000;
const COMPARED = 5; // figures are compared with those of so many answers ago

export function startPicture(root, { connection, say }) {
  const place = root.querySelector("[data-picture]");
  const find = (name) => place.querySelector(`[data-${name}]`);
  const reconnecting = Number(place.dataset.reconnectingMs);
  const mostKbps = Number(place.dataset.mostKbps);
  const now = () => Date.now() - (Number.isFinite(connection.skew) ? connection.skew : 0);

  let player = null;
  let lost = place.dataset.lost ? Number(place.dataset.lost) : null;
  let isComing = false;
  let run = null;
  let kept = [];
  let caption = null;
  let isWatching = false;
  let known = -1; // the number of the picture's last change
  let isSent = "coming" in place.dataset;

  const write = (element, text) => {
    if (element && element.textContent !== text) element.textContent = text;
  };

  // --- The picture --------------------------------------------------------------------------

  import("../media/player.js").then(({ mountPlayer }) => {
    player = mountPlayer(find("player"), {
      isHost: true,
      now,
      // The player has its own words.
      onState: ({ name }) => find("no-picture").toggleAttribute("hidden", name !== "idle"),
    });
    play();
  });

  function play() {
    if (player === null) return;
    if (isComing) {
      player.open(place.dataset.playbackUrl);
      player.picture({ state: "on", since: null });
    } else if (lost !== null) player.picture({ state: "lost", since: lost });
  }

  function came(health) {
    const isNew = health.run !== run;
    if (!isComing || isNew) {
      isComing = true;
      lost = null;
      run = health.run;
      kept = [];
      play();
      showAway();
    }
  }

  function went() {
    if (isComing) {
      isComing = false;
      lost = now();
      play();
    }
    showAway();
  }

  // --- How it comes in ----------------------------------------------------------------------

  function showAway() {
    const badge = root.querySelector("[data-reconnecting]"); // there is one while the show is live
    const away = badge === null ? null : awayFor(lost, now(), reconnecting);
    badge?.toggleAttribute("hidden", away === null);
    if (away !== null) write(badge, say(away.key, { seconds: away.seconds }));
    const words = isComing ? "pictureComes" : lost === null ? "pictureNone" : "pictureLost";
    write(find("no-picture"), say(words));
  }

  function showHealth(health) {
    const figure = (name, text) => write(place.querySelector(`[data-health-of="${name}"]`), text);
    find("health").hidden = false;
    figure("kbps", say("kbps", { n: health.kbps }));
    figure("fps", String(health.fps));
    figure("size", health.width ? `${health.width} × ${health.height}` : "–");
    figure("key", health.key_interval_s ? say("everySeconds", { n: health.key_interval_s }) : "–");
    figure("frames", say("framesOf", { frames: health.frames, dropped: health.dropped }));
    figure("recording", say(`recording_${health.recording}`));
    const advice = adviceOn(health, { before: kept[0] ?? null, mostKbps });
    kept = [...kept, health].slice(-COMPARED);
    advise(advice.map(([key, values]) => say(key, values)));
  }

  // Said once, not every two seconds: the list is read out when it changes.
  function advise(texts) {
    const list = find("advice");
    const shown = [...list.children].map((item) => item.textContent);
    if (shown.length === texts.length && texts.every((text, at) => text === shown[at])) return;
    list.replaceChildren(
      ...texts.map((text) => Object.assign(document.createElement("li"), { textContent: text })),
    );
  }

  // The origin is asked while somebody sends, and until it has said that they went.
  function watch() {
    if (isWatching) return;
    isWatching = true;
    look();
  }

  async function look() {
    try {
      const response = await fetch(place.dataset.healthUrl, { cache: "no-store" });
      const health = response.ok ? await response.json() : {};
      if (response.status === 410) return; // it is over
      // Before the first picture there is nothing to play.
      if (health.state === "on" && health.width > 0) {
        came(health);
        showHealth(health);
      } else {
        find("health").hidden = true;
        advise([]);
        if (health.state !== "on") {
          went();
          if (!isSent) {
            isWatching = false;
            return;
          }
        }
      }
    } catch {
      showAway();
      advise([say("originAway")]);
    }
    setTimeout(look, document.visibilityState === "visible" ? HEALTH_EVERY : HIDDEN_EVERY);
  }

  // --- The key ------------------------------------------------------------------------------

  const keyForm = find("key-form");
  keyForm?.addEventListener("submit", async (event) => {
    if (event.defaultPrevented || (keyForm.dataset.confirm && !keyForm.dataset.confirmed)) return;
    event.preventDefault();
    const { ok, data, title } = await post(keyForm.action, new FormData(keyForm));
    if (!ok) return showTrouble(title || say("failed"));
    find("new-key").hidden = false;
    find("old-key")?.remove();
    const field = document.getElementById("stream-key");
    field.value = data.key;
    field.focus();
    field.select();
  });

  // --- What others say ----------------------------------------------------------------------

  function showTrouble(text) {
    find("trouble").hidden = text === "";
    write(find("trouble-text"), text);
  }

  place.addEventListener("camera:caption", ({ detail: { text, lang, at } }) => {
    const spoken = Math.min(30_000, Math.max(0, Math.round(now() - at)));
    connection.send({ t: "caption", text: text.slice(0, 200), lang, spoken_ms: spoken });
  });

  // Who sends sees it, also where that goes on by itself on a page that is loaded anew.
  function showCamera(name) {
    if (name === "connecting" || name === "sending") find("way=browser").open = true;
    if (name === "sending") watch();
  }

  place.addEventListener("camera:state", ({ detail: { name } }) => showCamera(name));
  showCamera(find("camera").dataset.state);
  if (isSent) watch();
  setInterval(showAway, 1_000);

  return {
    show(state) {
      // Before the show is live viewers have no picture, but its number still moves.
      const { rev, state: name } = state.picture;
      isSent = name === "on";
      if (isSent || (known >= 0 && rev > known)) watch();
      known = rev;
      if (state.trouble) showTrouble(state.trouble.text);
      if (state.caption && state.caption !== caption) player?.caption(state.caption);
      caption = state.caption;
      const lag = state.lag_ms;
      const text = lag ? say("seconds", { n: (lag / 1000).toFixed(1) }) : "–";
      write(place.querySelector('[data-health-of="lag"]'), text);
    },
  };
}
