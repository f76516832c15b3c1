// A place to drop a picture on; the search itself goes through the API, the one guarded way in.

// A time on the clocks of the cameras as a time everywhere.
function moment(local, zone) {
  const told = Date.parse(`${local}Z`);
  const form = { timeZone: zone, dateStyle: "short", timeStyle: "medium" };
  const shown = new Intl.DateTimeFormat("sv-SE", form).format(told).replace(" ", "T");
  return new Date(2 * told - Date.parse(`${shown}Z`)).toISOString();
}

export default {
  template: `
    <form class="stack" @submit.prevent="search">
      <label class="drop" :class="{ over }" @dragover.prevent="over = true" @dragleave="over = false" @drop.prevent="take($event.dataTransfer.files[0])">
        <input ref="file" type="file" class="hidden-name" accept="image/*" aria-label="Picture of a vehicle" @change="take($event.target.files[0])">
        <img v-if="shown" :src="shown" alt="The vehicle to look for">
        <template v-else><b>Drop a picture of a vehicle here</b><span class="soft">or press to choose one</span></template>
      </label>
      <slot></slot>
      <p v-if="problem" class="problem" role="alert">{{ problem }}</p>
      <div class="actions"><button class="main" type="submit" :disabled="busy">{{ busy ? "Searching" : "Search" }}</button></div>
    </form>`,
  props: { example: String, picture: String, zone: String },
  emits: ["found"],
  data() { return { over: false, file: null, shown: this.picture || null, problem: "", busy: false }; },
  methods: {
    take(file) {
      this.over = false;
      if (!file) return;
      this.file = file;
      this.shown = URL.createObjectURL(file);
      this.problem = "";
    },
    async search() {
      const form = new FormData(this.$el);
      for (const [name, value] of [...form]) if (value === "") form.delete(name);
      for (const name of ["after", "before"]) if (form.has(name)) form.set(name, moment(form.get(name), this.zone));
      if (this.file) form.set("picture", this.file);
      else if (this.example) form.set("detection", this.example);
      else { this.problem = "Drop a picture first, or pick a box on the Follow page."; return; }
      this.busy = true;
      this.problem = "";
      try {
        const reply = await fetch("/api/v1/search", { method: "POST", body: form });
        const answer = await reply.json();
        if (reply.ok) this.$emit("found", answer);
        else this.problem = answer.detail ?? "The search was refused.";
      } catch {
        this.problem = "The server did not answer; try again.";
      }
      this.busy = false;
    },
  },
};
