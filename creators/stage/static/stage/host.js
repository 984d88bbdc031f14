// What the host of a show is told and nobody else: its figures, who is muted, and what is
// wrong with its picture.

import { learn, withMute } from "./state.js";

function keepMuted(state, event, until) {
  const next = withMute(state, event, until);
  const isHosts = state.show?.id === event.piece_id && state.you?.role === "host";
  if (next === state || !isHosts) return next;
  const { [event.user_id]: _gone, ...muted } = state.muted;
  if (until !== null) muted[event.user_id] = { user_id: event.user_id, name: event.name, until };
  return { ...next, muted };
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
