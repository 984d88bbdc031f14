// The cart over the picture: a sheet that the server fills, and adding to it without leaving.

import { toast } from "../liveshop/js/dialogs.js";
import { post } from "./sending.js";

export class Cart {
  // `showCart(units)` writes the count.
  constructor({ sheet, connection, say, showCart }) {
    this.sheet = sheet;
    this.connection = connection;
    this.say = say;
    this.showCart = showCart;
    // One after the other, so that the last answer tells the newest count, and a guest gets one cart.
    this.adding = Promise.resolve();
  }

  open() {
    this.sheet.showModal();
    this.refresh();
  }

  refresh() {
    if (!this.sheet.open) return;
    const place = this.sheet.querySelector("[data-cart-panel-place]");
    place.dispatchEvent(new CustomEvent("liveshop:cart"));
  }

  add(action, fields) {
    this.adding = this.adding.then(() => this.#add(action, fields));
  }

  async #add(action, fields) {
    const { ok, data, title } = await post(action, fields);
    if (!ok) return toast(title || this.say("failed"));
    toast(this.say("inCart", { title: data.line.title }));
    this.showCart(data.units);
    if (this.connection.state.positions.me === undefined) {
      // The first thing in a guest's cart: from now on there is something to follow.
      this.connection.stop();
      this.connection.start();
    }
  }
}
