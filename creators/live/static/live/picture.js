// The viewer's picture: the player, and what waits for the moment that it belongs to. Loaded when
// there is a picture.

import { mountPlayer } from "../media/player.js";
import { Held } from "../media/timing.js";

const ASK_AGAIN = 5_000;

export function startPicture({ connection, show }) {
  const root = document.querySelector("[data-player]");
  const serverNow = () => Date.now() - (Number.isFinite(connection.skew) ? connection.skew : 0);
  let seen = null;
  let opened = "";
  let name = "idle";
  let asking;
  let held = null;

  const player = mountPlayer(root, {
    now: serverNow,
    onState: (told) => {
      ({ name } = told);
      held?.tick();
    },
  });
  held = new Held({
    at: player.at,
    show(state, events) {
      show(state, events);
      for (const event of events) if (event.t === "caption") player.caption(event.caption);
    },
    world: {
      now: () => performance.now(),
      setTimeout: (work, ms) => setTimeout(work, ms),
      clearTimeout: (id) => clearTimeout(id),
      isHidden: () => document.hidden,
      onFrame: player.onFrame,
    },
  });
  held.start(connection.state);
  connection.lag = () => {
    const lag = player.lag();
    return lag === null ? null : Math.min(lag, 60_000);
  };

  function follow(state) {
    if (state.picture !== seen) {
      seen = state.picture;
      player.picture(seen);
      if (seen.state === "none") opened = "";
    }
    if (seen.state === "none") return;
    const url = seen.url || state.you?.picture_url || "";
    // A signed address changes now and then; one that works is kept.
    if (url === "") ask();
    else if (url !== opened && (opened === "" || name !== "playing")) {
      opened = url;
      player.open(url);
    }
  }

  // A picture that is not for everybody: no room's event tells its address, the snapshot does.
  async function ask() {
    if (asking !== undefined || opened !== "") return;
    asking = setTimeout(() => {
      asking = undefined;
      if (opened === "") follow(connection.state);
    }, ASK_AGAIN);
    try {
      const response = await fetch(connection.pollUrl, { headers: { Accept: "application/json" } });
      const { snapshots } = await response.json();
      const url = snapshots[0].you.picture_url;
      if (url !== "" && opened === "" && seen.state !== "none") {
        opened = url;
        player.open(url);
      }
    } catch {
      // The next time.
    }
  }

  follow(connection.state);
  return {
    player,
    take(state, events) {
      follow(state);
      held.take(state, events);
    },
  };
}
