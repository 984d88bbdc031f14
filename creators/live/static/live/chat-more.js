// What stands around a chat's log and its form: the pinned line, the rules, how long to wait, whom
// one answers, names while they are typed; and the ways to what comes only when asked for.

import { isMuted } from "../stage/state.js";
import { make } from "./chat-line.js";
import { startNames } from "./chat-names.js";
import { startFollowing } from "./following.js";

const BUSY_FOR = 10_000; // so long after lines were left out it is said
const DISMISSED = "liveshop.dismissed";

export function startMore(chat) {
  const { root, connection, say } = chat;
  const find = (name) => root.querySelector(`[data-${name}]`);
  const free = ({ you }) => you?.role === "host" || you?.role === "moderator";
  const now = () => Date.now();
  let waitsUntil = 0;
  let timer;
  let panel = null;
  const following = startFollowing(say, () => show(connection.state));

  // --- Above the chat ---------------------------------------------------------------------

  const pinned = find("pinned-line");

  function dismissed() {
    try {
      return sessionStorage.getItem(DISMISSED);
    } catch {
      return null;
    }
  }

  function showPinned({ pinned_line: line }) {
    const key = line === null ? "" : `${root.dataset.piece}.${line.id}`;
    if (pinned === null || pinned.dataset.shown === key) return;
    pinned.dataset.shown = key;
    pinned.hidden = line === null || dismissed() === key;
    if (line === null) return pinned.replaceChildren();
    const close = make("button", "icon-button chat-pinned__close");
    close.type = "button";
    close.setAttribute("aria-label", say("dismiss"));
    close.textContent = "×";
    close.addEventListener("click", () => {
      pinned.hidden = true;
      chat.box.focus({ preventScroll: true });
      try {
        sessionStorage.setItem(DISMISSED, key);
      } catch {
        // Then it is away as long as the page is there.
      }
    });
    const drawn = chat.draw({ ...line, reply: null });
    drawn.removeAttribute("tabindex");
    drawn.querySelector(".chat__tools")?.remove();
    delete drawn.dataset.line;
    pinned.replaceChildren(drawn, close);
    if (!free(connection.state)) return;
    const down = make("button", "chat__tool", say("unpinLine"));
    down.type = "button";
    down.addEventListener("click", async () => {
      const { act } = await import("./moderating.js");
      act(chat, "unpin", {}, say("unpinned"));
    });
    close.before(down);
  }

  const rules = find("chat-rules") ?? make("p", "chat-rules");
  const rulesText = make("span", "", rules.textContent);
  rules.replaceChildren(rulesText);
  rules.hidden = rulesText.textContent === "";
  if (following !== null) rules.append(" ", followButton());

  function followButton() {
    const button = make("button", "chat__tool", say("follow"));
    button.type = "button";
    button.dataset.follow = "";
    button.addEventListener("click", following.toggle);
    return button;
  }

  function showRules(state) {
    const { slow_seconds, hold_seconds, followers_only } = state.rules;
    const words = [];
    if (slow_seconds > 0) words.push(say("ruleSlow", { n: slow_seconds }));
    if (followers_only) words.push(say("ruleFollowers"));
    if (hold_seconds > 0) words.push(say("ruleHold", { n: hold_seconds }));
    const isBusy = state.left_out !== null && serverNow() - state.left_out.at < BUSY_FOR;
    if (isBusy) words.push(say("busy"));
    const text = words.join(" · ");
    if (rulesText.textContent !== text) rulesText.textContent = text;
    const follow = rules.querySelector("[data-follow]");
    if (follow) follow.hidden = !followers_only || following.isFollowing || free(state);
    rules.hidden = text === "";
    if (isBusy) later(BUSY_FOR - (serverNow() - state.left_out.at));
  }

  const serverNow = () => now() - (Number.isFinite(connection.skew) ? connection.skew : 0);

  function later(ms) {
    clearTimeout(timer);
    timer = setTimeout(() => show(connection.state), ms + 50);
  }

  // --- Below it ---------------------------------------------------------------------------

  const muted = make("p", "chat-muted");
  muted.hidden = true;

  function showMuted(state) {
    muted.hidden = !isMuted(state, now());
    if (muted.hidden) return;
    const { id, reason, appeal } = state.you.mute;
    const key = `${id} ${reason} ${appeal}`;
    if (muted.dataset.shown === key) return;
    muted.dataset.shown = key;
    const link = make("a", "", say(appeal === "" ? "appeal" : "appealed"));
    link.href = root.dataset.sanctionsUrl;
    muted.replaceChildren(reason && `${say("reason", { reason })} · `, link);
  }

  // Seconds until the next line may go out; 0: now.
  function waiting() {
    const { rules: { slow_seconds } } = connection.state;
    if (slow_seconds === 0 || free(connection.state)) return 0;
    return Math.max(0, Math.ceil((waitsUntil - now()) / 1000));
  }

  function showWait() {
    if (!chat.form) return;
    const left = waiting();
    if (left === 0) return delete chat.button.dataset.waits;
    chat.button.dataset.waits = left;
    clearTimeout(showWait.timer);
    showWait.timer = setTimeout(showWait, 250);
  }

  const replying = make("div", "chat-reply");
  replying.hidden = true;

  function showReply() {
    const line = chat.reply;
    const key = line === null ? "" : String(line.id);
    if (replying.dataset.answers === key) return;
    replying.dataset.answers = key;
    replying.hidden = line === null;
    if (line === null) return replying.replaceChildren();
    const text = make("span", "chat-reply__text", say("answering", { name: line.author }));
    text.append(" ", make("q", "", line.body));
    const close = make("button", "icon-button", "×");
    close.type = "button";
    close.setAttribute("aria-label", say("answerNobody"));
    close.addEventListener("click", () => {
      chat.answer(null);
      chat.input.focus();
    });
    replying.replaceChildren(text, close);
  }

  if (chat.form) {
    // What is offered while one types lies over what is above: nothing may push the field away.
    const over = make("div", "chat-over");
    chat.over = make("div", "chat-over__offers");
    over.append(chat.over);
    chat.error.before(over, replying);
    chat.error.after(muted);
    chat.input.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && chat.reply !== null) chat.answer(null);
    });
    startNames(chat);
    const faces = make("button", "icon-button chat-form__faces", "☺");
    faces.type = "button";
    faces.setAttribute("aria-label", say("emoji"));
    faces.setAttribute("aria-expanded", "false");
    faces.addEventListener("click", async () => {
      const { toggleEmoji } = await import("./emoji.js");
      toggleEmoji(chat, faces);
    });
    chat.button.before(faces);
  }

  // --- What comes when it is asked for ----------------------------------------------------

  let menu = null;

  // The first touch of a line brings its menu; from then on that listens itself.
  async function bringMenu(event) {
    if (menu !== null) return;
    menu = import("./line-menu.js").then(({ startMenu }) => startMenu(chat));
    (await menu).take(event);
  }

  for (const name of ["pointerover", "pointerdown", "focusin"]) {
    chat.box.addEventListener(name, bringMenu, { once: true, passive: true });
  }

  const head = make("div", "chat-head");
  head.append(rules);
  (pinned ?? chat.box).before(head);
  const questions = document.querySelector("[data-questions]");
  const tabs = make("div", "chat-tabs");
  const count = make("span", "chat-tabs__count");

  function showCount(state) {
    count.textContent = state.questions.filter((one) => one.answered_at === null).length || "";
    panel?.show(state);
  }

  // The questions are shown when they can be worked with.
  async function choose(chosen) {
    if (chosen === tabs.lastChild && panel === null) {
      const { startQuestions } = await import("./questions.js");
      panel ??= startQuestions(root, chat);
      panel.show(connection.state);
    }
    for (const tab of tabs.children) {
      const isChosen = tab === chosen;
      tab.setAttribute("aria-selected", String(isChosen));
      tab.tabIndex = isChosen ? 0 : -1;
      document.getElementById(tab.getAttribute("aria-controls")).hidden = !isChosen;
    }
  }

  function makeTab(words, controlled) {
    const tab = make("button", "chat-tabs__tab", say(words));
    tab.type = "button";
    tab.id = `tab-${controlled}`;
    tab.setAttribute("role", "tab");
    tab.setAttribute("aria-controls", controlled);
    tab.addEventListener("click", () => choose(tab));
    return tab;
  }

  if (questions !== null) {
    tabs.setAttribute("role", "tablist");
    tabs.setAttribute("aria-label", say("chatAndQuestions"));
    tabs.append(makeTab("chatTab", chat.box.id), makeTab("questionsTab", questions.id));
    tabs.lastChild.append(" ", count);
    questions.setAttribute("role", "tabpanel");
    head.prepend(tabs);
    chat.box.before(questions);
    choose(tabs.firstChild);
    tabs.addEventListener("keydown", (event) => {
      if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
      const other = tabs.querySelector("[aria-selected=false]");
      choose(other);
      other.focus();
    });
  }

  // --- As a part of the chat --------------------------------------------------------------

  function show(state, events = []) {
    // What its author saw waiting may not be shown, or wait again.
    for (const { t, id, state: now } of events) if (t === "judged") chat.list?.note(id, say(now));
    showPinned(state);
    showRules(state);
    showMuted(state);
    showReply();
    showWait();
    showCount(state);
  }

  chat.parts.push({
    show,
    said() {
      waitsUntil = now() + connection.state.rules.slow_seconds * 1000;
      showWait();
    },
    isWaiting() {
      const left = chat.form ? waiting() : 0;
      if (left > 0) chat.complain(say("slowWait", { n: left }));
      return left > 0;
    },
  });
  if (chat.state) show(chat.state);
  // The page was asked for to answer a line: its address says so.
  const asked = find("reply-to");
  const line = asked && connection.state.messages.find(Number(asked.value));
  asked?.remove();
  if (line) {
    chat.reply = line;
    show(connection.state);
  }
}
