// The viewer's live page: what the stage tells, shown in place. Without it the page is forms.

import { toast } from "../liveshop/js/dialogs.js";
import { Connection } from "../stage/connection.js";
import { isOpen } from "../stage/state.js";
import { Chat } from "./chat.js";
import { compact, wordsOf } from "./words.js";

const root = document.querySelector("[data-live-page]");
const say = wordsOf(root);
const find = (name) => document.querySelector(`[data-${name}]`);

const connection = new Connection({
  url: `/ws/live/${root.dataset.piece}/`,
  pollUrl: `/live/${root.dataset.piece}/snapshot.json`,
  onState: heard,
  onStatus: showStatus,
  onError: (error) => chat.refused(error) || toast(error.text),
  onSaid: (said) => chat.said(said),
});
const chat = new Chat(root, { connection, say });

let before = connection.state;
let picture = null;
let goods = null;
let isAsked = false;

// With a picture, what belongs to a moment of it waits until this page's picture is there.
function heard(state, events) {
  if (picture !== null) return picture.take(state, events);
  show(state, events);
  if (isAsked || state.picture.state === "none") return;
  isAsked = true;
  import("./picture.js").then(
    ({ startPicture }) => {
      picture = startPicture({ connection, show });
    },
    () => {
      isAsked = false;
    },
  );
}

function show(state, events) {
  if (state.show === null) return;
  if (state.show !== before.show) showState(state);
  goods?.show(state, before);
  chat.show(state, events);
  showCounts(state);
  for (const event of events) {
    if (event.t === "sold") chat.remark(say("bought", { name: event.buyer, title: event.title }));
  }
  before = state;
}

// --- The show ---------------------------------------------------------------------------------

function showState(state) {
  const now = state.show.state;
  root.dataset.state = now;
  const isOver = now === "ended" || now === "cancelled";
  for (const badge of root.querySelectorAll("[data-badge]")) {
    badge.hidden = badge.dataset.badge !== (isOver ? "over" : now);
  }
  const veil = find("veil");
  if (isOver) veil.textContent = say(now);
  veil.hidden = now === "live";
}

function showStatus(status, isPolling) {
  // The page itself says why, and until when.
  if (status === "banned" && connection.wasLive) return location.reload();
  const isWell = status === "live" || status === "connecting";
  const word = isWell ? "live" : status === "reconnecting" ? status : "lost";
  const place = find("connection");
  place.dataset.state = word;
  place.textContent = isWell ? "" : say(isPolling && word !== "lost" ? "degraded" : word);
  if (isPolling) chat.post();
}

function showCounts(state) {
  find("viewers-box").hidden = state.viewers < 1;
  find("viewers").textContent = compact(state.viewers);
  find("heart-count").textContent = state.hearts > 0 ? compact(state.hearts) : "";
  // The first count is what was before this page; what comes then is seen rising.
  const more = before.show === null ? 0 : state.hearts - before.hearts;
  if (more > 0) import("./hearts.js").then((hearts) => hearts.counted(more));
}

// --- Hearts -----------------------------------------------------------------------------------

const heartButton = find("heart");
heartButton.hidden = false;
heartButton.addEventListener("click", async () => {
  if (!isOpen(connection.state, Date.now())) return;
  connection.heart();
  (await import("./hearts.js")).sent();
});

// --- Begin ------------------------------------------------------------------------------------

// Until it is there, and where it does not come, what is sold here are forms.
import("./goods.js").then(({ startGoods }) => {
  goods = startGoods(root, { connection, say });
  if (before.show !== null) goods.show(before, null);
});
addEventListener("offline", () => connection.network(false));
addEventListener("online", () => connection.network(true));
connection.start();
