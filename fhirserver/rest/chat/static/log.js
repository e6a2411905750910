// The messages of a conversation as they are shown: events in, elements out. What is said aloud by a screen reader is
// whole messages, not the pieces in which they come.
import { FILE } from "./look.js";

const make = (tag, className, text) => {
  const made = document.createElement(tag);
  made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
};

export class Log {
  constructor(place, told, words, again) {
    this.place = place;
    this.told = told;
    this.words = words;
    this.again = again;
    this.turns = new Map();
    this.own = [];
    this.speaker = "";
    this.quiet = true; // nothing is read aloud of what was there already
  }

  clear() {
    this.place.replaceChildren();
    this.told.replaceChildren();
    this.turns.clear();
    this.own = [];
    this.speaker = "";
  }

  take(event) {
    const stick = this.place.scrollHeight - this.place.scrollTop - this.place.clientHeight < 80;
    if (event.kind === "token") this.token(event);
    else if (event.kind === "message" || event.kind === "attachment") this.message(event);
    else if (event.kind === "typing") this.typing(true);
    else if (event.kind === "answered" || event.kind === "ended") this.typing(false);
    if (stick) this.down();
  }

  down() {
    this.place.scrollTop = this.place.scrollHeight;
  }

  token({ turn, text }) {
    this.typing(false);
    const bubble = this.turns.get(turn) || this.bubble("agent", "");
    this.turns.set(turn, bubble);
    bubble.textContent += text;
  }

  message(event) {
    if (event.from === "user") return this.mine(event);
    this.typing(false);
    const bubble = this.turns.get(event.turn) || this.bubble(event.from, "");
    this.turns.delete(event.turn);
    bubble.textContent = event.text;
    this.say(`${event.from === "operator" ? this.words.person : this.words.assistant}: ${event.text}`);
    return bubble;
  }

  // A message of the user's own came back: it is one that is shown already, or was sent from elsewhere or earlier.
  mine(event) {
    const same = (one) => (event.kind === "attachment" ? one.file && one.name === event.title : one.text === event.text);
    const shown =
      this.own.find((one) => one.number === event.number) ||
      this.own.find((one) => one.number === undefined && !one.matched && same(one));
    if (shown) {
      shown.matched = true;
      return this.settle(shown, "sent");
    }
    const bubble = this.bubble("user", event.kind === "attachment" ? "" : event.text);
    if (event.kind === "attachment") this.named(bubble, event.title || this.words.sent);
    return bubble;
  }

  // What the user is sending, in whatever state that is.
  outgoing(one) {
    if (!one.bubble) {
      one.bubble = this.bubble("user", one.text || "");
      if (one.file) this.pictured(one);
      one.note = make("p", "note");
      one.bubble.after(one.note);
      this.own.push(one);
      this.down();
    }
    this.settle(one, one.matched ? "sent" : one.state);
  }

  settle(one, state) {
    one.bubble.classList.toggle("unsent", state !== "sent");
    one.note.className = state === "refused" ? "note bad" : "note";
    one.note.replaceChildren();
    if (state === "sent") return;
    one.note.append(this.words[state] + (state === "refused" && one.reason ? `: ${one.reason}` : ""));
    if (state === "refused") {
      const button = make("button", "", this.words.again);
      button.addEventListener("click", () => (one.bubble.remove(), one.note.remove(), this.again(one)));
      one.note.append(button);
    }
  }

  pictured(one) {
    if (!one.file.type.startsWith("image/")) return this.named(one.bubble, one.name);
    const image = make("img", "picture");
    image.alt = one.name;
    image.src = one.preview;
    image.addEventListener("load", () => this.down(), { once: true });
    one.bubble.replaceChildren(image);
  }

  named(bubble, name) {
    const file = make("span", "file");
    file.innerHTML = FILE;
    file.append(name);
    bubble.replaceChildren(file);
  }

  bubble(from, text) {
    if (from !== this.speaker) {
      const names = { user: this.words.you, agent: this.words.assistant, operator: this.words.person };
      this.place.append(make("p", from === "user" ? "by own" : "by", names[from]));
      this.speaker = from;
    }
    const bubble = make("div", from === "user" ? "bubble mine" : "bubble theirs", text);
    bubble.dir = "auto";
    this.place.append(bubble);
    if (this.dots) this.place.append(this.dots);
    return bubble;
  }

  typing(on) {
    if (on && !this.dots) {
      this.dots = make("div", "bubble theirs dots");
      this.dots.setAttribute("aria-hidden", "true");
      this.dots.append(make("i", ""), make("i", ""), make("i", ""));
      this.place.append(this.dots);
    } else if (!on && this.dots) {
      this.dots.remove();
      this.dots = undefined;
    }
  }

  say(text) {
    if (this.quiet) return;
    this.told.append(make("p", "", text));
    while (this.told.childElementCount > 20) this.told.firstElementChild.remove();
  }
}
