// Everything by keyboard: single keys, off while somebody types or a question is open.

import { askAcknowledge, askPause, showKeys } from "./dialogs.js";

const STORE = "vigil.keys";
const WALKS = { j: "next", ArrowRight: "next", k: "previous", ArrowLeft: "previous", ArrowDown: "down", ArrowUp: "up" };

export class Keys {
  /** `go(address)` shows a page, `search()` puts the cursor into the search. */
  constructor(site, { go, search }) {
    this.site = site;
    this.go = go;
    this.search = search;
    this.on = localStorage.getItem(STORE) !== "off";
  }

  set(on) {
    this.on = on;
    localStorage.setItem(STORE, on ? "on" : "off");
  }

  help() {
    return showKeys(this);
  }

  take(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    const typing = event.target.matches?.("input, select, textarea");
    if (event.key === "Escape") {
      if (typing) this.leave(event.target);
      else if (location.pathname !== "/") this.go(`/${location.search}`);
      return;
    }
    if (typing) {
      if (event.target.id === "search" && (event.key === "Enter" || event.key === "ArrowDown")) {
        event.preventDefault();
        this.site.page.walk("next");
      }
      return;
    }
    const walk = WALKS[event.key];
    if (walk && (this.on || event.key.startsWith("Arrow"))) {
      event.preventDefault();
      this.site.page.walk(walk);
    } else if (this.on) this.letter(event);
  }

  letter(event) {
    const bed = () => this.site.page.current();
    const acts = {
      a: () => bed() && askAcknowledge(this.site, bed()),
      p: () => bed() && askPause(this.site, bed()),
      "/": () => this.search(),
      "?": () => this.help(),
    };
    const act = acts[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  }

  leave(input) {
    input.value = "";
    input.dispatchEvent(new Event("input"));
    input.blur();
  }
}
