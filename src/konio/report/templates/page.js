"use strict";
(() => {
  const root = document.documentElement;
  const find = (id) => document.getElementById(id);
  const all = (selector) => Array.from(document.querySelectorAll(selector));

  const speak = (language) => {
    root.dataset.lang = language;
    root.lang = language === "zh" ? "zh-Hans" : "en";
    all("[data-language]").forEach((button) =>
      button.setAttribute("aria-pressed", String(button.dataset.language === language)));
  };
  all("[data-language]").forEach((button) =>
    button.addEventListener("click", () => speak(button.dataset.language)));
  const follows = "follow" in root.dataset;
  speak(follows ? (/^zh/i.test(navigator.language || "") ? "zh" : "en") : root.dataset.lang);

  const filter = find("filter");
  if (filter) {
    filter.addEventListener("input", () => all("[data-name]").forEach((row) => {
      row.hidden = !row.dataset.name.toLowerCase().includes(filter.value.toLowerCase());
    }));
  }

  const viewer = find("viewer");
  if (!viewer) return;
  find("print").addEventListener("click", () => window.print());

  const explain = (task) => all(".heat, .box, .heat-name [data-task]").forEach((part) => {
    part.toggleAttribute("hidden", part.dataset.task !== task);
  });
  all("input[name=heat]").forEach((radio) =>
    radio.addEventListener("change", () => explain(radio.value)));
  const chosen = document.querySelector("input[name=heat]:checked");
  if (chosen) explain(chosen.value);

  const opacity = find("opacity");
  const fade = () => find("heats").setAttribute("opacity", String(opacity.value / 100));
  if (opacity) opacity.addEventListener("input", fade);

  const light = () => {
    const bright = find("brightness").value, contrast = find("contrast").value;
    find("film").style.filter = bright === "100" && contrast === "100"
      ? "" : `brightness(${bright}%) contrast(${contrast}%)`;
  };
  ["brightness", "contrast"].forEach((id) => find(id).addEventListener("input", light));

  [["show-outlines", "outlines"], ["show-boxes", "boxes"]].forEach(([box, layer]) => {
    const tick = find(box);
    if (tick) tick.addEventListener("change", () => find(layer).toggleAttribute("hidden", !tick.checked));
  });

  const width = Number(viewer.dataset.width), height = Number(viewer.dataset.height);
  const view = { x: 0, y: 0, scale: 1 };
  const look = () => {
    const w = width / view.scale, h = height / view.scale;
    view.x = Math.min(Math.max(view.x, 0), width - w);
    view.y = Math.min(Math.max(view.y, 0), height - h);
    viewer.setAttribute("viewBox", `${view.x} ${view.y} ${w} ${h}`);
  };
  const zoom = (factor, x = view.x + width / view.scale / 2, y = view.y + height / view.scale / 2) => {
    const scale = Math.min(Math.max(view.scale * factor, 1), 12);
    view.x = x - (x - view.x) * view.scale / scale;
    view.y = y - (y - view.y) * view.scale / scale;
    view.scale = scale;
    look();
  };
  const at = (event) => new DOMPoint(event.clientX, event.clientY)
    .matrixTransform(viewer.getScreenCTM().inverse());
  const reset = () => {
    Object.assign(view, { x: 0, y: 0, scale: 1 });
    find("brightness").value = find("contrast").value = "100";
    light();
    look();
  };
  find("zoom-in").addEventListener("click", () => zoom(1.4));
  find("zoom-out").addEventListener("click", () => zoom(1 / 1.4));
  find("reset").addEventListener("click", reset);
  viewer.addEventListener("wheel", (event) => {
    event.preventDefault();
    const point = at(event);
    zoom(event.deltaY < 0 ? 1.2 : 1 / 1.2, point.x, point.y);
  }, { passive: false });

  let grip = null;
  viewer.addEventListener("pointerdown", (event) => {
    grip = at(event);
    viewer.setPointerCapture(event.pointerId);
  });
  viewer.addEventListener("pointermove", (event) => {
    if (!grip) return;
    const now = at(event);
    view.x += grip.x - now.x;
    view.y += grip.y - now.y;
    look();
  });
  ["pointerup", "pointercancel"].forEach((name) => viewer.addEventListener(name, () => { grip = null; }));

  const toggle = (id) => { const tick = find(id); if (tick) tick.click(); };
  const keys = {
    "+": () => zoom(1.4), "=": () => zoom(1.4), "-": () => zoom(1 / 1.4), "0": reset,
    ArrowLeft: () => { view.x -= width / view.scale / 10; look(); },
    ArrowRight: () => { view.x += width / view.scale / 10; look(); },
    ArrowUp: () => { view.y -= height / view.scale / 10; look(); },
    ArrowDown: () => { view.y += height / view.scale / 10; look(); },
    z: () => toggle("show-outlines"), b: () => toggle("show-boxes"),
  };
  viewer.addEventListener("keydown", (event) => {
    const act = keys[event.key] || keys[event.key.toLowerCase()];
    if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    act();
  });
})();
