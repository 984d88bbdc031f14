// The replay's page: plays the recording, and has chapters, goods and chat follow it. Without this
// script the page is the list of what was shown, and its forms.

import { toast } from "../liveshop/js/dialogs.js";
import { mountVod } from "../media/vod.js";
import { ReplayChat } from "./replay-chat.js";
import { Watched, chapterAt, timeIn } from "./replay-time.js";
import { mention, post } from "./sending.js";
import { wordsOf } from "./words.js";

const QUALIFIED = 5_000;

const root = document.querySelector("[data-replay]");
const say = wordsOf(root);
const find = (name) => root.querySelector(`[data-${name}]`);
const length = Number(root.dataset.length);
const video = find("video");
const startButton = find("start");
const notice = find("notice");
const query = new URLSearchParams(location.search);
// By ?t=, or where the clip begins that ?clip= names; at most the end.
const asked = Math.min(timeIn(query.get("t") ?? "") ?? Number(root.dataset.begin ?? 0), length);

// --- The picture ------------------------------------------------------------------------------

const vod = mountVod(video, {
  url: root.dataset.url,
  from: Number(root.dataset.from),
  length,
  onTime: follow,
  onFail() {
    notice.textContent = notice.dataset.failed;
    video.controls = false;
    startButton.hidden = false;
  },
});

function play(ms) {
  notice.textContent = "";
  startButton.hidden = true;
  video.controls = true;
  video.removeAttribute("tabindex");
  vod.play(ms);
}

startButton.hidden = false;
startButton.addEventListener("click", () => {
  play(asked);
  video.focus({ preventScroll: true });
});

// Not all browsers' own controls have it.
const SPEEDS = [1, 1.25, 1.5, 2];
const speed = find("speed");
speed.hidden = false;
speed.addEventListener("click", () => {
  const faster = SPEEDS.find((one) => one > video.playbackRate) ?? SPEEDS[0];
  // The default is what a player goes back to after each load.
  video.defaultPlaybackRate = video.playbackRate = faster;
});
video.addEventListener("ratechange", () => {
  find("speed-now").textContent = video.playbackRate;
});

// --- What follows it --------------------------------------------------------------------------

const chapters = [...root.querySelectorAll("[data-chapters] [data-at]")];
const places = chapters.map((chapter) => Number(chapter.dataset.at));
const cards = [...root.querySelectorAll("[data-card]")];
const chatPlace = find("chat-place");
const chat = new ReplayChat(find("chat"), { url: root.dataset.chatUrl, length });
const watched = new Watched();
let current = null;
let isViewed = false;

function follow(ms) {
  mark(chapterAt(places, ms));
  chat.show(ms);
  if (!isViewed && watched.add(ms) >= QUALIFIED) {
    isViewed = true;
    mention(root.dataset.watchedUrl, { mark: root.dataset.mark });
  }
}

function mark(index) {
  if (index === current) return;
  current = index;
  chapters.forEach((chapter, at) => {
    if (at === index) chapter.setAttribute("aria-current", "true");
    else chapter.removeAttribute("aria-current");
  });
  const product = index < 0 ? null : chapterProduct(index);
  for (const card of cards) card.toggleAttribute("data-now", card.dataset.product === product);
  keepInSight(chapters[index]);
}

const chapterProduct = (index) => chapters[index].dataset.product;

// Within its own list: the page itself must not move under who reads it.
function keepInSight(chapter) {
  const list = chapter?.closest("[data-chapters]");
  if (!list) return;
  const item = chapter.parentElement;
  list.scrollLeft = item.offsetLeft - list.offsetLeft - 16;
  list.scrollTop = item.offsetTop - list.offsetTop - list.clientHeight / 3;
}

chatPlace.hidden = false;
chat.show(asked);
mark(chapterAt(places, asked));

// --- What people do ---------------------------------------------------------------------------

const counted = new Set();

function count(productId) {
  if (counted.has(productId)) return;
  counted.add(productId);
  mention(root.dataset.clickUrl, { product: productId });
}

root.addEventListener("click", (event) => {
  const link = event.target.closest("a");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  if (link.matches("[data-open-product]")) count(link.closest("[data-card]").dataset.product);
  if (!link.matches("[data-jump]")) return;
  event.preventDefault();
  play(Number(link.dataset.at));
  const { top, bottom } = video.getBoundingClientRect();
  if (top < 0 || bottom > innerHeight) video.scrollIntoView({ block: "nearest" });
});

root.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("[data-offer-form]")) return;
  count(form.closest("[data-card]").dataset.product);
  if (!event.submitter?.matches("[data-add]")) {
    // Who comes back from the checkout finds the moment again.
    if (vod.isStarted) history.replaceState(null, "", link().search);
    return;
  }
  event.preventDefault();
  add(form.action, new FormData(form));
});

async function add(action, fields) {
  const { ok, data, title } = await post(action, fields);
  if (!ok) return toast(title || say("failed"));
  toast(say("inCart", { title: data.line.title }));
  for (const place of document.querySelectorAll("[data-cart-count]")) {
    place.textContent = data.units;
    place.hidden = data.units === 0;
  }
}

// --- Sharing a moment -------------------------------------------------------------------------

// Of the address only the time is given on: an invitation is the host's to give.
function link() {
  const address = new URL(location.pathname, location.href);
  const seconds = Math.floor((vod.isStarted ? vod.at() : asked) / 1000);
  if (seconds > 0) address.searchParams.set("t", seconds);
  return address;
}

const share = find("share");
share.hidden = !(navigator.share || navigator.clipboard);
share.addEventListener("click", async () => {
  const url = link().href;
  try {
    if (navigator.share && matchMedia("(pointer: coarse)").matches) {
      await navigator.share({ title: document.title, url });
    } else {
      await navigator.clipboard.writeText(url);
      toast(share.dataset.copied);
    }
  } catch (error) {
    if (error?.name !== "AbortError") toast(say("failed"));
  }
});
