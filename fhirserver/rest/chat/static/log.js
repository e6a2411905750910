// The messages of a conversation as they are shown: events in, elements out, in the order of their numbers; what has
// none yet is last. What is said aloud by a screen reader is whole messages, not the pieces in which they come.
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
    this.rows = []; // what is shown: who it is from, its number and its elements
    this.latest = 0;
    this.quiet = true; // nothing is read aloud of what was there already
  }

  clear() {
    this.place.replaceChildren();
    this.told.replaceChildren();
    this.turns.clear();
    this.own = [];
    this.rows = [];
    this.latest = 0;
  }

  take(event) {
    this.latest = Math.max(this.latest, event.number);
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

  token({ turn, text, number }) {
    this.typing(false);
    const bubble = this.turns.get(turn) || this.row("agent", "", number).bubble;
    this.turns.set(turn, bubble);
    bubble.textContent += text;
  }

  message(event) {
    if (event.from === "user") return this.mine(event);
    this.typing(false);
    const bubble = this.turns.get(event.turn) || this.row(event.from, "", event.number).bubble;
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
      this.moved(shown.row, event.number);
      return this.settle(shown, "sent");
    }
    const { bubble } = this.row("user", event.kind === "attachment" ? "" : event.text, event.number);
    if (event.kind === "attachment") this.named(bubble, event.title || this.words.sent);
    return bubble;
  }

  // What the user is sending, in whatever state that is.
  outgoing(one) {
    if (!one.bubble) {
      one.row = this.row("user", one.text || "");
      one.bubble = one.row.bubble;
      if (one.file) this.pictured(one);
      one.note = one.row.note = make("p", "note");
      one.bubble.after(one.note);
      this.own.push(one);
      this.down();
    }
    if (one.state === "sent" && one.number) this.moved(one.row, one.number);
    if (one.state === "refused") this.moved(one.row, this.latest + 0.5); // it stays where it was said
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
      button.addEventListener("click", () => (this.remove(one.row), this.again(one)));
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

  // A new bubble in its place.
  row(from, text, number = Infinity) {
    const bubble = make("div", from === "user" ? "bubble mine" : "bubble theirs", text);
    bubble.dir = "auto";
    const row = { from, number, bubble };
    this.put(row);
    if (this.dots) this.place.append(this.dots);
    return row;
  }

  put(row) {
    const later = this.rows.findIndex((one) => one.number > row.number);
    const next = this.rows[later];
    this.rows.splice(later < 0 ? this.rows.length : later, 0, row);
    const before = next ? next.label || next.bubble : this.dots || null;
    for (const part of [row.label, row.bubble, row.note]) if (part) this.place.insertBefore(part, before);
    this.relabel();
  }

  // Its number is known now: where that is not where it stands, it goes there.
  moved(row, number) {
    if (row.number !== Infinity) return;
    row.number = number;
    const at = this.rows.indexOf(row);
    const next = this.rows[at + 1];
    const last = this.rows[at - 1];
    if ((!next || next.number >= number) && (!last || last.number <= number)) return;
    this.rows.splice(at, 1);
    this.put(row);
  }

  remove(row) {
    this.rows.splice(this.rows.indexOf(row), 1);
    for (const part of [row.label, row.bubble, row.note]) part?.remove();
    this.relabel();
  }

  // Who speaks stands above the first of what they say in a row.
  relabel() {
    const names = { user: this.words.you, agent: this.words.assistant, operator: this.words.person };
    this.rows.forEach((row, at) => {
      const first = at === 0 || this.rows[at - 1].from !== row.from;
      if (first && !row.label) {
        row.label = make("p", row.from === "user" ? "by own" : "by", names[row.from]);
        row.bubble.before(row.label);
      } else if (!first && row.label) {
        row.label.remove();
        row.label = undefined;
      }
    });
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
