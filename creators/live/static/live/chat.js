// The chat's log and its form, on the viewer's page and in the console.

import { canChat, isOpen } from "../stage/state.js";
import { timeOf } from "./words.js";

const KEPT = 200;
// So near the end a reader is reading along; further up they are left where they are.
const NEAR = 60;

function make(tag, className, text = "") {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  return element;
}

export class Chat {
  // `tools(line)` gives elements that stand behind a line; `say` gives words.
  constructor(root, { connection, say, tools = () => [] }) {
    this.log = root.querySelector("[data-chat]");
    this.box = this.log.parentElement;
    this.form = root.querySelector("[data-chat-form]");
    this.error = root.querySelector("[data-chat-error]");
    this.url = root.dataset.chatUrl;
    this.connection = connection;
    this.say = say;
    this.tools = tools;
    this.sent = new Map(); // client id -> what was written
    this.isMutedShown = false;
    this.gone = 0; // newest line that made room
    if (this.form) {
      this.input = this.form.querySelector("[data-chat-input]");
      this.button = this.form.querySelector("[data-chat-send]");
      this.form.addEventListener("submit", (event) => this.#submit(event));
      this.input.addEventListener("input", () => !this.isMutedShown && this.#complain(""));
    }
    this.#toEnd();
  }

  show(state) {
    const isNear = this.#isNearEnd();
    for (const line of state.messages) {
      const known = this.log.querySelector(`[data-line="${line.id}"]`);
      if (line.deleted) known?.remove();
      else if (!known && line.id > this.gone) this.#add(this.#element(line, state), line.id);
      if (line.client_id !== null) this.sent.delete(line.client_id);
    }
    this.#trim();
    if (isNear) this.#toEnd();
    this.#showForm(state);
  }

  // A line of the page's own, not of the chat: who bought what.
  remark(text) {
    const isNear = this.#isNearEnd();
    this.log.append(make("div", "chat__line chat__line--system", text));
    this.#trim();
    if (isNear) this.#toEnd();
  }

  // The server refused something; true when it was a chat line.
  refused(error) {
    if (error.re !== "chat") return false;
    const text = this.sent.get(error.ref);
    this.sent.delete(error.ref);
    // What was written comes back, unless the next line is being written already.
    if (text !== undefined && this.input.value === "") this.input.value = text;
    this.#complain(error.text);
    return true;
  }

  #element(line, state) {
    const item = make("div", "chat__line");
    item.dataset.line = line.id;
    if (line.is_host) item.classList.add("chat__line--host");
    else if (line.author_id === state.you?.user_id) item.classList.add("chat__line--own");
    item.append(make("b", "chat__name", line.author), " ", make("span", "chat__text", line.body));
    const tools = this.tools(line);
    if (tools.length > 0) {
      const place = make("span", "chat__tools");
      place.append(...tools);
      item.append(place);
    }
    return item;
  }

  #add(item, id) {
    // Lines come in order nearly always; one that was late goes to its place.
    const later = [...this.log.querySelectorAll("[data-line]")].find(
      (other) => Number(other.dataset.line) > id,
    );
    if (later) later.before(item);
    else this.log.append(item);
  }

  #trim() {
    while (this.log.children.length > KEPT) {
      const first = this.log.firstElementChild;
      this.gone = first.dataset.line ?? this.gone;
      first.remove();
    }
  }

  #isNearEnd() {
    // The box is reversed: 0 is its end, and above it is less.
    return Math.abs(this.box.scrollTop) < NEAR;
  }

  #toEnd() {
    this.box.scrollTop = 0;
  }

  #showForm(state) {
    if (!this.form) return;
    const now = Date.now();
    const may = canChat(state, now);
    this.input.disabled = false;
    this.button.disabled = false;
    // Read-only keeps the focus where it is; `disabled` would not.
    this.input.readOnly = !may;
    this.button.setAttribute("aria-disabled", String(!may));
    if (state.show !== null && state.you?.role !== "host") {
      const isOn = isOpen(state, now);
      this.input.placeholder = this.say(isOn ? "chatOpen" : "chatClosed");
      // Right after its end a show still takes lines; then no news tells that it does not.
      if (isOn && state.show.state === "ended") this.#later(state.grace_ms);
    }
    const until = state.you?.muted_until ?? null;
    const isMuted = until !== null && until > now;
    if (isMuted) {
      this.#complain(this.say("muted", { time: timeOf(until) }));
      this.#later(until - now);
    } else if (this.isMutedShown) this.#complain("");
    this.isMutedShown = isMuted;
  }

  #later(ms) {
    clearTimeout(this.timer);
    const rest = Math.min(ms + 50, 2 ** 31 - 1);
    this.timer = setTimeout(() => this.#showForm(this.connection.state), rest);
  }

  async #submit(event) {
    event.preventDefault();
    if (this.input.readOnly) return;
    const body = this.input.value.trim();
    if (body === "") return;
    this.#complain("");
    this.input.value = "";
    if (this.connection.isOpen || !this.connection.isPolling) {
      this.sent.set(this.connection.chat(body), body);
      return;
    }
    // Where sockets do not get through, the form's own way still does.
    const { post } = await import("./sending.js");
    const client_id = crypto.randomUUID();
    const { ok, title } = await post(this.url, { client_id, body });
    if (ok) return;
    if (this.input.value === "") this.input.value = body;
    this.#complain(title || this.say("failed"));
  }

  #complain(text) {
    if (this.error && this.error.textContent.trim() !== text) this.error.textContent = text;
  }
}
