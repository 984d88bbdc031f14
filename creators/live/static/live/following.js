// Following the creator without leaving the show: the header's form, pressed in its place.

import { toast } from "../liveshop/js/dialogs.js";
import { post } from "./sending.js";

// Returns { isFollowing, toggle() }, or null where there is nobody to follow: one's own show, a
// guest's page. `changed()` is called when it is otherwise.
export function startFollowing(say, changed) {
  const form = document.querySelector("[data-follow-form]");
  if (form === null) return null;
  const button = form.querySelector("button");
  let isAsking = false;
  const following = {
    isFollowing: button.getAttribute("aria-pressed") === "true",
    async toggle() {
      if (isAsking) return;
      isAsking = true;
      const { ok, title } = await post(form.action, {});
      isAsking = false;
      if (!ok) return toast(title || say("failed"));
      following.isFollowing = !following.isFollowing;
      show();
      changed();
    },
  };

  function show() {
    const { isFollowing } = following;
    const { followUrl, unfollowUrl, follow, following: word } = form.dataset;
    form.action = isFollowing ? unfollowUrl : followUrl;
    button.setAttribute("aria-pressed", String(isFollowing));
    button.querySelector(".follow__word").textContent = isFollowing ? word : follow;
    const icon = button.querySelector("use");
    const [file] = icon.getAttribute("href").split("#");
    icon.setAttribute("href", `${file}#${isFollowing ? "check" : "plus"}`);
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    following.toggle();
  });
  return following;
}
