// What htmx leaves open: failures are told, polls rest while nobody looks, menus close, words are
// struck everywhere at once.
"use strict";

(() => {
  const toast = (text) => {
    const box = document.createElement("div");
    const line = document.createElement("p");
    box.className = "toast trouble";
    line.textContent = text;
    box.append(line);
    document.getElementById("toast").replaceChildren(box);
  };

  const clearTrouble = () => document.querySelector("#toast .trouble")?.remove();

  const on = (name, act) => document.addEventListener(name, act);

  on("htmx:beforeRequest", (event) => {
    if (document.hidden && event.detail.elt.matches("[data-poll]")) event.preventDefault();
  });

  // What was open in a part that asks for itself stays open.
  let opened = [];

  on("htmx:beforeSwap", (event) => {
    const { xhr, target } = event.detail;
    if (xhr.status === 401 || new URL(xhr.responseURL).pathname.endsWith("/sign-in")) {
      event.detail.shouldSwap = false;
      location.reload();
    }
    opened = [...target.querySelectorAll("details[open][id]")].map((one) => one.id);
  });

  on("htmx:afterSwap", () => {
    for (const id of opened) document.getElementById(id)?.setAttribute("open", "");
  });

  // A log that is read at its end stays there; what is far above is let go.
  const log = document.getElementById("log");
  const toEnd = () => (log.scrollTop = log.scrollHeight);
  let atEnd = true;
  if (log) {
    toEnd();
    on("htmx:beforeSwap", () => {
      atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
    });
    on("htmx:afterSwap", () => {
      const lines = log.querySelectorAll("span:not([data-poll])");
      for (const line of [...lines].slice(0, -3000)) line.remove();
      if (atEnd) toEnd();
    });
  }

  on("htmx:responseError", (event) => {
    const { xhr } = event.detail;
    const html = /^\s*</.test(xhr.responseText);
    toast(html || !xhr.responseText ? `This did not work (${xhr.status}).` : plain(xhr.responseText));
  });
  const plain = (escaped) =>
    new DOMParser().parseFromString(escaped, "text/html").documentElement.textContent;

  on("htmx:sendError", () => toast("TigerTag cannot be reached. What is under way goes on."));
  on("htmx:timeout", () => toast("TigerTag takes too long to answer. Try again."));
  on("htmx:afterRequest", (event) => {
    if (event.detail.successful) clearTrouble();
  });

  on("struck", (event) => {
    const { word, where, item } = event.detail;
    for (const place of document.querySelectorAll("li[data-word]")) {
      const same = place.dataset.word === word && (where !== "item" || place.dataset.item === String(item));
      if (!same || place.querySelector(".blocked")) continue;
      const chip = document.createElement("span");
      chip.className = "chip blocked";
      chip.textContent = place.dataset.word;
      place.replaceChildren(chip);
    }
  });

  const openMenus = () => document.querySelectorAll("details.menu[open]");

  on("click", (event) => {
    for (const menu of openMenus()) if (!menu.contains(event.target)) menu.open = false;
  });

  on("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of openMenus()) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });

  for (const button of document.querySelectorAll("[data-copy]")) {
    button.hidden = !navigator.clipboard;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
      button.textContent = "Copied";
      setTimeout(() => (button.textContent = "Copy"), 2000);
    });
  }
})();
