// The stage of a live show, at the other end of a page's socket, in virtual time.

import { apply, initial } from "../../creators/stage/static/stage/state.js";
import { NOON } from "./clock.js";

// What a stage tells its sockets. It keeps a few frames, and tells who missed more than those the
// state itself. What is in the room it knows by the page's own reducer, but for the chat.
export class Stage {
  frames = [];
  epoch = 1;
  seq = 0;
  lines = 0;
  messages = []; // the newest
  sold = 0;
  rev = 10;
  isAway = false;
  socket = null;
  opened = 0;

  constructor(clock) {
    this.clock = clock;
    const sku = { id: 1, options: "", price_minor: 100, currency: "EUR", available: 900, rev: 1 };
    const bag = Array.from({ length: 20 }, (_one, at) => ({
      ...{ id: at + 1, title: `Scarf ${at}`, handle: `scarf-${at}`, sold: 0 },
      skus: [{ ...sku, id: at + 1 }],
    }));
    const show = { id: 7, title: "Scarves", state: "live", started_at: NOON };
    const picture = { state: "on", since: NOON, url: "https://o.test/x/index.m3u8", rev: 1 };
    this.state = { ...initial(), show, bag, picture };
  }

  get at() {
    return NOON + this.clock.now;
  }

  say(...events) {
    const from = this.seq + 1;
    const numbered = events.map((event) => ({ seq: (this.seq += 1), at: this.at, ...event }));
    for (const event of numbered) {
      if (event.t === "chat") this.messages = [...this.messages.slice(-49), event.line];
      else if (event.t === "chat_deleted") {
        this.messages = this.messages.filter((one) => one.id !== event.id);
      } else this.state = apply(this.state, event);
    }
    const frame = { room: "live", epoch: `e${this.epoch}`, from, seq: this.seq, at: this.at };
    this.frames.push({ ...frame, events: numbered });
    if (this.frames.length > 300) this.frames.splice(0, 100);
    this.tell(this.frames.at(-1));
  }

  tell(message) {
    const { socket } = this;
    const text = JSON.stringify(message);
    this.clock.setTimeout(() => socket?.readyState === 1 && socket.onmessage({ data: text }), 20);
  }

  hear(message) {
    if (message.t === "ping") this.tell({ t: "pong" });
    else if (message.t === "resume") this.resume(message.rooms.live);
    else if (message.t === "chat") this.write(message.body, message.client_id);
    else this.heard = message;
  }

  resume(position) {
    const first = this.frames[0]?.from ?? this.seq + 1;
    if (position?.epoch !== `e${this.epoch}` || position.seq + 1 < first) {
      this.tell(this.snapshot());
      return;
    }
    for (const frame of this.frames) if (frame.seq > position.seq) this.tell(frame);
  }

  snapshot() {
    const { show, pin, bag, picture, caption, viewers, hearts, grace_ms } = this.state;
    const part = { show, pin, bag, messages: this.messages, picture, caption, viewers };
    const you = { role: "viewer", user_id: 9, name: "Alice", may_chat: true, muted_until: null };
    const position = { epoch: `e${this.epoch}`, seq: this.seq, at: this.at };
    const state = { ...part, hearts, grace_ms, rev: this.rev };
    return { t: "snapshot", room: "live", ...position, state, you };
  }

  write(body, client_id = null) {
    const id = (this.lines += 1);
    const who = { author_id: 100 + (id % 3000), author: `Viewer ${id % 3000}` };
    const line = { id, ...who, body, sent_at: this.at, client_id, deleted: false };
    this.say({ t: "chat", line });
    if (id % 50 === 0) this.say({ t: "chat_deleted", id: id - 10 });
  }

  sell() {
    const id = 1 + ((this.sold += 1) % 20);
    const product = this.state.bag[id - 1];
    const available = 900 - (this.sold % 900);
    this.say(
      { t: "sold", product_id: id, sold: product.sold + 1, buyer: "Erin", title: product.title },
      { t: "stock", product_id: id, sku_id: id, available, rev: product.skus[0].rev + 1 },
    );
  }

  pin() {
    const rev = (this.rev += 1);
    const pin = { id: rev, product_id: 1 + (rev % 20), pinned_at: this.at };
    this.say(rev % 5 === 0 ? { t: "unpinned", rev } : { t: "pinned", rev, pin });
  }

  picture(state) {
    const { url, rev } = this.state.picture;
    this.say({ t: "picture", picture: { state, since: this.at, url, rev: rev + 1 } });
  }

  // Its memory was lost: positions of before mean nothing.
  forget() {
    this.epoch += 1;
    this.seq = 0;
    this.frames = [];
    this.drop();
  }

  drop() {
    this.socket?.close(1006);
  }
}

export function socketOf(stage) {
  return class {
    readyState = 0;

    constructor() {
      stage.opened += 1;
      stage.clock.setTimeout(() => {
        if (stage.isAway) return this.close(1006);
        stage.socket = this;
        this.readyState = 1;
        this.onopen();
      }, 50);
    }

    send(text) {
      if (stage.socket === this) stage.hear(JSON.parse(text));
    }

    close(code) {
      if (this.readyState === 3) return;
      this.readyState = 3;
      this.onclose({ code });
    }
  };
}
