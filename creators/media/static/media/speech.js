// Live captions where the browser recognizes speech: final phrases, with the time at which they
// began to be said.

const AGAIN_AFTER = 400;
const LONGEST_PAUSE = 10_000;
const MOST_FAILURES = 6;
// The first guess at a phrase comes about so long after it began.
const GUESS_AFTER = 400;
const FINAL = ["not-allowed", "service-not-allowed", "language-not-supported", "audio-capture"];

export const Recognition = globalThis.SpeechRecognition ?? globalThis.webkitSpeechRecognition;

// The regional form of a language that this browser's user speaks, or the common one.
export function dialect(language, spoken) {
  const common = { en: "en-US", fr: "fr-FR", it: "it-IT" };
  return spoken.find((one) => one.startsWith(`${language}-`)) ?? common[language] ?? language;
}

export class Captions {
  constructor({ onPhrase, onTrouble, now, Recognizer = Recognition, later = setTimeout }) {
    this.onPhrase = onPhrase; // { text, at }
    this.onTrouble = onTrouble; // the browser's code of what went wrong for good
    this.now = now;
    this.Recognizer = Recognizer;
    this.later = later;
    this.recognizer = null;
    this.failures = 0;
  }

  start(lang) {
    this.stop();
    this.failures = 0;
    const recognizer = new this.Recognizer();
    recognizer.lang = lang;
    recognizer.continuous = true;
    recognizer.interimResults = true;
    this.recognizer = recognizer;
    let beganAt = null;
    recognizer.onresult = (event) => {
      this.failures = 0;
      for (let at = event.resultIndex; at < event.results.length; at += 1) {
        beganAt ??= this.now() - GUESS_AFTER;
        const result = event.results[at];
        if (!result.isFinal) continue;
        const text = result[0].transcript.trim();
        if (text !== "") this.onPhrase({ text, at: Math.round(beganAt) });
        beganAt = null;
      }
    };
    let hasFailed = false;
    recognizer.onerror = (event) => {
      if (recognizer !== this.recognizer) return;
      hasFailed = event.error === "network";
      if (hasFailed) this.failures += 1;
      if (!FINAL.includes(event.error) && this.failures < MOST_FAILURES) return;
      this.recognizer = null;
      this.onTrouble(event.error);
    };
    // Browsers end it after a silence, too: on it goes.
    recognizer.onend = () => {
      beganAt = null;
      const pause = hasFailed ? Math.min(LONGEST_PAUSE, AGAIN_AFTER * 2 ** this.failures) : AGAIN_AFTER;
      hasFailed = false;
      this.later(() => recognizer === this.recognizer && recognizer.start(), pause);
    };
    recognizer.start();
  }

  stop() {
    const recognizer = this.recognizer;
    this.recognizer = null;
    recognizer?.stop();
  }
}
