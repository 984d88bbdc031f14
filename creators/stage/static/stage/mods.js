// What the host and the moderators of a show are told: who may not write, which lines wait, what was
// done, and what is said against it.

import { REVS_KEPT, learn, upsert, withSanction } from "./state.js";

// As many as the server shows at first.
export const ACTIONS_KEPT = 50;

function kept(state, name, one, { isOpen = () => true, most = Infinity } = {}) {
  const key = `${name} ${one.id}`;
  const known = state.revs.mods?.[key] ?? state[name].find((other) => other.id === one.id)?.rev;
  if (one.rev <= (known ?? -1)) return state;
  const list = isOpen(one)
    ? upsert(state[name], one).slice(-most)
    : state[name].filter((other) => other.id !== one.id);
  // What is gone must not come back by an older word of it.
  const revs = Object.entries({ ...state.revs.mods, [key]: one.rev }).slice(-REVS_KEPT);
  return { ...state, [name]: list, revs: { ...state.revs, mods: Object.fromEntries(revs) } };
}

const byId = (list) => list.toSorted((a, b) => a.id - b.id);

learn({
  handlers: {
    sanction(state, { sanction, at }) {
      const told = withSanction(state, sanction);
      if (state.positions.mods === undefined) return told;
      const next = kept(told, "sanctions", sanction, { isOpen: (one) => !one.lifted });
      const holds = ({ until }) => until === null || !(until <= at);
      return next === told ? told : { ...next, sanctions: next.sanctions.filter(holds) };
    },
    held: (state, { held }) =>
      kept(state, "held", held, { isOpen: (one) => ["held", "withheld"].includes(one.state) }),
    action: (state, { action }) => kept(state, "actions", action, { most: ACTIONS_KEPT }),
    appeal: (state, { appeal }) =>
      kept(state, "appeals", appeal, { isOpen: (one) => one.state === "open" }),
  },
  parts: {
    mods: (state, { sanctions, held, actions, appeals }) => ({
      ...state,
      sanctions: byId(sanctions),
      held: byId(held),
      actions: byId(actions),
      appeals: byId(appeals),
      revs: { ...state.revs, mods: {} },
    }),
  },
});
