// What can be done with a line of the chat: by a button at the line, a long press or a tap, a swipe
// to answer, or the Enter key on the line that one stands on.

import { toast } from "../liveshop/js/dialogs.js";
import { make } from "./chat-line.js";

const LONG = 450; // ms
const SWIPE = 56; // px

export function startMenu(chat) {
  const { box, say, connection } = chat;
  const moderates = () => ["host", "moderator"].includes(connection.state.you?.role);
  const lineOf = (target) => {
    const id = Number(target.closest?.("[data-line]")?.dataset.line);
    const line = connection.state.messages.find(id);
    return line?.deleted ? undefined : line;
  };

  // --- The menu itself --------------------------------------------------------------------

  const dialog = make("dialog", "sheet line-menu");
  dialog.setAttribute("aria-labelledby", "line-menu-title");
  document.body.append(dialog);

  function item(label, work, { isDanger = false, isOpen = false } = {}) {
    const button = make("button", `line-menu__item${isDanger ? " line-menu__item--danger" : ""}`, label);
    button.type = "button";
    button.addEventListener("click", () => {
      if (!isOpen) dialog.close();
      work();
    });
    return button;
  }

  async function open(line) {
    const title = make("p", "line-menu__title");
    title.id = "line-menu-title";
    title.append(make("b", "", line.author), " ", line.body);
    const items = [];
    if (chat.form && !chat.input.readOnly) items.push(item(say("reply"), () => chat.answer(line)));
    items.push(item(say("copy"), () => copy(line)));
    const isOurs = line.author_id === connection.state.you?.user_id;
    if (moderates() || isOurs) {
      const { itemsFor } = await import("./moderating.js");
      items.push(...itemsFor(line, { chat, dialog, item, isOurs, moderates: moderates() }));
    }
    dialog.replaceChildren(title, ...items, item(say("close"), () => {}));
    if (!dialog.open) dialog.showModal();
  }

  async function copy({ body }) {
    try {
      await navigator.clipboard.writeText(body);
      toast(say("copied"));
    } catch {
      toast(say("failed"));
    }
  }

  // --- Ways to it -------------------------------------------------------------------------

  const more = make("button", "chat__more", "⋯");
  more.type = "button";
  more.tabIndex = -1;
  more.setAttribute("aria-label", say("lineMenu"));
  more.addEventListener("click", () => {
    const line = lineOf(more);
    if (line) open(line);
  });

  function offer({ target }) {
    const element = target.closest?.("[data-line]");
    if (element && more.parentElement !== element) element.append(more);
  }

  box.addEventListener("pointerover", (event) => event.pointerType !== "touch" && offer(event));
  box.addEventListener("focusin", offer);
  box.addEventListener("pointerdown", begin);
  box.addEventListener("keydown", (event) => {
    const isAsked = event.key === "Enter" || event.key === "ContextMenu" || event.key === " ";
    if (!isAsked || event.target.dataset.line === undefined) return;
    const line = lineOf(event.target);
    if (!line) return;
    event.preventDefault();
    open(line);
  });

  let press = null;

  function letGo() {
    clearTimeout(press?.timer);
    if (press) press.element.style.translate = "";
    press = null;
  }

  function begin(event) {
    letGo();
    const line = lineOf(event.target);
    if (event.pointerType !== "touch" || !line || event.target.closest("a, button")) return;
    const timer = setTimeout(() => {
      letGo();
      open(line);
    }, LONG);
    const element = event.target.closest("[data-line]");
    press = { line, element, timer, x: event.clientX, y: event.clientY, moved: 0 };
  }

  box.addEventListener("pointermove", (event) => {
    if (press === null) return;
    const [x, y] = [event.clientX - press.x, event.clientY - press.y];
    if (Math.hypot(x, y) > 8) clearTimeout(press.timer);
    if (Math.abs(y) > 24) return letGo();
    press.moved = Math.max(0, Math.min(x, SWIPE * 1.4));
    if (press.moved > 8 && chat.form) press.element.style.translate = `${press.moved}px`;
  });
  box.addEventListener("pointerup", (event) => {
    const { line, moved } = press ?? {};
    const isTap = press !== null && Math.hypot(event.clientX - press.x, event.clientY - press.y) < 8;
    letGo();
    if (line === undefined) return;
    if (moved > SWIPE && chat.form && !chat.input.readOnly) chat.answer(line);
    else if (isTap) open(line);
  });
  box.addEventListener("pointercancel", letGo);
  // A long press must not bring the browser's own menu, too.
  box.addEventListener("contextmenu", (event) => {
    if (event.pointerType === "touch" && lineOf(event.target)) event.preventDefault();
  });
  return {
    // What brought this module: the first touch counts, too.
    take(event) {
      if (event.pointerType === "touch") begin(event);
      else offer(event);
    },
  };
}
