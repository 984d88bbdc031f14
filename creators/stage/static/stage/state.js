// What a page knows of its show and its owner's cart, and how events change it; what other pages
// know stands in host.js (a show's host), mods.js (who keeps its chat civil) and own.js (orders,
// offers and scores). Pure: no DOM, no clock, no network. State is never changed in place.
//
// A page holds one state. `fromSnapshot` replaces the part of one room ("live", "host", "mods",
// "me"), `applyFrame` adds a frame of events. Events carry absolute values; older revs are ignored.

import { Lines } from "./lines.js";

export { MESSAGES_KEPT } from "./lines.js";

// A long show sanctions many; an older word of what is before the newest can't come any more.
export const REVS_KEPT = 200;

export function initial() {
  return {
    positions: {}, // room kind -> { epoch, seq }
    you: null, // { role, user_id, name, may_chat, muted_until, mute }
    show: null, // { id, title, state, host, host_id, creator_id, scheduled_at, started_at, … }
    pin: null, // { id, product_id, pinned_at, referral }
    bag: [], // [{ id, title, handle, shop, image, image_alt, sold, skus: [{ id, … available, rev }] }]
    messages: new Lines(), // of { id, author_id, author, badge, body, sent_at, rev, deleted, … }
    left_out: null, // { count, at }: lines that the last frame lacked, because there were too many
    pinned_line: null,
    rules: { slow_seconds: 0, hold_seconds: 0, followers_only: false },
    questions: [], // [{ id, rev, product_id, author, body, votes, asked_at, answered_at }] by id
    picture: { state: "none", since: null, url: "", rev: -1 }, // state: "none" | "on" | "lost"
    caption: null, // { id, text, lang, starts_at, ends_at }
    viewers: 0,
    hearts: 0,
    grace_ms: 0, // so long after a deadline the server still takes what is late by the picture
    lag_ms: null, // of the viewers' pictures
    trouble: null, // host: { code, text, since }
    figures: null, // host: { orders, units, currency, gmv_minor, net_minor, viewers, rev }
    sanctions: [], // mods: open ones, by id
    held: [], // mods: lines that wait, by id
    actions: [], // mods: the newest, by id
    appeals: [], // mods: by id
    cart: { version: 0, units: 0 },
    orders: [], // newest first
    offers: [], // of { id, title, quantity, until, url, … }
    scores: null, // { rev, scores: [{ indicator, value, low, high, is_provisional }] }
    // `gone` are deleted questions, `mutes` the own ones that hold.
    revs: { show: -1, pin: -1, bag: -1, line: -1, rules: -1, gone: {}, sanctions: {}, mutes: {} },
  };
}

// --- Events -----------------------------------------------------------------------------------

function withShow(state, event, change) {
  if (state.show === null || event.rev <= state.revs.show) return state;
  return {
    ...state,
    show: { ...state.show, ...change },
    revs: { ...state.revs, show: event.rev },
  };
}

function withPin(state, rev, pin) {
  return rev <= state.revs.pin ? state : { ...state, pin, revs: { ...state.revs, pin: rev } };
}

function newerSku(sku, known) {
  return known !== undefined && known.rev > sku.rev
    ? { ...sku, available: known.available, rev: known.rev }
    : sku;
}

function withProduct(state, productId, change) {
  if (!state.bag.some((product) => product.id === productId)) return state;
  return {
    ...state,
    bag: state.bag.map((product) => (product.id === productId ? change(product) : product)),
  };
}

function withMessage(state, line) {
  const known = state.messages.find(line.id);
  // A deletion may come before its line: then the line stays deleted, until a newer rev of it.
  if (known !== undefined && (line.rev ?? 0) <= (known.rev ?? 0)) return state;
  const messages = state.messages.with(known?.gap ? { ...line, gap: true } : line);
  return { ...state, messages: line.rev > 0 ? requoted(messages, line) : messages };
}

// As much of a line as is repeated where it is answered.
const QUOTED = 80;

function requoted(messages, { id, author, body }) {
  const isQuoted = (one) => one.reply?.id === id;
  if (![...messages].some(isQuoted)) return messages;
  const reply = { id, author, body: [...body].slice(0, QUOTED).join("") };
  return messages.map((one) => (isQuoted(one) ? { ...one, reply } : one));
}

