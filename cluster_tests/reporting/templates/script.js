"use strict";
// Links into a closed scenario open it; filters; copy buttons; timelines, drawn when first seen.
(() => {
  const SVG = "http://www.w3.org/2000/svg";
  const ROW = 18, LABELS = 128, AXIS = 20, SHORTEST = 5; // pixels; the last one for a moment
  const ZOOM = 1.6, STEP = 0.15;
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const make = (name, attributes = {}, text = "") => {
    const element = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.textContent = text;
    return element;
  };

  const openTarget = () => {
    const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target && target.tagName === "DETAILS") {
      show(target);
      target.open = true;
      target.scrollIntoView();
      target.querySelector("summary").focus({ preventScroll: true });
    }
  };
  addEventListener("hashchange", openTarget);
  // A second click on the same link changes no hash.
  addEventListener("click", (event) => {
    const link = event.target.closest("a[href^='#s']");
    if (link && link.hash === location.hash) openTarget();
  });

  // --- copy buttons

  for (const button of all("[data-copy]")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      const code = button.parentElement.querySelector("code");
      try {
        await navigator.clipboard.writeText(code.textContent);
        button.textContent = "Copied";
      } catch {
        getSelection().selectAllChildren(code); // no right to the clipboard: one key is left to press
        button.textContent = "Ctrl-C";
      }
      setTimeout(() => { button.textContent = "Copy"; }, 2000);
    });
  }

  // --- filter

  const form = document.querySelector(".filter");
  const scenarios = all(".scenario");
  const show = (scenario) => { if (scenario.hidden) { form.reset(); filter(); } };
  const filter = () => {
    const words = form.querySelector("#find").value.toLowerCase().split(/\s+/).filter(Boolean);
    const verdict = form.elements.verdict.value;
    let found = 0;
    for (const scenario of scenarios) {
      const text = (scenario.searched ??= scenario.textContent.toLowerCase());
      const fits = (!verdict || scenario.dataset.verdict === verdict) && words.every((word) => text.includes(word));
      scenario.hidden = !fits;
      found += fits;
    }
    for (const list of all(".list")) {
      list.hidden = list.previousElementSibling.hidden = !list.querySelector(".scenario:not([hidden])");
    }
    form.querySelector("#found").textContent = words.length || verdict ? `${found} of ${scenarios.length}` : "";
  };
  form.hidden = scenarios.length === 0;
  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());

  // --- timelines

  class Timeline {
    constructor(place) {
      this.place = place;
      this.data = JSON.parse(place.querySelector("script").textContent);
      const ends = this.data.events.map((event) => event[2] + event[3]);
      this.whole = Math.max(1, ends.reduce((most, end) => Math.max(most, end), 0)) * 1.02;
      this.from = 0;
      this.to = this.whole;
      this.rows = this.findRows();
      this.build();
      new ResizeObserver(() => this.draw()).observe(this.svg);
    }

    findRows() {
      const keys = new Map();
      const inOrder = [...this.data.events].sort((a, b) => a[0] - b[0] || a[1] - b[1]);
      for (const [layer, node] of inOrder) keys.set(`${layer} ${node}`, [layer, node]);
      return [...keys.values()];
    }

    build() {
      const bar = document.createElement("div");
      bar.className = "bar";
      bar.setAttribute("role", "group");
      bar.setAttribute("aria-label", "Zoom");
      const buttons = [["+", "Zoom in", () => this.zoom(1 / ZOOM)], ["−", "Zoom out", () => this.zoom(ZOOM)],
        ["←", "Earlier", () => this.move(-STEP)], ["→", "Later", () => this.move(STEP)],
        ["All", "Show all", () => this.set(0, this.whole)], ["As a list", "All events as a list", () => this.list()]];
      for (const [text, label, act] of buttons) {
        const button = document.createElement("button");
        button.type = "button";
        button.textContent = text;
        button.setAttribute("aria-label", label);
        button.addEventListener("click", act);
        bar.append(button);
      }
      this.svg = make("svg", { tabindex: 0, role: "group", "aria-label": `Timeline of ${this.place.dataset.label}: plus and minus zoom, arrows move, 0 shows all, Page Up and Page Down go from event to event` });
      this.svg.setAttribute("height", this.rows.length * ROW + AXIS);
      this.said = document.createElement("p");
      this.said.className = "said";
      this.said.setAttribute("aria-live", "polite");
      this.said.textContent = "Point at an event to read it; Ctrl and the wheel zoom, dragging moves.";
      this.place.replaceChildren(bar, this.svg, this.said);
      this.listen();
    }

    listen() {
      const keys = { "+": () => this.zoom(1 / ZOOM), "=": () => this.zoom(1 / ZOOM), "-": () => this.zoom(ZOOM),
        ArrowLeft: () => this.move(-STEP), ArrowRight: () => this.move(STEP), 0: () => this.set(0, this.whole),
        PageDown: () => this.next(1), PageUp: () => this.next(-1) };
      this.svg.addEventListener("keydown", (event) => {
        if (!(event.key in keys) || event.ctrlKey || event.metaKey) return;
        event.preventDefault();
        keys[event.key]();
      });
      this.svg.addEventListener("wheel", (event) => {
        if (!event.ctrlKey && !event.metaKey) return; // without them the page scrolls
        event.preventDefault();
        const part = (event.clientX - this.svg.getBoundingClientRect().left - LABELS) / this.width;
        this.zoom(event.deltaY > 0 ? 1.2 : 1 / 1.2, Math.min(1, Math.max(0, part)));
      }, { passive: false });
      this.svg.addEventListener("pointerdown", (event) => {
        this.dragged = event.clientX;
        this.svg.setPointerCapture(event.pointerId);
        this.svg.classList.add("held-down");
      });
      this.svg.addEventListener("pointermove", (event) => {
        if (this.dragged === undefined) return this.point(event.target);
        this.move((this.dragged - event.clientX) / this.width);
        this.dragged = event.clientX;
      });
      for (const end of ["pointerup", "pointercancel"]) {
        this.svg.addEventListener(end, () => { this.dragged = undefined; this.svg.classList.remove("held-down"); });
      }
    }

    get width() { return Math.max(50, this.svg.clientWidth - LABELS - 4); }

    zoom(by, part = 0.5) {
      const middle = this.from + (this.to - this.from) * part;
      const span = Math.min(this.whole, Math.max(5, (this.to - this.from) * by));
      this.set(middle - span * part, middle + span * (1 - part));
    }

    move(part) {
      const by = (this.to - this.from) * part;
      this.set(this.from + by, this.to + by);
    }

    set(from, to) {
      const span = Math.min(this.whole, to - from);
      this.from = Math.min(Math.max(0, from), this.whole - span);
      this.to = this.from + span;
      this.draw();
    }

    x(at) { return LABELS + ((at - this.from) / (this.to - this.from)) * this.width; }

    draw() {
      const drawn = [this.axis(), ...this.rows.flatMap((row, place) => this.row(row, place))];
      this.svg.replaceChildren(...drawn.flat(), ...this.events());
    }

    row([layer, node], place) {
      const y = place * ROW;
      const first = place === 0 || this.rows[place - 1][0] !== layer;
      const label = make("text", { x: 2, y: y + 13, class: "layer" }, first ? this.data.layers[layer] : "");
      const name = make("text", { x: 72, y: y + 13 }, node < 0 ? "" : this.short(this.data.nodes[node]));
      return [make("rect", { x: LABELS, y, width: this.width, height: ROW, class: layer % 2 ? "row odd" : "row" }), label, name];
    }

    short(name) { return name.length > 9 ? `…${name.slice(-8)}` : name; }

    axis() {
      const span = this.to - this.from;
      const rough = (span / this.width) * 80;
      const power = 10 ** Math.floor(Math.log10(rough));
      const step = [1, 2, 5, 10].map((each) => each * power).find((each) => each >= rough);
      const digits = step >= 1000 ? 0 : step >= 100 ? 1 : step >= 10 ? 2 : 3;
      const bottom = this.rows.length * ROW;
      const drawn = [];
      for (let at = Math.ceil(this.from / step) * step; at <= this.to; at += step) {
        drawn.push(make("line", { x1: this.x(at), x2: this.x(at), y1: 0, y2: bottom + 4, class: "grid" }));
        drawn.push(make("text", { x: this.x(at) + 2, y: bottom + 15 }, `${(at / 1000).toFixed(digits)} s`));
      }
      return drawn;
    }

    events() {
      const places = new Map(this.rows.map(([layer, node], place) => [`${layer} ${node}`, place]));
      const drawn = [];
      this.data.events.forEach(([layer, node, at, lasting, , failed], number) => {
        const left = Math.max(LABELS, this.x(at)), right = Math.min(LABELS + this.width, this.x(at + lasting));
        if (at + lasting < this.from || at > this.to) return;
        const y = places.get(`${layer} ${node}`) * ROW + (failed ? 1 : 3);
        drawn.push(make("rect", { x: left, y, width: Math.max(SHORTEST, right - left), height: ROW - (failed ? 2 : 6), rx: 2, class: `event e${layer % 9}${failed ? " failed" : ""}`, "data-number": number }));
      });
      return drawn;
    }

    text(number) {
      const [layer, node, at, lasting, text, failed] = this.data.events[number];
      const when = `${(at / 1000).toFixed(3)} s${lasting ? `, for ${(lasting / 1000).toFixed(3)} s` : ""}`;
      return [when, this.data.layers[layer], node < 0 ? "" : this.data.nodes[node], `${failed ? "✗ " : ""}${this.data.texts[text]}`];
    }

    point(target) {
      const number = target.dataset && target.dataset.number;
      if (number !== undefined) this.choose(Number(number));
    }

    choose(number) {
      for (const event of all(".event.chosen", this.svg)) event.classList.remove("chosen");
      const drawn = this.svg.querySelector(`[data-number="${number}"]`);
      if (drawn) drawn.classList.add("chosen");
      this.chosen = number;
      this.said.textContent = this.text(number).filter(Boolean).join(" · ");
    }

    next(by) {
      const count = this.data.events.length;
      const number = this.chosen === undefined ? 0 : (this.chosen + by + count) % count;
      const at = this.data.events[number][2];
      if (at < this.from || at > this.to) this.set(at - (this.to - this.from) / 2, at + (this.to - this.from) / 2);
      this.choose(number);
    }

    list() {
      const table = document.createElement("table");
      this.data.events.forEach((_, number) => {
        const row = table.insertRow();
        for (const text of this.text(number)) row.insertCell().textContent = text;
      });
      const shown = this.place.querySelector("table");
      if (shown) shown.remove(); else this.place.append(table);
    }
  }

  for (const scenario of scenarios) {
    scenario.addEventListener("toggle", () => {
      if (scenario.open) for (const place of all(".timeline:not(.drawn)", scenario)) {
        place.classList.add("drawn");
        new Timeline(place);
      }
    });
  }
  openTarget();
})();
