// One camera's stills: boxes to point at, a bar to move through time, and playing a journey.
const boxesOf = new Map();
const ahead = new Map();

function boxes(frame) {
  if (!boxesOf.has(frame)) {
    const answer = fetch(`/api/v1/detections?frame=${frame}`).then((reply) => (reply.ok ? reply.json() : Promise.reject(reply)));
    answer.catch(() => boxesOf.delete(frame));
    boxesOf.set(frame, answer);
    if (boxesOf.size > 400) boxesOf.delete(boxesOf.keys().next().value);
  }
  return boxesOf.get(frame);
}

function picture(frame) {
  if (!ahead.has(frame)) {
    const image = new Image();
    image.src = `/api/v1/frames/${frame}/image`;
    ahead.set(frame, image.decode().then(() => image));
    ahead.get(frame).catch(() => ahead.delete(frame));
    if (ahead.size > 60) ahead.delete(ahead.keys().next().value);
  }
  return ahead.get(frame);
}

const wait = (ms) => new Promise((done) => setTimeout(done, ms));

export default {
  template: `
    <section class="viewer" :aria-label="'Stills of ' + place">
      <figure class="still" :style="{ aspectRatio: width + ' / ' + height }">
        <img v-show="state !== 'gone'" ref="image" :alt="'Still of ' + place + ' at ' + clock" draggable="false">
        <p v-if="state === 'gone'" class="still-note">This still's pixels are not stored. Its boxes are.</p>
        <p v-if="state === 'none'" class="still-note">No stills of this camera are stored.</p>
        <svg class="boxes" :viewBox="'0 0 ' + width + ' ' + height" role="group" aria-label="Vehicles in this still">
          <rect v-for="box in found" :key="box.id" :x="box.box[0]" :y="box.box[1]"
            :width="box.box[2] - box.box[0]" :height="box.box[3] - box.box[1]" rx="1.5"
            :class="{ chosen: box.tracklet && box.tracklet === followed }" tabindex="0" role="button"
            :aria-label="words(box)" :aria-pressed="String(Boolean(box.tracklet) && box.tracklet === followed)"
            @mouseenter="lit = box" @focus="lit = box" @mouseleave="lit = null" @blur="lit = null"
            @click="choose(box)" @keydown.enter.prevent="choose(box)" @keydown.space.prevent.stop="choose(box)"/>
        </svg>
        <p v-if="slow" class="still-note loading" role="status">Loading</p>
      </figure>
      <p class="told"><b>{{ clock }}</b><b v-if="scene">{{ scene.name }}</b><span>{{ told }}</span></p>
      <div class="time-bar">
        <div class="ticks" aria-hidden="true"><i v-for="mark in marks" :style="{ left: mark + '%' }"></i></div>
        <input type="range" min="0" :max="Math.max(frames.length - 1, 0)" :value="at" :disabled="!frames.length"
          aria-label="Time" :aria-valuetext="clock" @input="show(Number($event.target.value))" @keydown="onRange">
        <div class="ends"><span>{{ time(0) }}</span><span>{{ time(frames.length - 1) }}</span></div>
      </div>
      <div class="buttons" role="toolbar" aria-label="Moving through time">
        <button type="button" @click="jump(-1)" :disabled="!canJump(-1)" aria-label="Previous sighting" title="Previous sighting ([)">⇤</button>
        <button type="button" @click="step(-1)" aria-label="One still back" title="One still back (←)">◀&#xFE0E;</button>
        <button type="button" class="main" @click="play()" :aria-label="playing ? 'Pause' : 'Play'" title="Play or pause (P)">{{ playing ? "❚❚" : "▶&#xFE0E;" }}</button>
        <button type="button" @click="step(1)" aria-label="One still on" title="One still on (→)">▶&#xFE0E;</button>
        <button type="button" @click="jump(1)" :disabled="!canJump(1)" aria-label="Next sighting" title="Next sighting (])">⇥</button>
        <span class="keys" aria-hidden="true"><kbd>P</kbd> play <kbd>←</kbd><kbd>→</kbd> step <kbd>[</kbd><kbd>]</kbd> sightings <kbd>V</kbd> vehicles</span>
      </div>
    </section>`,
  props: { reel: Object, name: String, width: Number, height: Number, selected: String, sightings: Array, tour: Array, zone: String },
  emits: ["pick", "edge"],
  data: () => ({ at: 0, found: [], lit: null, playing: false, state: "", slow: false, scene: null }),
  computed: {
    frames() { return this.reel.frames; },
    clock() { return this.scene ? this.written(this.scene.time) : this.time(this.at); },
    place() { return this.scene ? this.scene.name : this.name; },
    followed() { return this.scene ? this.scene.tracklet : this.selected; },
    told() {
      if (this.lit) return this.words(this.lit);
      return this.found.length ? `${this.found.length} vehicles in this still` : "no vehicles in this still";
    },
    marks() {
      const last = Math.max(this.frames.length - 1, 1);
      return this.seen.map((n) => (100 * n) / last);
    },
    seen() {
      const wanted = new Set(this.sightings || []);
      return this.frames.map((frame, n) => (wanted.has(frame[0]) ? n : -1)).filter((n) => n >= 0);
    },
  },
  watch: {
    reel(now, before) { now.first ? this.begin() : this.extend(before.frames); },
    tour(steps) { if (steps?.length) this.follow(steps); },
  },
  mounted() {
    this.begin();
    window.addEventListener("keydown", this.onKey);
  },
  beforeUnmount() {
    this.playing = false;
    window.removeEventListener("keydown", this.onKey);
  },
  methods: {
    begin() {
      this.playing = false;
      this.scene = null;
      const n = this.frames.findIndex((frame) => frame[0] === this.reel.first);
      this.state = this.frames.length ? "" : "none";
      if (this.frames.length) this.show(n < 0 ? 0 : n);
      else this.found = [];
    },
    extend(before) {
      const [shown] = before[this.at] ?? [];
      const atEnd = this.at === before.length - 1 && !this.playing && !this.scene;
      const n = this.frames.findIndex((frame) => frame[0] === shown);
      if (atEnd || n < 0) this.show(this.frames.length - 1);
      else this.at = n;
    },
    time(n) {
      return this.frames[n] ? this.written(this.frames[n][1]) : "--:--:--";
    },
    written(time) {
      const form = { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false, timeZone: this.zone };
      return new Intl.DateTimeFormat("en-GB", form).format(time);
    },
    words(box) {
      const [w, h] = [box.box[2] - box.box[0], box.box[3] - box.box[1]].map(Math.round);
      const member = box.tracklet ? `tracklet ${box.tracklet.slice(0, 6)}` : "seen once";
      return `${box.type}, score ${Math.round(box.score * 100)} %, ${w} × ${h} px, ${member}`;
    },
    async show(n) {
      this.at = n;
      this.scene = null;
      const frame = this.frames[n][0];
      const late = setTimeout(() => { this.slow = this.frames[this.at]?.[0] === frame; }, 250);
      await this.put(frame, () => this.frames[this.at]?.[0] === frame);
      clearTimeout(late);
      this.slow = false;
      for (const [next] of this.frames.slice(n + 1, n + 4)) Promise.allSettled([picture(next), boxes(next)]);
    },
    async put(frame, wanted) {
      const [image, found] = await Promise.allSettled([picture(frame), boxes(frame)]);
      if (!wanted()) return;
      this.state = image.value ? "" : "gone";
      if (image.value) this.$refs.image.src = image.value.src;
      this.found = found.value ?? [];
      this.lit = null;
    },
    choose(box) { this.$emit("pick", { detection: box.id, tracklet: box.tracklet }); },
    step(by) {
      this.playing = false;
      const n = this.at + by;
      if (this.frames[n]) this.show(n);
      else if (this.frames.length) this.$emit("edge", { time: new Date(this.frames[this.at][1]).toISOString(), way: by });
    },
    canJump(way) { return this.seen.some((n) => (n - this.at) * way > 0); },
    jump(way) {
      const next = way > 0 ? this.seen.find((n) => n > this.at) : this.seen.findLast((n) => n < this.at);
      if (next !== undefined) this.show(next);
    },
    async play() {
      this.playing = !this.playing;
      this.scene = null;
      if (this.at === this.frames.length - 1) this.at = 0;
      while (this.playing && this.at < this.frames.length - 1) {
        await Promise.all([this.show(this.at + 1), wait(350)]);
      }
      this.playing = false;
    },
    async follow(steps) {
      this.playing = true;
      for (const [n, step] of steps.entries()) {
        if (!this.playing) break;
        window.dispatchEvent(new CustomEvent("cctview-leg", { detail: step.leg }));
        if (n) await wait(step.leg.ms);
        if (!this.playing) break;
        this.scene = step;
        await this.put(step.frame, () => this.playing);
      }
      this.playing = false;
    },
    onRange(event) { if (event.key.startsWith("Arrow")) { event.stopPropagation(); this.playing = false; } },
    onKey(event) {
      if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select, dialog")) return;
      const does = {
        p: () => this.play(), ArrowLeft: () => this.step(-1), ArrowRight: () => this.step(1),
        "[": () => this.jump(-1), "]": () => this.jump(1), v: () => this.$el.querySelector(".boxes rect")?.focus(),
        Home: () => this.frames.length && this.show(0), End: () => this.frames.length && this.show(this.frames.length - 1),
      }[event.key];
      if (!does) return;
      event.preventDefault();
      does();
    },
  },
};