const GONE = {
  ...{ author_id: null, author: "", badge: "", body: "", client_id: null },
  ...{ reply: null, mentions: [], deleted: true },
};

function withoutMessage(state, { id, rev = 1 }) {
  const sent_at = state.messages.find(id)?.sent_at ?? 0;
  return withMessage(state, { ...GONE, id, sent_at, rev });
}

// The list, by id, with one thing in it as it is now.
export function upsert(list, one) {
  const at = list.findIndex((other) => other.id >= one.id);
  if (at === -1) return [...list, one];
  return list[at].id === one.id ? list.with(at, one) : list.toSpliced(at, 0, one);
}

function withQuestion(state, question) {
  const { id, rev } = question;
  const known = state.revs.gone[id] ?? state.questions.find((one) => one.id === id)?.rev ?? -1;
  if (rev <= known) return state;
  if (!question.deleted) return { ...state, questions: upsert(state.questions, question) };
  return {
    ...state,
    questions: state.questions.filter((one) => one.id !== id),
    revs: { ...state.revs, gone: { ...state.revs.gone, [id]: rev } },
  };
}

const lasts = (mute) => mute.until ?? Infinity;

// What is told of a sanction matters to whom it is about: whether they may write here.
export function withSanction(state, card) {
  if (card.rev <= (state.revs.sanctions[card.id] ?? -1)) return state;
  const revs = Object.entries({ ...state.revs.sanctions, [card.id]: card.rev });
  const sanctions = Object.fromEntries(revs.slice(-REVS_KEPT));
  const { show, you } = state;
  const isHere =
    card.piece_id === null ? card.creator_id === show?.creator_id : card.piece_id === show?.id;
  if (card.kind !== "mute" || !isHere || you?.user_id !== card.user_id) {
    return { ...state, revs: { ...state.revs, sanctions } };
  }
  const { [card.id]: _before, ...mutes } = state.revs.mutes;
  if (!card.lifted) mutes[card.id] = card;
  const [mute = null] = Object.values(mutes).sort((a, b) => lasts(b) - lasts(a));
  const next = { ...you, mute, muted_until: mute?.until ?? null };
  return { ...state, you: next, revs: { ...state.revs, sanctions, mutes } };
}

const handlers = {
  show_started: (state, event) =>
    withShow(state, event, { state: "live", started_at: event.started_at }),
  // The end takes the pin off, too.
  show_ended(state, event) {
    const { started_at, ended_at } = event;
    const next = withShow(state, event, { state: "ended", started_at, ended_at });
    return withPin(next, event.rev, null);
  },
  show_cancelled: (state, event) => withShow(state, event, { state: "cancelled" }),

  bag_changed(state, event) {
    if (event.rev <= state.revs.bag) return state;
    const known = new Map(state.bag.map((product) => [product.id, product]));
    const bag = event.products.map((product) => {
      const before = known.get(product.id);
      if (before === undefined) return product;
      const skus = new Map(before.skus.map((sku) => [sku.id, sku]));
      return {
        ...product,
        sold: Math.max(product.sold, before.sold),
        skus: product.skus.map((sku) => newerSku(sku, skus.get(sku.id))),
      };
    });
    return { ...state, bag, revs: { ...state.revs, bag: event.rev } };
  },

  pinned: (state, event) => withPin(state, event.rev, event.pin),
  unpinned: (state, event) => withPin(state, event.rev, null),

  stock: (state, event) =>
    withProduct(state, event.product_id, (product) => ({
      ...product,
      skus: product.skus.map((sku) =>
        sku.id === event.sku_id && event.rev > sku.rev
          ? { ...sku, available: event.available, rev: event.rev }
          : sku,
      ),
    })),
  sold: (state, event) =>
    withProduct(state, event.product_id, (product) => ({
      ...product,
      sold: Math.max(product.sold, event.sold),
    })),

  chat: (state, { line }) => withMessage(state, line),
  chat_deleted: withoutMessage,
  chat_pinned: (state, { rev, line }) =>
    rev <= state.revs.line
      ? state
      : { ...state, pinned_line: line, revs: { ...state.revs, line: rev } },
  chat_rules: (state, { rev, rules }) =>
    rev <= state.revs.rules ? state : { ...state, rules, revs: { ...state.revs, rules: rev } },
  question: (state, { question }) => withQuestion(state, question),
  sanction: (state, { sanction }) => withSanction(state, sanction),

  picture: (state, { picture }) =>
    picture.rev < state.picture.rev ? state : { ...state, picture },
  caption: (state, { caption }) =>
    caption.starts_at < state.caption?.starts_at ? state : { ...state, caption },
  counts: (state, { viewers, hearts, grace_ms, lag_ms }) => ({
    ...state,
    viewers,
    hearts,
    grace_ms,
    lag_ms,
  }),

  cart(state, event) {
    if (event.version < state.cart.version) return state;
    return { ...state, cart: { version: event.version, units: event.units } };
  },
};

