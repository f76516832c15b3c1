// The road map: vectors on Leaflet, cameras as buttons, a dot that follows a journey.
import { leaflet as L } from "nicegui-leaflet";
import { loadResource } from "../../static/utils/resources.js";

const line = (className, weight) => ({ className, weight, lineCap: "round", lineJoin: "round", interactive: false });
const key = (a, b) => [a, b].join("\u0000");

function cameraIcon(camera) {
  const wedge = camera.heading === null ? "" : `<i class="wedge" style="rotate:${Number(camera.heading)}deg"></i>`;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "camera";
  button.innerHTML = `${wedge}<i class="spot"></i><span></span>`;
  button.querySelector("span").textContent = camera.name;
  button.setAttribute("aria-label", `Camera ${camera.name}`);
  return button;
}

function along(path, share) {
  const place = share * (path.length - 1);
  const n = Math.min(Math.floor(place), path.length - 2);
  const part = place - n;
  return [0, 1].map((axis) => path[n][axis] * (1 - part) + path[n + 1][axis] * part);
}

export default {
  template: `<div class="road-map" role="region" aria-label="Map of the cameras"></div>`,
  props: { cameras: Array, ways: Array, water: Array, tiles: String, current: String, trail: Array, resourcePath: String },
  emits: ["camera"],
  async mounted() {
    await this.$nextTick();
    await loadResource(window.path_prefix + `${this.resourcePath}/leaflet/leaflet.css`);
    this.buttons = new Map();
    this.map = L.map(this.$el, { zoomControl: false, attributionControl: Boolean(this.tiles), zoomSnap: 0.1, keyboard: false });
    L.control.zoom({ position: "bottomright" }).addTo(this.map);
    if (this.tiles) L.tileLayer(this.tiles, { attribution: "Map tiles: their provider" }).addTo(this.map);
    this.fit();
    this.draw();
    new ResizeObserver(() => this.fit()).observe(this.$el);
    this.mark();
    window.addEventListener("cctview-leg", this.travel);
  },
  beforeUnmount() {
    window.removeEventListener("cctview-leg", this.travel);
    cancelAnimationFrame(this.moving);
    this.map?.remove();
  },
  watch: {
    current() { this.mark(); },
    trail() { this.mark(); },
  },
  methods: {
    draw() {
      if (this.water.length) L.polygon(this.water, { className: "water", interactive: false }).addTo(this.map);
      for (const way of this.ways) L.polyline(way.middle, line("road-edge", 13)).addTo(this.map);
      for (const way of this.ways) L.polyline(way.middle, line("road", 11)).addTo(this.map);
      const most = Math.max(1, ...this.ways.map((way) => way.count));
      this.links = new Map(this.ways.map((way) => [key(way.from, way.to), way]));
      for (const way of this.ways) {
        L.polyline(way.path, line("flow", 1.5 + (3 * way.count) / most)).addTo(this.map);
        if (way.note) this.label(way);
      }
      this.track = L.polyline([], line("trail", 5)).addTo(this.map);
      for (const camera of this.cameras) this.place(camera);
      this.dot = L.marker([0, 0], { icon: L.divIcon({ className: "traveller", iconSize: [16, 16] }), interactive: false, keyboard: false });
    },
    label(way) {
      const [at, next] = [way.path[7], way.path[9]];
      const right = next[0] > at[0] || (next[0] === at[0] && next[1] < at[1]);
      const icon = L.divIcon({ className: `way-note ${right ? "right" : "left"}`, iconSize: [0, 0], html: "<span></span>" });
      const marker = L.marker(at, { icon, interactive: false, keyboard: false }).addTo(this.map);
      const turn = (Math.atan2(next[1] - at[1], next[0] - at[0]) * 180) / Math.PI;
      const text = marker.getElement().firstChild;
      text.textContent = way.note;
      const arrow = document.createElement("i");
      arrow.style.rotate = `${turn}deg`;
      text.prepend(arrow);
    },
    place(camera) {
      const button = cameraIcon(camera);
      const icon = L.divIcon({ className: "camera-pin", iconSize: [0, 0], html: button });
      L.marker(camera.at, { icon, keyboard: false }).addTo(this.map);
      L.DomEvent.disableClickPropagation(button);
      button.addEventListener("click", () => this.$emit("camera", camera.id));
      button.classList.toggle("left", this.map.latLngToContainerPoint(camera.at).x > this.map.getSize().x * 0.5);
      this.buttons.set(camera.id, button);
    },
    fit() {
      this.map.invalidateSize({ animate: false });
      const points = this.cameras.map((camera) => camera.at);
      if (points.length) this.map.fitBounds(points, { padding: [70, 48], maxZoom: 16, animate: false });
      else this.map.setView([0, 0], 2);
    },
    mark() {
      const trail = this.trail || [];
      for (const [id, button] of this.buttons || []) {
        button.toggleAttribute("data-current", id === this.current);
        button.toggleAttribute("data-passed", trail.includes(id));
        button.setAttribute("aria-pressed", String(id === this.current));
      }
      const legs = trail.slice(1).map((id, n) => this.path(trail[n], id));
      this.track?.setLatLngs(legs);
      if (trail.length < 2) this.dot?.remove();
    },
    path(from, to) {
      const way = this.links.get(key(from, to));
      const ends = [from, to].map((id) => this.cameras.find((camera) => camera.id === id)?.at).filter(Boolean);
      return way ? way.path : ends;
    },
    travel({ detail }) {
      const path = this.path(detail.from, detail.to);
      cancelAnimationFrame(this.moving);
      if (!path.length) return;
      const begin = performance.now();
      const step = (now) => {
        const share = Math.min(1, Math.max(0, now - begin) / Math.max(detail.ms, 1));
        this.dot.setLatLng(path.length > 1 ? along(path, share) : path[0]).addTo(this.map);
        if (share < 1) this.moving = requestAnimationFrame(step);
      };
      step(begin);
    },
  },
};
