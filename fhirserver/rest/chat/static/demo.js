// What an app does around the widget: tell it who the user is, and in which language to speak.
import "../widget.js";

const hex = () => [...crypto.getRandomValues(new Uint8Array(16))].map((n) => n.toString(16).padStart(2, "0")).join("");
const visitor = localStorage.getItem("credence-demo-visitor") || hex();
localStorage.setItem("credence-demo-visitor", visitor);

let known;
async function token(again) {
  if (known && !again) return known;
  const answer = await fetch(new URL("token", import.meta.url), {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ visitor }),
  });
  if (!answer.ok) throw new Error("no token");
  known = (await answer.json()).token;
  return known;
}

function show(language) {
  document.querySelector("credence-chat")?.remove();
  const chat = document.createElement("credence-chat");
  chat.setAttribute("service", "demo");
  chat.setAttribute("lang", language);
  chat.token = token;
  document.body.append(chat);
  for (const button of document.querySelectorAll("[data-language]")) {
    button.setAttribute("aria-pressed", String(button.dataset.language === language));
  }
}

for (const button of document.querySelectorAll("[data-language]")) {
  button.addEventListener("click", () => show(button.dataset.language));
}
show(navigator.language.startsWith("es") ? "es" : "en");
