// The sound of a call in the audio thread: a player with a small buffer against jitter, and a microphone at 8 kHz.
const RATE = 8000;
const CUSHION = 0.15;
const MOST = 0.8;
const PIECE = 800;

// Plays what comes (PCM 16 bit, caller left, agent right). It waits for a cushion of sound before it begins, and
// lets go of what is oldest when too much has come: who listens stays near the present.
class CallPlayer extends AudioWorkletProcessor {
  constructor() {
    super();
    this.left = new Float32Array(RATE * 2);
    this.right = new Float32Array(RATE * 2);
    this.written = 0;
    this.read = 0;
    this.playing = false;
    this.agent = true;
    this.loudest = 0;
    this.heard = 0;
    this.port.onmessage = ({ data }) => data instanceof ArrayBuffer ? this.take(new Int16Array(data)) : (this.agent = data.agent);
  }

  take(samples) {
    const size = this.left.length;
    for (let i = 0; i + 1 < samples.length; i += 2) {
      const at = this.written++ % size;
      this.left[at] = samples[i] / 32768;
      this.right[at] = samples[i + 1] / 32768;
    }
    if (this.written - this.read > MOST * RATE) this.read = this.written - CUSHION * RATE;
    if (!this.playing && this.written - this.read >= CUSHION * RATE) this.playing = true;
  }

  process(_, [[out]]) {
    const size = this.left.length, step = RATE / sampleRate;
    for (let i = 0; i < out.length; i++) {
      if (this.playing && this.read + 1 >= this.written) this.playing = false;
      if (!this.playing) { out[i] = 0; continue; }
      const whole = Math.floor(this.read), part = this.read - whole;
      const a = whole % size, b = (whole + 1) % size;
      let value = this.left[a] + part * (this.left[b] - this.left[a]);
      if (this.agent) value += this.right[a] + part * (this.right[b] - this.right[a]);
      out[i] = value;
      this.loudest = Math.max(this.loudest, Math.abs(value));
      this.read += step;
    }
    this.heard += out.length;
    if (this.heard >= sampleRate / 10) {
      this.port.postMessage(this.loudest);
      this.heard = this.loudest = 0;
    }
    return true;
  }
}

// What the microphone brings, already without what lies above the telephone's band, at 8,000 samples a second.
class CallMicrophone extends AudioWorkletProcessor {
  constructor() {
    super();
    this.piece = new Int16Array(PIECE);
    this.filled = 0;
    this.squares = 0;
    this.at = 0;
    this.before = 0;
  }

  process([[sound]]) {
    if (!sound) return true;
    const step = sampleRate / RATE;
    for (; this.at < sound.length; this.at += step) {
      const whole = Math.floor(this.at), part = this.at - whole;
      const from = whole ? sound[whole - 1] : this.before;
      this.add(from + part * (sound[whole] - from));
    }
    this.at -= sound.length;
    this.before = sound[sound.length - 1];
    return true;
  }

  add(value) {
    this.piece[this.filled++] = Math.max(-1, Math.min(1, value)) * 32767;
    this.squares += value * value;
    if (this.filled < PIECE) return;
    const level = Math.sqrt(this.squares / PIECE);
    this.port.postMessage({ sound: this.piece.buffer, level }, [this.piece.buffer]);
    this.piece = new Int16Array(PIECE);
    this.filled = this.squares = 0;
  }
}

registerProcessor("call-player", CallPlayer);
registerProcessor("call-microphone", CallMicrophone);
