// What the host of a show is told and nobody else: its figures, who is muted, and what is
// wrong with its picture.

import { learn, withMute } from "./state.js";

const REVS_KEPT = 200;

// A long show mutes many; what is older than the newest of these can't come late any more.
function newest(revs) {
  const known = Object.entries(revs);
  if (known.length <= REVS_KEPT) return revs;
  return Object.fromEntries(known.sort(([, a], [, b]) => b - a).slice(0, REVS_KEPT));
}

function keepMuted(state, event, until) {
  const next = withMute(state, event, until);
  const isHosts = state.show?.id === event.piece_id && state.you?.role === "host";
  if (next === state || !isHosts) return next;
  const others = Object.values(state.muted).filter(
    (one) => one.user_id !== event.user_id && !(one.until <= event.at),
  );
  const muted = Object.fromEntries(others.map((one) => [one.user_id, one]));
  if (until !== null) muted[event.user_id] = { user_id: event.user_id, name: event.name, until };
  return { ...next, muted, revs: { ...next.revs, mutes: newest(next.revs.mutes) } };
}

learn({
  handlers: {
    muted: (state, event) => keepMuted(state, event, event.until),
    unmuted: (state, event) => keepMuted(state, event, null),
    trouble: (state, { trouble }) => ({ ...state, trouble }),
    figures(state, event) {
      if (state.figures !== null && event.rev < state.figures.rev) return state;
      const { orders, units, currency, gmv_minor, net_minor, viewers, rev } = event;
      return { ...state, figures: { orders, units, currency, gmv_minor, net_minor, viewers, rev } };
    },
  },
  parts: {
    host: (state, part) => {
      const { t: _tag, ...figures } = part.figures;
      const muted = Object.fromEntries(part.muted.map((one) => [one.user_id, one]));
      return { ...state, figures, muted, trouble: part.trouble, revs: { ...state.revs, mutes: {} } };
    },
  },
});
