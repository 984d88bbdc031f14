// The chat's log and its form, on the viewer's page and in the console. This much is always there;
// a list of any length, what stands around it, and what can be done with a line come when needed.

import { canChat, isMuted, isOpen } from "../stage/state.js";
import { drawLine } from "./chat-line.js";
import { timeOf } from "./words.js";

const PLAIN = 60; // lines that are shown without the long list

export class Chat {
  // `tools(line)` gives elements that stand behind a line; `say` gives words.
  constructor(root, { connection, say, tools = () => [] }) {
    this.root = root;
    this.log = root.querySelector("[data-chat]");
    this.box = this.log.parentElement;
    this.form = root.querySelector("[data-chat-form]");
    this.error = root.querySelector("[data-chat-error]");
    this.url = root.dataset.chatUrl;
    this.connection = connection;
    this.say = say;
    this.tools = tools;
    this.sent = new Map(); // client id -> { body, reply } that may still be refused
    this.reply = null; // the line that the next one answers
    this.parts = []; // what came later: { show(state), said(message), sending() }
    this.isMutedShown = false;
    if (this.form) {
      this.input = this.form.querySelector("[data-chat-input]");
      this.button = this.form.querySelector("[data-chat-send]");
      this.form.addEventListener("submit", (event) => this.#submit(event));
      this.input.addEventListener("input", () => !this.isMutedShown && this.complain(""));
    }
    import("./chat-list.js").then(
      ({ ChatList }) => {
        this.list = new ChatList(this.box, this.log, { draw: (line) => this.draw(line), say });
        this.#showLines();
      },
      () => {
        this.list = null;
        this.#showLines();
      },
    );
    import("./chat-more.js").then(({ startMore }) => startMore(this));
  }

  show(state, events = []) {
    const before = this.state;
    this.state = state;
    for (const { t, line } of events) if (t === "chat") this.sent.delete(line.client_id);
    if (this.list && before && state.you !== before.you) this.list.redraw();
    this.#showLines();
    this.#showForm(state);
    for (const part of this.parts) part.show?.(state, events);
  }

  // A line of the page's own, not of the chat: who bought what.
  remark(text) {
    this.list?.add({ text, kind: "system" });
  }

  // The server has written a line down. Who wrote it sees it wait, when others don't see it yet.
  said({ client_id, id, state }) {
    const sent = this.sent.get(client_id);
    this.sent.delete(client_id);
    if (sent !== undefined && state !== "shown") {
      const name = this.connection.state.you?.name ?? "";
      const text = `${name}: ${sent.body}`;
      this.list?.add({ id, text, kind: "waiting", note: this.say(state) });
    }
    for (const part of this.parts) part.said?.(state);
  }

  // The server refused something; true when it was a chat line.
  refused(error) {
    if (error.re !== "chat") return false;
    const sent = this.sent.get(error.ref);
    this.sent.delete(error.ref);
    if (sent) this.#giveBack(sent);
    this.complain(error.text);
    return true;
  }

  draw(line) {
    return drawLine(line, { you: this.connection.state.you, say: this.say, tools: this.tools });
  }

  complain(text) {
    if (this.error && this.error.textContent.trim() !== text) this.error.textContent = text;
  }

  // --- The log ----------------------------------------------------------------------------

  #showLines() {
    if (!this.state || this.list === undefined) return;
    const { messages } = this.state;
    if (this.list !== null) return this.list.show(messages);
    const lines = messages.slice(-PLAIN).filter((line) => !line.deleted);
    this.log.replaceChildren(...lines.map((line) => this.draw(line)));
  }

  // --- The form ---------------------------------------------------------------------------

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
      const isSoon = state.show.state === "scheduled";
      this.input.placeholder = this.say(isOn ? "chatOpen" : isSoon ? "chatSoon" : "chatClosed");
      // Right after its end a show still takes lines; then no news tells that it does not.
      if (isOn && state.show.state === "ended") this.#later(state.grace_ms);
    }
    const isShut = isMuted(state, now);
    if (isShut) {
      const { until, scope } = state.you.mute;
      const words = until === null ? `muted_${scope}` : "muted";
      this.complain(this.say(words, { time: until && timeOf(until) }));
      if (until !== null) this.#later(until - now);
    } else if (this.isMutedShown) this.complain("");
    this.isMutedShown = isShut;
  }

  #later(ms) {
    clearTimeout(this.timer);
    const rest = Math.min(ms + 50, 2 ** 31 - 1);
    this.timer = setTimeout(() => this.show(this.connection.state), rest);
  }

  answer(line) {
    this.reply = line;
    for (const part of this.parts) part.show?.(this.state);
    if (line !== null) this.input?.focus();
  }

  #submit(event) {
    event.preventDefault();
    if (this.input.readOnly || this.parts.some((part) => part.isWaiting?.())) return;
    const body = this.input.value.trim();
    if (body === "") return;
    this.complain("");
    this.input.value = "";
    const { reply } = this;
    const id = this.connection.chat(body, reply ? { reply_to: reply.id } : {});
    this.sent.set(id, { body, reply });
    if (reply) this.answer(null);
    if (!this.connection.isOpen && this.connection.isPolling) this.post();
  }

  #giveBack({ body, reply }) {
    // What was written comes back, unless the next line is being written already.
    if (this.input.value !== "") return;
    this.input.value = body;
    if (reply) this.answer(reply);
  }

  // Where sockets do not get through, the form's own way still does.
  async post() {
    if (this.connection.unsaid.size === 0) return;
    const { postLines } = await import("./chat-post.js");
    await postLines(this);
  }
}
