// What the host of a show is told and nobody else: its figures, and what is wrong with its picture.

import { learn } from "./state.js";

learn({
  handlers: {
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
      return { ...state, figures, trouble: part.trouble };
    },
  },
});
