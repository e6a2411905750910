// Saves each field when it is left. Without a network it keeps what was entered in this tab and sends it when back.
"use strict";
(() => {
  const form = document.getElementById("form");
  const problems = document.getElementById("problems");
  if (problems) problems.focus();
  if (!form) return send(document.getElementById("send"));

  const kept = `form ${location.pathname}`;
  const status = document.getElementById("status");
  let waiting = read();
  let sending = null;
  let pause = 0;
  let leaving = false;

  function read() {
    try { return JSON.parse(sessionStorage.getItem(kept)) || {}; } catch { return {}; }
  }

  // What fields hold that are as the server wrote them is not sent again: another tab may have said more since. What is
  // on record stands there to be confirmed, and is sent.
  function untouched(place) {
    if (place.classList.contains("wrong") || "record" in place.dataset) return false;
    return [...place.querySelectorAll("input, select, textarea")].every((one) => {
      if (one.type === "file") return !one.files.length;
      if (one.type === "radio") return one.checked === one.defaultChecked;
      if (one instanceof HTMLSelectElement) {
        const written = [...one.options].find((option) => option.defaultSelected) || one.options[0];
        return one.value === written.value;
      }
      return one.value === one.defaultValue;
    });
  }

  function keep() {
    try {
      if (Object.keys(waiting).length) sessionStorage.setItem(kept, JSON.stringify(waiting));
      else sessionStorage.removeItem(kept);
    } catch { /* a private window may have no storage: what is on the page stays there */ }
  }

  function say(words, late) {
    status.textContent = words;
    status.classList.toggle("late", Boolean(late));
  }

  function field(link) {
    return form.querySelector(`[data-field="${CSS.escape(link)}"]`);
  }

  // What is entered in a field; undefined while a date is not whole yet.
  function value(place) {
    const link = place.dataset.field;
    if (place.dataset.kind === "date") {
      const part = (name) => form.elements[`${link}.${name}`].value.trim();
      const day = { m: part("m"), d: part("d"), y: part("y") };
      const all = Object.values(day);
      return all.every(Boolean) && day.y.length === 4 || all.every((one) => !one) ? day : undefined;
    }
    const found = form.elements[link];
    return found instanceof RadioNodeList || found.type !== "radio" ? found.value : found.checked ? found.value : "";
  }

  function conditions() {
    for (const place of form.querySelectorAll("[data-when]")) {
      const [link, answer] = place.dataset.when.split("=");
      const asked = field(link);
      if (asked) place.hidden = value(asked) !== answer;
    }
  }

  function wrong(link, words) {
    const place = field(link);
    const shown = document.getElementById(`${link}-error`);
    if (!place || !shown) return;
    place.classList.toggle("wrong", Boolean(words));
    shown.hidden = !words;
    shown.textContent = words || "";
    for (const one of place.querySelectorAll("input, select, textarea"))
      if (words) one.setAttribute("aria-invalid", "true"); else one.removeAttribute("aria-invalid");
  }

  // Send what waits; true when nothing waits any more.
  async function flush() {
    if (sending) return sending;
    sending = (async () => {
      while (Object.keys(waiting).length) {
        const sent = { ...waiting };
        say(form.dataset.saving);
        let answer;
        try {
          answer = await fetch(form.dataset.answers, {
            method: "POST",
            headers: { "Content-Type": "application/json", Accept: "application/json" },
            body: JSON.stringify({ answers: sent }),
            keepalive: true,
          });
        } catch { answer = null; }
        if (answer && [401, 404, 410].includes(answer.status)) { location.reload(); return false; }
        if (!answer || answer.status >= 500 || answer.status === 429) {
          say(navigator.onLine ? form.dataset.unsaved : form.dataset.offline, true);
          again();
          return false;
        }
        pause = 0;
        const told = await answer.json().catch(() => ({}));
        for (const link of Object.keys(sent)) {
          if (JSON.stringify(waiting[link]) === JSON.stringify(sent[link])) delete waiting[link];
          wrong(link, told.errors && told.errors[link]);
        }
        keep();
        say(told.errors && Object.keys(told.errors).length ? "" : form.dataset.saved);
      }
      return true;
    })();
    const done = await sending;
    sending = null;
    return done;
  }

  function again() {
    pause = Math.min(pause ? pause * 2 : 1000, 15000);
    setTimeout(async () => { if (await flush() && leaving) onward(); }, pause);
  }

  function left(place) {
    const entered = value(place);
    if (entered === undefined) return;
    waiting[place.dataset.field] = entered;
    keep();
    flush();
  }

  async function picture(input) {
    const place = input.closest("[data-field]");
    const link = place.dataset.field;
    const file = input.files[0];
    if (!file) return;
    say(form.dataset.saving);
    const body = new FormData();
    body.append(link, await smaller(file), "photo.jpg");
    let answer = null;
    try {
      answer = await fetch(form.dataset.photo, { method: "POST", headers: { Accept: "application/json" }, body });
    } catch { /* told below; the plain form sends it with the rest */ }
    const told = answer ? await answer.json().catch(() => ({})) : {};
    const words = (told.errors || {})[link] || (answer && answer.ok ? "" : form.dataset.photoFailed);
    wrong(link, words);
    say(words ? "" : form.dataset.saved);
    if (words) return;
    input.value = "";
    place.querySelector(".received").hidden = false;
    place.querySelector(".photo").classList.add("there");
    const pick = place.querySelector(".pick");
    pick.textContent = pick.dataset.again;
    const preview = place.querySelector(".preview");
    preview.src = URL.createObjectURL(file);
    preview.hidden = false;
    let filled = false;
    for (const [other, text] of Object.entries(told.read || {})) {
      const found = form.elements[other];
      if (found && !found.value) { found.value = text; filled = true; }
    }
    if (filled) say(form.dataset.readCard);
  }

  // A photo of a phone has many megapixels, and where it was taken: what is sent has neither.
  async function smaller(file) {
    try {
      const picture = await createImageBitmap(file, { imageOrientation: "from-image" });
      const scale = Math.min(1, 2000 / Math.max(picture.width, picture.height));
      const canvas = document.createElement("canvas");
      canvas.width = Math.round(picture.width * scale);
      canvas.height = Math.round(picture.height * scale);
      canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
      return await new Promise((resolve) => canvas.toBlob((blob) => resolve(blob || file), "image/jpeg", 0.88));
    } catch { return file; }
  }

  // The page to check and send: as often as it takes until an answer comes; what was sent in before is sent in no second time.
  function send(other) {
    if (!other) return;
    const said = document.getElementById("status");
    const button = other.querySelector("button");
    let pressed = false;
    let on = false;
    let pause = 1000;
    function ready() {
      pressed = on = false;
      button.removeAttribute("aria-disabled");
    }
    async function go() {
      if (on) return;
      on = true;
      said.classList.remove("late");
      said.textContent = other.dataset.sending;
      const answer = await fetch(other.action, { method: "POST" }).catch(() => null);
      if (answer && answer.redirected) return location.assign(answer.url);
      if (answer && answer.status < 500 && answer.status !== 429) return other.submit();  // shows what is wrong
      on = false;
      said.classList.add("late");
      said.textContent = navigator.onLine ? other.dataset.unsent : other.dataset.offline;
      setTimeout(() => { if (pressed) go(); }, pause = Math.min(pause * 2, 15000));
    }
    other.addEventListener("submit", (event) => {
      event.preventDefault();
      if (pressed) return;
      pressed = true;
      button.setAttribute("aria-disabled", "true");
      go();
    });
    addEventListener("online", () => { if (pressed) go(); });
    addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); else ready(); });
    document.body.dataset.ready = "1";
  }


  form.addEventListener("input", () => { leaving = false; });
  form.addEventListener("change", (event) => {
    const place = event.target.closest("[data-field]");
    conditions();
    if (!place) return;
    if (place.dataset.kind === "photo") picture(event.target); else left(place);
  });
  form.addEventListener("submit", async (event) => {
    if (leaving && !Object.keys(waiting).length) return;
    event.preventDefault();
    leaving = true;
    for (const place of form.querySelectorAll(".wrong[data-field]"))
      if (place.dataset.kind !== "photo" && value(place) !== undefined) waiting[place.dataset.field] = value(place);
    if (navigator.onLine && await reachable() && await flush()) onward();
    else if (!Object.keys(waiting).length) { say(form.dataset.offline, true); again(); }
  });
  function onward() {
    const first = form.querySelector(".wrong input, .wrong select, .wrong textarea");
    if (!first) {
      for (const place of form.querySelectorAll("[data-field]"))
        if (untouched(place)) for (const one of place.querySelectorAll("input, select, textarea")) one.disabled = true;
      return form.submit();
    }
    leaving = false;
    first.focus();
  }
  async function reachable() {
    if (Object.keys(waiting).length) return true;
    try {
      const headers = { "Content-Type": "application/json", Accept: "application/json" };
      const answer = await fetch(form.dataset.answers, { method: "POST", headers, body: '{"answers":{}}' });
      return answer.status < 500;
    } catch { return false; }
  }
  addEventListener("online", async () => { if (await flush() && leaving) onward(); });
  addEventListener("offline", () => say(form.dataset.offline, true));
  addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
  // Another app comes to the front, and this page may never come back: what is half typed is kept, too.
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState !== "hidden") return;
    const place = document.activeElement && document.activeElement.closest("[data-field]");
    if (place && place.dataset.kind !== "photo" && !untouched(place)) left(place);
  });

  for (const [link, entered] of Object.entries(waiting)) {
    const place = field(link);
    if (!place) continue;  // of another step: it is sent from here
    if (typeof entered === "string" && !(form.elements[link] instanceof RadioNodeList)) form.elements[link].value = entered;
    else if (typeof entered === "string") form.elements[link].value = entered;
  }
  for (const pick of form.querySelectorAll(".pick")) pick.hidden = false;
  conditions();
  flush();
  document.body.dataset.ready = "1";
})();
