// Alarm sounds by IEC 60601-1-8: what a burst is (pure), and who plays it.
//
// The standard itself is not public; the numbers are those that public sources give. Pitch 150-1000 Hz with at least
// four harmonics of 300-4000 Hz within 15 dB: PUI Audio, "IEC 60601-1-8". Patterns of 3 + 2 pulses twice, 3, and the
// general melody of one pitch: C. Thompson, University of Sydney, "60601-1-8 type sounds". Pulse of 120 ms at high
// priority and a burst every 6.9 s: Covidien N-560 manual, table 6. Pulse of 130 ms and more at medium priority, bursts
// 2.6-4 s apart, 16 s at low: Texas Instruments DAC53401 data sheet, MED_ALARM registers. [M] = no source confirms.

/** By priority: groups of pulses, and in s: the pulse, the pause in a group, the pause between groups, burst to burst. */
export const BURSTS = Object.freeze({
  // pauses: 80 ms is the longest PULSE_OFF_TIME of the DAC53401 at high priority; between groups [M]
  high: Object.freeze({ groups: [3, 2, 3, 2], pulseS: 0.12, gapS: 0.08, groupGapS: [0.28, 0.75, 0.28], everyS: 6.9 }),
  medium: Object.freeze({ groups: [3], pulseS: 0.2, gapS: 0.2, groupGapS: [], everyS: 8 }), // everyS, gapS [M]
  low: Object.freeze({ groups: [2], pulseS: 0.2, gapS: 0.2, groupGapS: [], everyS: 16 }),
});

export const PITCH_HZ = 523.25; // C5: any pitch of 150-1000 Hz will do [M]
/** Amplitudes of the pitch and its harmonics up to 3,140 Hz, all within 8 dB of it [M]. */
export const HARMONICS = Object.freeze([1, 0.8, 0.7, 0.6, 0.5, 0.4]);
const EDGE_S = 0.02; // rise and fall of a pulse, against clicks [M]
const GAIN = 0.35;

/** When each pulse of a burst begins and ends, in s from its beginning: [[from, until], ...]. */
export function pulses(priority) {
  const { groups, pulseS, gapS, groupGapS } = BURSTS[priority];
  const found = [];
  let at = 0;
  groups.forEach((count, group) => {
    for (let pulse = 0; pulse < count; pulse += 1) {
      found.push([at, at + pulseS]);
      at += pulseS + gapS;
    }
    at += (groupGapS[group] ?? 0) - gapS;
  });
  return found;
}

/** Plays the burst of the most urgent alarm again and again; silent until somebody has tapped. */
export class Sounder {
  /** `changed()` is called when the sound goes on or off. */
  constructor(changed) {
    this.changed = changed;
    this.context = null;
    this.isOurs = false;
    this.priority = null;
    this.timer = null;
    this.playing = [];
  }

  get isOn() {
    return this.context?.state === "running";
  }

  /** Begin; within a tap, or at once where the browser's policy lets a wall screen. Only one tab of a browser sounds. */
  async unlock() {
    if (!this.context) {
      this.context = new AudioContext();
      this.context.addEventListener("statechange", () => this.changed());
      this.wave = this.context.createPeriodicWave(
        new Float32Array(HARMONICS.length + 1),
        Float32Array.from([0, ...HARMONICS]),
      );
    }
    this.claim();
    // resume() does not settle while the browser refuses: never wait for it alone
    await Promise.race([this.context.resume(), new Promise((resolve) => setTimeout(resolve, 300))]);
    this.changed();
    this.again();
  }

  claim() {
    if (this.isOurs) return;
    if (!navigator.locks) {
      this.isOurs = true;
      return;
    }
    if (this.isClaimed) return;
    this.isClaimed = true;
    navigator.locks.request("vigil-sound", () => {
      this.isOurs = true;
      this.changed();
      this.again();
      return new Promise(() => {}); // held until the tab is gone
    });
  }

  /** Sound for this priority from now on; null is silence. What is more urgent begins at once. */
  want(priority) {
    if (priority === this.priority) return;
    this.priority = priority;
    this.again();
  }

  again() {
    clearTimeout(this.timer);
    this.stop();
    if (!this.priority || !this.isOn || !this.isOurs) return;
    this.play(this.priority);
    this.timer = setTimeout(() => this.again(), BURSTS[this.priority].everyS * 1000);
  }

  /** Play one burst, as the test button does. */
  play(priority) {
    const start = this.context.currentTime + 0.05;
    for (const [from, until] of pulses(priority)) this.pulse(start + from, start + until);
  }

  pulse(from, until) {
    const tone = this.context.createOscillator();
    const volume = this.context.createGain();
    tone.setPeriodicWave(this.wave);
    tone.frequency.value = PITCH_HZ;
    volume.gain.setValueAtTime(0, from);
    volume.gain.linearRampToValueAtTime(GAIN, from + EDGE_S);
    volume.gain.setValueAtTime(GAIN, until - EDGE_S);
    volume.gain.linearRampToValueAtTime(0, until);
    tone.connect(volume).connect(this.context.destination);
    tone.addEventListener("ended", () => {
      volume.disconnect();
      this.playing = this.playing.filter((each) => each !== tone);
    });
    tone.start(from);
    tone.stop(until);
    this.playing.push(tone);
  }

  stop() {
    for (const tone of this.playing) tone.stop();
  }
}
