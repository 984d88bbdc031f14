// What a page knows of its show and its owner's cart, and how events change it; what other pages
// know stands in host.js (a show's host) and own.js (orders and scores). Pure: no DOM, no clock, no
// network. State is never changed in place.
//
// A page holds one state. `fromSnapshot` replaces the part of one room ("live", "host" or "me"),
// `applyFrame` adds a frame of events. Events carry absolute values; older revs are ignored.

export const MESSAGES_KEPT = 200;

export function initial() {
  return {
    positions: {}, // room kind -> { epoch, seq }
    you: null, // { role, user_id, name, may_chat, muted_until }
    show: null, // { id, title, state, host, host_id, scheduled_at, started_at, ended_at, referral }
    pin: null, // { id, product_id, pinned_at, referral }
    bag: [], // [{ id, title, handle, shop, image, image_alt, sold, skus: [{ id, … available, rev }] }]
    messages: [], // [{ id, author_id, author, is_host, body, sent_at, client_id, deleted }]
    picture: { state: "none", since: null, url: "", rev: -1 }, // state: "none" | "on" | "lost"
    caption: null, // { id, text, lang, starts_at, ends_at }
    viewers: 0,
    hearts: 0,
    grace_ms: 0, // so long after a deadline the server still takes what is late by the picture
    lag_ms: null, // of the viewers' pictures
    trouble: null, // host: { code, text, since }
    figures: null, // host: { orders, units, currency, gmv_minor, net_minor, viewers, rev }
    muted: {}, // host: user id -> { user_id, name, until }
    cart: { version: 0, units: 0 },
    orders: [], // newest first
    scores: null, // { rev, scores: [{ indicator, value, low, high, is_provisional }] }
    revs: { show: -1, pin: -1, bag: -1, mutes: {} },
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
  const known = state.messages.find((one) => one.id === line.id);
  // A deletion may come before its line: then the line stays deleted.
  if (known !== undefined && (known.deleted || !line.deleted)) return state;
  const others = state.messages.filter((one) => one.id !== line.id);
  const messages = [...others, line].sort((a, b) => a.id - b.id).slice(-MESSAGES_KEPT);
  return { ...state, messages };
}

export function withMute(state, event, until) {
  const known = state.revs.mutes[event.user_id] ?? -1;
  if (until === null ? event.rev < known : event.rev <= known) return state;
  const next = {
    ...state,
    revs: { ...state.revs, mutes: { ...state.revs.mutes, [event.user_id]: event.rev } },
  };
  const isOurs = state.show?.id === event.piece_id && state.you?.user_id === event.user_id;
  if (isOurs) next.you = { ...state.you, muted_until: until };
  return next;
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

  chat: (state, event) => withMessage(state, event.line),
  chat_deleted(state, { id }) {
    const sent_at = state.messages.find((line) => line.id === id)?.sent_at ?? 0;
    const gone = { author_id: null, author: "", is_host: false, body: "", client_id: null };
    return withMessage(state, { ...gone, id, sent_at, deleted: true });
  },
  muted: (state, event) => withMute(state, event, event.until),
  unmuted: (state, event) => withMute(state, event, null),

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
  return { state: { ...next, positions }, outcome: "applied", events };
}

const parts = {
  live: (state, { rev, ...part }) => ({
    ...state,
    ...part,
    revs: { ...state.revs, show: rev, pin: rev, bag: rev },
  }),
  me: (state, { cart: { version, units } }) => ({ ...state, cart: { version, units } }),
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
  return { ...next, you: snapshot.you, positions };
}

// Forget where a room stands: the next resume asks for its snapshot.
export function withoutPosition(state, room) {
  const { [room]: _gone, ...positions } = state.positions;
  return { ...state, positions };
}

// --- What pages ask ---------------------------------------------------------------------------

export function pinnedProduct(state) {
  if (state.pin === null) return null;
  return state.bag.find((product) => product.id === state.pin.product_id) ?? null;
}

export function available(product) {
  return product.skus.reduce((sum, sku) => sum + Math.max(0, sku.available), 0);
}

// Whether the show is live at `now` (ms), or was so lately that some still see it.
export function isOpen({ show, grace_ms }, now) {
  return show?.state === "live" || (show?.state === "ended" && now < show.ended_at + grace_ms);
}

// Whether this page's user can write now; `now` in ms.
export function canChat(state, now) {
  return state.you?.may_chat === true && !(state.you.muted_until > now) && isOpen(state, now);
}