// The state after one event; the same object when nothing changes. Unknown types are ignored, so
// that a server may be newer than an open page.
export function apply(state, event) {
  const handler = Object.hasOwn(handlers, event.t) ? handlers[event.t] : undefined;
  return handler === undefined ? state : handler(state, event);
}

// --- Frames and snapshots ---------------------------------------------------------------------

// Returns { state, outcome, events }: "applied" (with the events that were new), "old", or "gap":
// something before the frame is missing, or it is of another history: ask the server to resume.
export function applyFrame(state, frame) {
  const position = state.positions[frame.room];
  if (position === undefined || position.epoch !== frame.epoch || frame.from > position.seq + 1) {
    return { state, outcome: "gap", events: [] };
  }
  if (frame.seq <= position.seq) return { state, outcome: "old", events: [] };
  const events = frame.events.filter((event) => event.seq > position.seq);
  const next = events.reduce(apply, state);
  const positions = { ...state.positions, [frame.room]: { epoch: frame.epoch, seq: frame.seq } };
  const left_out =
    frame.left_out > 0 ? { count: frame.left_out, at: frame.at } : next.left_out;
  return { state: { ...next, left_out, positions }, outcome: "applied", events };
}

const parts = {
  live(state, { rev, pinned_line_rev, rules_rev, ...part }) {
    const own = { show: rev, pin: rev, bag: rev, line: pinned_line_rev, rules: rules_rev };
    const { messages, questions = [] } = part;
    return {
      ...state,
      ...part,
      messages: state.messages.renewed(messages),
      questions: questions.toSorted((a, b) => a.id - b.id),
      revs: { ...state.revs, ...own, gone: {} },
    };
  },
  me: (state, { cart: { version, units }, offers }) => ({
    ...state,
    cart: { version, units },
    offers,
  }),
};

// Lets a page understand more events and the snapshots of more rooms.
export function learn(more) {
  Object.assign(handlers, more.handlers);
  Object.assign(parts, more.parts);
}

// The state with one room's part replaced. A snapshot without an epoch (its server had no Valkey)
// is shown, but does not move the position; one that is older than what is known is ignored.
export function fromSnapshot(state, snapshot) {
  const position = state.positions[snapshot.room];
  const isOlder =
    position !== undefined && position.epoch === snapshot.epoch && position.seq > snapshot.seq;
  if (isOlder) return state;
  const next = parts[snapshot.room]?.(state, snapshot.state) ?? state;
  const positions =
    snapshot.epoch === ""
      ? state.positions
      : { ...state.positions, [snapshot.room]: { epoch: snapshot.epoch, seq: snapshot.seq } };
  const { you } = snapshot;
  const mutes = you.mute ? { [you.mute.id]: you.mute } : {};
  return { ...next, you, positions, revs: { ...next.revs, mutes } };
}

// Forget where a room stands: the next resume asks for its snapshot.
export function withoutPosition(state, room) {
  const { [room]: _gone, ...positions } = state.positions;
  return { ...state, positions };
}

// --- What pages ask ---------------------------------------------------------------------------

// Whether the show is live at `now` (ms), or was so lately that some still see it.
export function isOpen({ show, grace_ms }, now) {
  return show?.state === "live" || (show?.state === "ended" && now < show.ended_at + grace_ms);
}

// Whether this page's user can write now; `now` in ms.
export function canChat(state, now) {
  return state.you?.may_chat === true && !isMuted(state, now) && isOpen(state, now);
}

export function isMuted({ you }, now) {
  return Boolean(you?.mute) && (you.mute.until ?? Infinity) > now;
}
