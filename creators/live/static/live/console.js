// The host's console: the same forms, sent without leaving the page, and figures that move.

import { localize } from "../liveshop/js/clocks.js";
import { toast } from "../liveshop/js/dialogs.js";
import { Connection } from "../stage/connection.js";
import "../stage/host.js";
import "../stage/mods.js";
import { Chat } from "./chat.js";
import { startMods } from "./console-mods.js";
import { localizeTimes, redraw } from "./console-redraw.js";
import { showCopying, startCopying } from "./copying.js";
import { act } from "./moderating.js";
import { money } from "./money.js";
import { post } from "./sending.js";
import { compact, wordsOf } from "./words.js";

const LOG_AFTER = 600;
const HERE_EVERY = 30_000;
const REPLAY_EVERY = 3_000;

const root = document.querySelector("[data-console]");
const say = wordsOf(root);
const list = root.querySelector("[data-console-bag]");
const KEYS = "liveshop.console.keys";
const liveUrl = `/live/${root.dataset.piece}/`;

const connection = new Connection({
  url: `/ws${liveUrl}`,
  pollUrl: `${liveUrl}snapshot.json`,
  onState: show,
  onStatus: showStatus,
  onError: (error) => chat.refused(error) || complain(error.text),
  onSaid: (said) => chat.said(said),
});
const chat = new Chat(root, { connection, say, tools });
const mods = startMods(root, chat);

let before = connection.state;
let picture = null;

// A camera that sends goes on after it.
function reload() {
  document.dispatchEvent(new Event("camera:leaving"));
  location.reload();
}

function show(state, events) {
  if (state.show === null) return;
  // Buttons depend on the show's state; the server draws them.
  if (state.show.state !== root.dataset.state) later("page", drawAnew);
  picture?.show(state);
  if (state.bag !== before.bag) showBag(state);
  if (state.pin !== before.pin || state.bag !== before.bag) showPin(state);
  mods.show(state);
  chat.show(state, events);
  showFigures(state);
  const isNews = events.some((event) =>
    ["pinned", "unpinned", "sold", "figures"].includes(event.t),
  );
  if (isNews) later("log", refreshLog);
  for (const event of events) {
    if (event.t === "sold") chat.remark(say("bought", { name: event.buyer, title: event.title }));
  }
  before = state;
}

async function drawAnew() {
  const was = root.dataset.state;
  const outcome = await redraw(root, { prepare });
  if (outcome === "elsewhere") return reload();
  if (outcome === "drawn" && was === "scheduled" && root.dataset.state === "live") toast(say("nowLive"));
}

// What the server draws for those without a script is made ready for this one.
function prepare(whole) {
  localize(whole);
  localizeTimes(whole);
  showCopying(whole);
  showKeys(whole);
  showStatus(connection.status, connection.isPolling, whole);
}

function showStatus(status, isPolling, whole = root) {
  const place = whole.querySelector("[data-connection]");
  if (status === "live") place.textContent = say("connected");
  else if (status === "offline" || status === "banned") place.textContent = say("lost");
  else if (status === "reconnecting") place.textContent = say(isPolling ? "degraded" : "reconnecting");
  if (isPolling) chat.post();
}

function figure(name, text) {
  const place = root.querySelector(`[data-figure="${name}"]`);
  if (place.textContent !== text) place.textContent = text;
}

function showFigures(state) {
  figure("viewers", compact(state.viewers));
  figure("hearts", compact(state.hearts));
  if (state.figures === null) return;
  const { orders, units, currency, gmv_minor, net_minor, viewers } = state.figures;
  figure("orders", String(orders));
  figure("units", String(units));
  figure("gmv", money(gmv_minor, currency));
  figure("net", money(net_minor, currency));
  figure("qualified", String(viewers));
}

// --- Products ---------------------------------------------------------------------------------

function showBag(state) {
  const shown = [...list.querySelectorAll("[data-card]")].map((card) => Number(card.dataset.product));
  const isSame =
    shown.length === state.bag.length && state.bag.every((product, at) => product.id === shown[at]);
  if (!isSame) later("bag", refreshBag);
  for (const product of state.bag) {
    for (const sku of product.skus) {
      const place = list.querySelector(`[data-sku="${sku.id}"]`);
      if (place === null || Number(place.dataset.rev) > sku.rev) continue;
      place.dataset.rev = sku.rev;
      place.querySelector("b").textContent = sku.available;
      place.classList.toggle("is-out", sku.available <= 0);
    }
  }
}

function showPin(state) {
  for (const card of list.querySelectorAll("[data-card]")) {
    card.toggleAttribute("data-pinned", Number(card.dataset.product) === state.pin?.product_id);
  }
}

// --- Parts that the server draws --------------------------------------------------------------

const waiting = new Map();

// Many events at once ask for one refresh.
function later(name, work) {
  if (waiting.has(name)) return;
  waiting.set(
    name,
    setTimeout(() => {
      waiting.delete(name);
      work();
    }, name === "log" ? LOG_AFTER : 50),
  );
}

async function refresh(url, place) {
  try {
    const response = await fetch(url, { headers: { "HX-Request": "true" } });
    if (!response.ok || response.redirected) return;
    const drawn = document.createElement("template");
    drawn.innerHTML = await response.text();
    localizeTimes(drawn.content);
    // Morphing keeps the focus, and what was opened.
    window.Idiomorph.morph(place, drawn.innerHTML, { morphStyle: "innerHTML" });
  } catch {
    // The next news tries again.
  }
}

const refreshLog = () => refresh(root.dataset.logUrl, root.querySelector("[data-console-log]"));

async function refreshBag() {
  await refresh(root.dataset.bagUrl, list);
  showPin(connection.state);
  const addable = document.getElementById("addable");
  if (addable === null) return;
  const words = new URLSearchParams({ q: document.getElementById("addable-words").value });
  await refresh(`${root.dataset.addableUrl}?${words}`, addable);
}

// --- Chat -------------------------------------------------------------------------------------

function button(label, work) {
  const element = document.createElement("button");
  element.className = "chat__tool";
  element.type = "button";
  element.textContent = label;
  element.addEventListener("click", work);
  return element;
}

// What is done most often, at once; the rest is in the line's menu.
function tools(line) {
  const found = [
    button(say("delete"), () => act(chat, "delete", { message: line.id }, say("deleted"))),
  ];
  if (String(line.author_id) !== root.dataset.user && !line.badge) {
    const mute = { user: line.author_id, seconds: 600 };
    const said = say("isMuted", { name: line.author });
    found.push(button(say("mute10"), () => act(chat, "mute", mute, said)));
  }
  return found;
}

// --- What the host does -----------------------------------------------------------------------

// Said near what was pressed.
function complain(text, near = list) {
  const part = near.closest("[data-part=actions]") ?? list.parentElement;
  part.querySelector("[data-console-error]").textContent = text;
}

async function send(form) {
  complain("", form);
  const { ok, title } = await post(form.action, new FormData(form));
  if (!ok) complain(title || say("failed"), form);
  // Without the stage nobody tells this page what it has just changed.
  else if (connection.status !== "live") drawAnew();
}

root.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post" || form.matches("[data-chat-form], [data-ask-form], [data-key-form]")) {
    return;
  }
  // What leads to another page, or to quite another one here.
  if (form.matches("[data-leaves]")) {
    const isSent = !form.dataset.confirm || form.dataset.confirmed;
    if (isSent) document.dispatchEvent(new Event("camera:leaving"));
    return;
  }
  event.preventDefault();
  send(form);
});

let hasKeys = true;
try {
  hasKeys = localStorage.getItem(KEYS) !== "off";
} catch {
  // Then the choice lasts as long as the page.
}

function showKeys(whole) {
  const choice = whole.querySelector("[data-keys-choice]");
  if (choice === null) return;
  choice.hidden = false;
  choice.querySelector("[data-keys]").toggleAttribute("checked", hasKeys);
}

root.addEventListener("change", ({ target }) => {
  if (!target.matches("[data-keys]")) return;
  hasKeys = target.checked;
  try {
    localStorage.setItem(KEYS, hasKeys ? "on" : "off");
  } catch {
    // As above.
  }
});

document.addEventListener("keydown", (event) => {
  if (!hasKeys || !/^[0-9]$/.test(event.key)) return;
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  if (event.target.closest("input:not([type=checkbox]), textarea, select, [contenteditable], dialog[open]")) return;
  const form =
    event.key === "0"
      ? root.querySelector("[data-unpin-form]")
      : list.querySelectorAll("[data-pin-form]")[Number(event.key) - 1];
  if (!form) return;
  event.preventDefault();
  send(form);
});

// --- The picture ------------------------------------------------------------------------------

startCopying(root, {
  onCopied: () => toast(say("copied")),
  onFailed: () => toast(say("notCopied")),
});
showCopying(root);
showKeys(root);

if (root.querySelector("[data-picture]")) {
  const { startPicture } = await import("./console-picture.js");
  picture = startPicture(root, { connection, say });
  // Says that somebody is there: a show without a picture is not ended meanwhile.
  setInterval(() => post(root.dataset.hereUrl, {}), HERE_EVERY);
}

// Nothing tells when the replay is there; it takes seconds.
const looking = setInterval(() => {
  if (root.querySelector("[data-replay-awaited]") === null) clearInterval(looking);
  else drawAnew();
}, REPLAY_EVERY);

localizeTimes(root);
connection.start();
